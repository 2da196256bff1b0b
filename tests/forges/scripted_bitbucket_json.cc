#include "tests/forges/scripted_bitbucket_json.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "boost/json/array.hpp"
#include "tests/forges/scripted_forge.h"

namespace lamplighter {
namespace {

namespace json = ::boost::json;

// "{00000000-0000-4000-9000-00000000002a}".
std::string Uuid(absl::string_view kind, int64_t id) {
  return absl::StrFormat("{00000000-0000-4000-%s-%012x}", kind, id);
}

std::string Time(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E6S+00:00", time,
                          absl::UTCTimeZone());
}

}  // namespace

json::object BitbucketBuildJson(const BitbucketBuild& build) {
  json::object out;
  out["type"] = "build";
  out["uuid"] = Uuid("8000", build.id);
  out["key"] = build.key;
  out["state"] = build.state;
  out["name"] = build.name;
  out["description"] = build.description;
  out["url"] = build.url;
  out["refname"] = nullptr;
  out["created_on"] = Time(build.created_at);
  out["updated_on"] = Time(build.updated_at);
  return out;
}

json::object BitbucketWebhookJson(const BitbucketWebhook& webhook) {
  json::object out;
  out["type"] = "webhook_subscription";
  out["uuid"] = Uuid("9000", webhook.id);
  out["url"] = webhook.url;
  out["description"] = webhook.name;
  out["subject_type"] = "repository";
  out["active"] = webhook.active;
  out["events"] = EventsJson(webhook);
  out["secret_set"] = !webhook.secret.empty();
  return out;
}

json::object BitbucketRepositoryJson(const std::string& workspace,
                                     size_t index) {
  const std::string name = BitbucketRepositoryName(index);
  const std::string path = absl::StrCat(workspace, "/", name);
  json::object out;
  out["type"] = "repository";
  out["uuid"] = Uuid("8001", static_cast<int64_t>(index) + 1);
  out["full_name"] = path;
  out["name"] = name;
  out["description"] = absl::StrCat("The repository ", index);
  out["is_private"] = index % 2 == 0;
  out["scm"] = "git";
  out["updated_on"] = "2026-11-20T10:11:12.123456+00:00";
  out["workspace"] =
      json::object{{"slug", workspace}, {"uuid", Uuid("8002", 1)}};
  out["mainbranch"] = json::object{{"type", "branch"}, {"name", "main"}};
  out["links"] = json::object{
      {"html", {{"href", absl::StrCat("https://bitbucket.org/", path)}}},
      {"clone",
       json::array{
           {{"name", "https"},
            {"href", absl::StrCat("https://me@bitbucket.org/", path, ".git")}},
           {{"name", "ssh"},
            {"href", absl::StrCat("git@bitbucket.org:", path, ".git")}}}}};
  return out;
}

int64_t BitbucketWebhookId(absl::string_view encoded) {
  const std::string uuid = PercentDecoded(encoded);
  absl::string_view digits = uuid;
  int64_t id = 0;
  const bool is_uuid =
      absl::ConsumePrefix(&digits, "{00000000-0000-4000-9000-") &&
      absl::ConsumeSuffix(&digits, "}") && absl::SimpleHexAtoi(digits, &id);
  return is_uuid ? id : 0;
}

}  // namespace lamplighter
