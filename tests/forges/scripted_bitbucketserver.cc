#include "tests/forges/scripted_bitbucketserver.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "boost/json/array.hpp"
#include "boost/json/object.hpp"
#include "tests/forges/scripted_json.h"

namespace lamplighter {
namespace {

namespace json = ::boost::json;

constexpr size_t kMaxKey = 255;
constexpr size_t kMaxUrl = 450;
constexpr size_t kMaxPage = 1000;
constexpr size_t kMaxWebhooks = 1000;

// Names of projects ignore case.
std::string RepositoryOf(const HttpRequest& request) {
  return absl::AsciiStrToLower(
      absl::StrCat(request.path_params[0], "/", request.path_params[1]));
}

json::object ErrorJson(absl::string_view message, absl::string_view exception) {
  json::object error;
  error["context"] = nullptr;
  error["message"] = std::string(message);
  error["exceptionName"] = absl::StrCat("com.atlassian.bitbucket.", exception);
  return json::object{{"errors", json::array{error}}};
}

// Empty if nothing is.
std::string WhatIsWrong(const BitbucketBuild& build) {
  static constexpr std::array<absl::string_view, 5> kStates = {
      "INPROGRESS", "SUCCESSFUL", "FAILED", "CANCELLED", "UNKNOWN"};
  if (build.key.empty() || build.key.size() > kMaxKey) {
    return "key: size must be between 1 and 255";
  }
  if (!absl::c_linear_search(kStates, build.state)) return "state: is invalid";
  if (build.url.empty() || build.url.size() > kMaxUrl) {
    return "url: size must be between 1 and 450";
  }
  if (CountCharacters(build.name) > kMaxKey) return "name: is too long";
  return "";
}

json::object BuildJson(const BitbucketBuild& build) {
  json::object out;
  out["key"] = build.key;
  out["state"] = build.state;
  out["name"] = build.name;
  out["description"] = build.description;
  out["url"] = build.url;
  out["createdDate"] = absl::ToUnixMillis(build.created_at);
  out["updatedDate"] = absl::ToUnixMillis(build.updated_at);
  return out;
}

// Without the secret.
json::object WebhookJson(const BitbucketWebhook& webhook) {
  json::object out;
  out["id"] = webhook.id;
  out["name"] = webhook.name;
  out["url"] = webhook.url;
  out["active"] = webhook.active;
  out["events"] = EventsJson(webhook);
  out["configuration"] = json::object();
  out["scopeType"] = "repository";
  out["sslVerificationRequired"] = webhook.verifies_tls;
  return out;
}

json::object RepositoryJson(size_t index) {
  const std::string name = BitbucketRepositoryName(index);
  json::object out;
  out["id"] = index + 1;
  out["slug"] = name;
  out["name"] = name;
  out["description"] = absl::StrCat("The repository ", index);
  out["scmId"] = "git";
  out["state"] = "AVAILABLE";
  out["public"] = false;
  out["archived"] = index % 10 == 9;
  out["project"] = json::object{{"key", "PRJ"}, {"id", 1}, {"name", "Project"}};
  const std::string base = "https://git.example.com";
  out["links"] = json::object{
      {"clone",
       json::array{{{"name", "http"},
                    {"href", absl::StrCat(base, "/scm/prj/", name, ".git")}}}},
      {"self", json::array{{{"href", absl::StrCat(base, "/projects/PRJ/repos/",
                                                  name, "/browse")}}}}};
  return out;
}

absl::optional<BitbucketWebhook> ReadWebhook(const HttpRequest& request) {
  const auto object = ReadBody(request);
  auto webhook = object ? ReadBitbucketWebhook(*object) : absl::nullopt;
  if (!webhook) return absl::nullopt;
  webhook->name = TextAt(*object, "name");
  if (const auto* configuration = object->if_contains("configuration");
      configuration != nullptr && configuration->is_object()) {
    webhook->secret = TextAt(configuration->get_object(), "secret");
  }
  if (const auto* verifies = object->if_contains("sslVerificationRequired");
      verifies != nullptr && verifies->is_bool()) {
    webhook->verifies_tls = verifies->get_bool();
  }
  return webhook;
}

int64_t WebhookId(const HttpRequest& request) {
  int64_t id = 0;
  return absl::SimpleAtoi(request.path_params[2], &id) ? id : 0;
}

// The page from `start` of what `find` gives: the value at an index, or none
// where it is not to be seen.
HttpResponse Page(
    const HttpRequest& request, size_t size,
    const std::function<absl::optional<json::object>(size_t)>& find) {
  const size_t limit =
      std::min(QueryNumber(request.query, "limit", 25), kMaxPage);
  const size_t start = QueryNumber(request.query, "start", 0, 0);
  json::array values;
  size_t next = start;
  for (; next < size && values.size() < limit; ++next) {
    if (auto value = find(next)) values.push_back(*std::move(value));
  }
  const bool is_last = next >= size;
  json::object out;
  out["size"] = values.size();
  out["limit"] = limit;
  out["isLastPage"] = is_last;
  out["start"] = start;
  out["nextPageStart"] = is_last ? json::value(nullptr) : json::value(next);
  out["values"] = std::move(values);
  return Json(200, out);
}

}  // namespace

std::vector<HttpRoute> ScriptedBitbucketServer::ApiRoutes() {
  using B = ScriptedBitbucketServer;
  const std::string api = "/rest/api/latest";
  const std::string repository = api + "/projects/{project}/repos/{repo}";
  const std::string builds = repository + "/commits/{sha}/builds";
  const std::string commit = "/rest/build-status/latest/commits/{sha}";
  const struct {
    const char* method;
    std::string path;
    Handler handler;
  } kRoutes[] = {
      {"GET", api + "/application-properties", &B::GetProperties},
      {"GET", api + "/repos", &B::ListRepositories},
      {"GET", repository, &B::GetRepository},
      {"POST", builds, &B::SetBuild},
      {"GET", builds, &B::GetBuild},
      {"POST", commit, &B::SetCommitBuild},
      {"GET", commit, &B::ListCommitBuilds},
      {"GET", repository + "/webhooks", &B::ListWebhooks},
      {"POST", repository + "/webhooks", &B::AddWebhook},
      {"PUT", repository + "/webhooks/{id}", &B::SetWebhook},
      {"DELETE", repository + "/webhooks/{id}", &B::DeleteWebhook},
  };
  std::vector<HttpRoute> routes;
  for (const char* context : {"", "/ctx"}) {
    for (const auto& route : kRoutes) {
      routes.push_back(
          Route(route.method, context + route.path,
                [this, handler = route.handler](const HttpRequest& request,
                                                ScriptedCall& call) {
                  return (this->*handler)(request, call);
                }));
    }
  }
  return routes;
}

absl::optional<HttpResponse> ScriptedBitbucketServer::Refuse(
    const HttpRequest& request) {
  const auto sent = request.headers.Find("Authorization").value_or("");
  if (options_.token.empty() ||
      sent == BitbucketAuthorizationOf(options_.token)) {
    return absl::nullopt;
  }
  return Json(401,
              ErrorJson("Authentication failed. Please check your credentials.",
                        "auth.IncorrectPasswordAuthenticationException"));
}

HttpResponse ScriptedBitbucketServer::Error(int status,
                                            absl::string_view message) const {
  return Json(status, ErrorJson(message, "RequestException"));
}

// It does not say until when.
HttpResponse ScriptedBitbucketServer::RateLimited(absl::Time /*until*/) const {
  return Error(429, "You are rate limited");
}

// The answer to whoever gets as far as to be known; a wrong credential does
// not.
void ScriptedBitbucketServer::Finish(HttpResponse& response) {
  const bool is_unknown = absl::StrContains(
      response.body, "IncorrectPasswordAuthenticationException");
  if (!is_unknown) response.headers.Add("X-AUSERNAME", "bot");
}

std::string ScriptedBitbucketServer::Counts() const {
  return absl::StrCat("\"statuses\":", builds_.size(), ",");
}

void ScriptedBitbucketServer::Clear() {
  builds_.Clear();
  webhooks_.Clear();
}

HttpResponse ScriptedBitbucketServer::NoSuchResource(
    const HttpRequest& request) const {
  json::object out;
  out["message"] = absl::StrCat("null for uri: http://localhost", request.path);
  out["status-code"] = 404;
  return Json(404, out);
}

HttpResponse ScriptedBitbucketServer::GetProperties(
    const HttpRequest& /*request*/, ScriptedCall& /*call*/) {
  return JsonResponse(200, options_.is_old ? R"({"version":"6.10.17"})"
                                           : R"({"version":"9.2.0"})");
}

HttpResponse ScriptedBitbucketServer::Keep(const HttpRequest& request,
                                           const std::string& sha,
                                           const std::string& repository,
                                           ScriptedCall& call) {
  absl::optional<BitbucketBuild> build = ReadBitbucketBuild(request);
  if (!build) return Error(400, "the body is no build");
  call.context = build->key;
  call.state = build->state;
  call.description = build->description;
  if (std::string wrong = WhatIsWrong(*build); !wrong.empty()) {
    return Error(400, wrong);
  }
  build->repository = repository;
  builds_.Set(sha, *std::move(build), call.at);
  return NoContent();
}

HttpResponse ScriptedBitbucketServer::SetBuild(const HttpRequest& request,
                                               ScriptedCall& call) {
  if (options_.is_old) return NoSuchResource(request);
  const std::string& sha = request.path_params[2];
  if (!IsKnownCommit(sha)) return Error(404, "The commit does not exist.");
  return Keep(request, sha, RepositoryOf(request), call);
}

HttpResponse ScriptedBitbucketServer::GetBuild(const HttpRequest& request,
                                               ScriptedCall& /*call*/) {
  if (options_.is_old) return NoSuchResource(request);
  const auto key = QueryValue(request.query, "key");
  if (!key) return Error(400, "key: is required");
  const BitbucketBuild* build =
      builds_.Find(request.path_params[2], RepositoryOf(request), *key);
  if (build == nullptr) return Error(404, "The build does not exist.");
  return Json(200, BuildJson(*build));
}

// Takes any commit, whether it is there or not.
HttpResponse ScriptedBitbucketServer::SetCommitBuild(const HttpRequest& request,
                                                     ScriptedCall& call) {
  return Keep(request, request.path_params[0], "", call);
}

HttpResponse ScriptedBitbucketServer::ListCommitBuilds(
    const HttpRequest& request, ScriptedCall& /*call*/) {
  const auto& builds = builds_.Of(request.path_params[0]);
  return Page(request, builds.size(),
              [&](size_t i) { return BuildJson(builds[i]); });
}

HttpResponse ScriptedBitbucketServer::ListRepositories(
    const HttpRequest& request, ScriptedCall& /*call*/) {
  const std::string permission =
      QueryValue(request.query, "permission").value_or("REPO_READ");
  const BitbucketAccess least =
      permission == "REPO_ADMIN"   ? BitbucketAccess::kAdmin
      : permission == "REPO_WRITE" ? BitbucketAccess::kWrite
                                   : BitbucketAccess::kRead;
  const bool shows_archived =
      QueryValue(request.query, "archived") == std::string("ALL");
  const auto name = QueryValue(request.query, "name");
  return Page(
      request, repositories_, [&](size_t i) -> absl::optional<json::object> {
        if (BitbucketAccessTo(i) < least) return absl::nullopt;
        if (name && !absl::StartsWith(BitbucketRepositoryName(i), *name)) {
          return absl::nullopt;
        }
        if (i % 10 == 9 && !shows_archived) return absl::nullopt;
        return RepositoryJson(i);
      });
}

HttpResponse ScriptedBitbucketServer::GetRepository(const HttpRequest& request,
                                                    ScriptedCall& /*call*/) {
  absl::string_view digits = request.path_params[1];
  size_t index = 0;
  if (absl::ConsumePrefix(&digits, "repo-") &&
      absl::SimpleAtoi(digits, &index)) {
    return Json(200, RepositoryJson(index));
  }
  json::object out = RepositoryJson(0);
  out["slug"] = request.path_params[1];
  out["name"] = request.path_params[1];
  return Json(200, out);
}

HttpResponse ScriptedBitbucketServer::ListWebhooks(const HttpRequest& request,
                                                   ScriptedCall& /*call*/) {
  if (BitbucketAccessTo(request.path_params[1]) != BitbucketAccess::kAdmin) {
    return Error(401, "You are not permitted to access this resource");
  }
  const auto& webhooks = webhooks_.Of(RepositoryOf(request));
  return Page(request, webhooks.size(),
              [&](size_t i) { return WebhookJson(webhooks[i]); });
}

HttpResponse ScriptedBitbucketServer::AddWebhook(const HttpRequest& request,
                                                 ScriptedCall& /*call*/) {
  if (BitbucketAccessTo(request.path_params[1]) != BitbucketAccess::kAdmin) {
    return Error(401, "You are not permitted to access this resource");
  }
  auto webhook = ReadWebhook(request);
  const std::string repository = RepositoryOf(request);
  if (!webhook || webhooks_.Of(repository).size() >= kMaxWebhooks) {
    return Error(400, "url and events are required");
  }
  return Json(201, WebhookJson(webhooks_.Add(repository, *std::move(webhook))));
}

HttpResponse ScriptedBitbucketServer::SetWebhook(const HttpRequest& request,
                                                 ScriptedCall& /*call*/) {
  BitbucketWebhook* const known =
      webhooks_.Find(RepositoryOf(request), WebhookId(request));
  if (known == nullptr) return Error(404, "The webhook does not exist.");
  auto webhook = ReadWebhook(request);
  if (!webhook) return Error(400, "url and events are required");
  webhook->id = known->id;
  *known = *std::move(webhook);
  return Json(200, WebhookJson(*known));
}

HttpResponse ScriptedBitbucketServer::DeleteWebhook(const HttpRequest& request,
                                                    ScriptedCall& /*call*/) {
  const bool was_there =
      webhooks_.Remove(RepositoryOf(request), WebhookId(request));
  return was_there ? NoContent() : Error(404, "The webhook does not exist.");
}

}  // namespace lamplighter
