#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "boost/json/array.hpp"
#include "boost/json/object.hpp"
#include "tests/forges/scripted_github.h"
#include "tests/forges/scripted_json.h"

// What GitHub remembers of its deliveries.
namespace lamplighter {
namespace {

namespace json = ::boost::json;

// None is made again that is older.
constexpr absl::Duration kWindow = absl::Hours(72);

json::object AttemptJson(const ScriptedAttempt& attempt) {
  json::object object;
  object["id"] = attempt.id;
  object["guid"] = attempt.guid;
  object["delivered_at"] =
      absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", attempt.at, absl::UTCTimeZone());
  object["redelivery"] = attempt.is_redelivery;
  object["duration"] = 0.03;
  object["status"] = attempt.code / 100 == 2 ? "OK" : "failed to connect";
  object["status_code"] = attempt.code;
  object["event"] = "push";
  object["action"] = nullptr;
  object["installation_id"] = nullptr;
  if (attempt.installation > 0) {
    object["installation_id"] = attempt.installation;
  }
  object["repository_id"] = 123;
  object["throttled_at"] = nullptr;
  return object;
}

// The newest first. A cursor is the attempt that a page begins with.
HttpResponse PageOfAttempts(const HttpRequest& request,
                            const std::vector<ScriptedAttempt>& attempts) {
  const size_t size =
      std::min<size_t>(QueryNumber(request.query, "per_page", 30), 100);
  int64_t first = 0;
  if (auto cursor = QueryValue(request.query, "cursor")) {
    absl::string_view number = *cursor;
    if (!absl::ConsumePrefix(&number, "v1_") ||
        !absl::SimpleAtoi(number, &first)) {
      return Json(400, json::object{{"message", "Invalid cursor"}});
    }
  }
  json::array list;
  for (auto it = attempts.rbegin(); it != attempts.rend(); ++it) {
    if (first > 0 && it->id > first) continue;
    if (list.size() < size) {
      list.push_back(AttemptJson(*it));
      continue;
    }
    HttpResponse response = Json(200, list);
    const std::string url = absl::StrCat("http://localhost", request.path);
    response.headers.Add(
        "Link",
        absl::StrCat("<", url, "?per_page=", size, "&cursor=v1_", it->id,
                     ">; rel=\"next\"", ", <", url, ">; rel=\"first\""));
    return response;
  }
  return Json(200, list);
}

int64_t NumberAt(const HttpRequest& request, size_t parameter) {
  int64_t number = 0;
  return absl::SimpleAtoi(request.path_params[parameter], &number) ? number : 0;
}

}  // namespace

std::vector<HttpRoute> ScriptedGitHub::DeliveryRoutes(const std::string& base) {
  std::vector<HttpRoute> routes;
  routes.push_back(Route(
      "GET", base + "/app/hook/config",
      [this](const HttpRequest&, ScriptedCall&) { return GetAppHook(); }));
  routes.push_back(Route("GET", base + "/orgs/{owner}/hooks",
                         [this](const HttpRequest& request, ScriptedCall&) {
                           return hooks_.List(
                               request, OrganizationKey(absl::AsciiStrToLower(
                                            request.path_params[0])));
                         }));
  const std::pair<const char*, size_t> kWebhooks[] = {
      {"/app/hook", 0},
      {"/orgs/{owner}/hooks/{id}", 1},
      {"/repos/{owner}/{repo}/hooks/{id}", 2}};
  for (const auto& [path, parts] : kWebhooks) {
    const Action action = [this, parts = parts](const HttpRequest& request,
                                                ScriptedCall&) {
      return DoDeliveries(request, parts);
    };
    const std::string list = absl::StrCat(base, path, "/deliveries");
    routes.push_back(Route("GET", list, action));
    routes.push_back(Route("POST", list + "/{delivery}/attempts", action));
  }
  return routes;
}

HttpResponse ScriptedGitHub::DoDeliveries(const HttpRequest& request,
                                          size_t owner_parts) {
  std::string webhook = kAppHook;
  if (owner_parts > 0) {
    if (auto refused = RefusePermission(request, "repository_hooks")) {
      return *refused;
    }
    const auto& parts = request.path_params;
    const std::string owner = absl::AsciiStrToLower(
        owner_parts == 1 ? OrganizationKey(parts[0])
                         : absl::StrCat(parts[0], "/", parts[1]));
    const int64_t id = NumberAt(request, owner_parts);
    const bool is_there =
        absl::c_any_of(hooks_.of(owner),
                       [&](const ScriptedHook& hook) { return hook.id == id; });
    if (!is_there) return Error(404, "Not Found");
    webhook = absl::StrCat(id);
  }
  if (request.method == "GET") {
    return PageOfAttempts(request, deliveries_.Of(webhook));
  }
  const int64_t delivery = NumberAt(request, request.path_params.size() - 1);
  if (deliveries_.DeliverAgain(webhook, delivery, kWindow) == nullptr) {
    return Error(404, "Not Found");
  }
  return Json(202, json::object());
}

HttpResponse ScriptedGitHub::GetAppHook() const {
  json::object config = {
      {"content_type", "json"}, {"insecure_ssl", "0"}, {"secret", "********"}};
  if (!app_hook_url_.empty()) config["url"] = app_hook_url_;
  return Json(200, config);
}

}  // namespace lamplighter
