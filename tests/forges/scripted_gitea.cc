#include "tests/forges/scripted_gitea.h"

#include <algorithm>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "boost/json/array.hpp"
#include "tests/forges/scripted_json.h"

namespace lamplighter {
namespace {

namespace json = ::boost::json;

constexpr size_t kMaxStatuses = 1'000'000;
// What the server believes to be, as one behind a proxy does.
constexpr char kRootUrl[] = "http://gitea.internal:3000";

std::string RepositoryOf(const HttpRequest& request) {
  return absl::AsciiStrToLower(
      absl::StrCat(PercentDecoded(request.path_params[0]), "/",
                   PercentDecoded(request.path_params[1])));
}

std::string CommitOf(const HttpRequest& request) {
  return absl::StrCat(RepositoryOf(request), "@", request.path_params[2]);
}

std::string TimeText(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

json::object StatusJson(const ScriptedGitea::Status& status) {
  json::object shown;
  shown["id"] = status.id;
  shown["status"] = status.state;  // not "state", but in the combined one
  shown["context"] = status.context;
  shown["description"] = status.description;
  shown["target_url"] = status.target_url;
  shown["created_at"] = TimeText(status.created_at);
  shown["updated_at"] = TimeText(status.created_at);
  return shown;
}

json::object PermissionsJson(bool admin, bool push) {
  return {{"admin", admin}, {"push", push}, {"pull", true}};
}

json::object RepositoryJson(int64_t id) {
  const std::string owner = absl::StrCat("owner-", id / 100);
  const std::string name = absl::StrCat("Repo-", id);
  const std::string url = absl::StrCat(kRootUrl, "/", owner, "/", name);
  json::object shown;
  shown["id"] = id;
  shown["name"] = name;
  shown["full_name"] = absl::StrCat(owner, "/", name);
  shown["owner"] = json::object{
      {"id", id / 100 + 1}, {"login", owner}, {"visibility", "public"}};
  shown["description"] = "";
  shown["private"] = id % 3 == 0;
  shown["internal"] = false;
  shown["empty"] = id % 50 == 0;
  shown["archived"] = id % 5 == 0;
  shown["fork"] = false;
  shown["default_branch"] = "main";
  shown["html_url"] = url;
  shown["clone_url"] = absl::StrCat(url, ".git");
  shown["updated_at"] = "2026-11-21T09:00:00Z";
  shown["permissions"] = PermissionsJson(id % 7 != 0, id % 7 != 0);
  return shown;
}

json::object HookJson(int64_t id, const ScriptedGitea::Hook& hook) {
  json::object shown;
  shown["id"] = id;
  shown["type"] = hook.type;
  shown["active"] = hook.active;
  shown["branch_filter"] = hook.branch_filter;
  shown["authorization_header"] = "";
  shown["config"] =
      json::object{{"url", hook.url}, {"content_type", hook.content_type}};
  json::array& events = shown["events"].emplace_array();
  for (const std::string& event : hook.events) events.emplace_back(event);
  return shown;
}

// Pull requests have many events, and none at all means pushes.
std::vector<std::string> EventsIn(const json::object& body) {
  std::vector<std::string> events;
  const json::value* given = body.if_contains("events");
  if (given != nullptr && given->is_array()) {
    for (const json::value& event : given->as_array()) {
      if (event.is_string()) events.emplace_back(event.as_string());
    }
  }
  if (events.empty()) events.emplace_back("push");
  if (absl::c_linear_search(events, "pull_request")) {
    for (const char* more : {"assign", "label", "sync", "review_request"}) {
      events.push_back(absl::StrCat("pull_request_", more));
    }
  }
  return events;
}

bool FlagIn(const json::object& object, const char* key, bool fallback) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_bool() ? value->as_bool() : fallback;
}

json::object ConfigIn(const json::object& body) {
  const json::value* config = body.if_contains("config");
  if (config == nullptr || !config->is_object()) return {};
  return config->as_object();
}

}  // namespace

std::vector<HttpRoute> ScriptedGitea::ApiRoutes() {
  struct Api {
    const char* method;
    const char* path;
    Member member;
  };
  using G = ScriptedGitea;
  const Api apis[] = {
      {"POST", "/repos/{owner}/{repo}/statuses/{sha}", &G::SetStatus},
      {"GET", "/repos/{owner}/{repo}/commits/{sha}/status", &G::Combined},
      {"GET", "/repos/{owner}/{repo}/git/commits/{sha}", &G::GetCommit},
      {"GET", "/repos/{owner}/{repo}", &G::GetRepository},
      {"GET", "/repos/{owner}/{repo}/hooks", &G::ListHooks},
      {"POST", "/repos/{owner}/{repo}/hooks", &G::AddHook},
      {"PATCH", "/repos/{owner}/{repo}/hooks/{id}", &G::EditHook},
      {"DELETE", "/repos/{owner}/{repo}/hooks/{id}", &G::DeleteHook},
      {"GET", "/user/repos", &G::ListRepositories},
      {"GET", "/user", &G::GetUser},
      {"GET", "/version", &G::GetVersion},
  };
  std::vector<HttpRoute> routes;
  for (const Api& api : apis) {
    routes.push_back(Route(api.method, absl::StrCat("/api/v1", api.path),
                           [this, member = api.member](
                               const HttpRequest& request, ScriptedCall& call) {
                             return (this->*member)(request, call);
                           }));
  }
  return routes;
}

absl::optional<HttpResponse> ScriptedGitea::Refuse(const HttpRequest& request) {
  const absl::string_view given =
      request.headers.Find("Authorization").value_or("");
  const bool is_known = options_.token.empty() ||
                        given == absl::StrCat("token ", options_.token) ||
                        given == absl::StrCat("Bearer ", options_.token);
  if (is_known) return absl::nullopt;
  return Error(401, "user does not exist [uid: 0, name: ]");
}

HttpResponse ScriptedGitea::Error(int status, absl::string_view message) const {
  return Json(status,
              json::object{{"message", std::string(message)},
                           {"url", absl::StrCat(kRootUrl, "/api/swagger")}});
}

void ScriptedGitea::Clear() {
  commits_.clear();
  status_count_ = 0;
  hooks_.clear();
}

std::pair<size_t, size_t> ScriptedGitea::Range(const HttpRequest& request,
                                               size_t size) const {
  const size_t limit = std::min(QueryNumber(request.query, "limit", 30),
                                options_.max_response_items);
  const size_t page = QueryNumber(request.query, "page", 1);
  const size_t begin = std::min((page - 1) * limit, size);
  return {begin, std::min(begin + limit, size)};
}

// Nothing is checked but that there is such a commit.
HttpResponse ScriptedGitea::SetStatus(const HttpRequest& request,
                                      ScriptedCall& call) {
  if (!options_.is_admin) return Error(403, "user should have a permission");
  const auto body = ReadBody(request);
  if (!body) return Error(422, "[]: json: cannot be read");
  Status status;
  status.state = call.state = TextAt(*body, "state");
  status.context = call.context = TextAt(*body, "context");
  status.description = call.description = TextAt(*body, "description");
  status.target_url = TextAt(*body, "target_url");
  if (status.context.empty()) status.context = call.context = "default";
  const bool is_full = status_count_ >= kMaxStatuses;
  if (is_full || !IsKnownCommit(request.path_params[2])) return Error(500, "");
  status.created_at = call.at;
  status.id = ++last_id_;
  ++status_count_;
  std::vector<Status>& history = commits_[CommitOf(request)];
  history.push_back(std::move(status));
  return Json(201, StatusJson(history.back()));
}

// The newest of each context, which differ by case.
HttpResponse ScriptedGitea::Combined(const HttpRequest& request,
                                     ScriptedCall& /*call*/) {
  const std::string& sha = request.path_params[2];
  if (!IsKnownCommit(sha)) {
    return Error(404, "object does not exist [id: " + sha + ", rel_path: ]");
  }
  std::map<std::string, const Status*> newest;
  for (const Status& status : commits_[CommitOf(request)]) {
    newest[status.context] = &status;
  }
  std::vector<const Status*> statuses;
  for (const auto& [_, status] : newest) statuses.push_back(status);
  const auto [begin, end] = Range(request, statuses.size());
  json::object combined;
  combined["state"] = newest.empty() ? "" : "pending";
  combined["sha"] = sha;
  combined["total_count"] = statuses.size();
  json::value& list = combined["statuses"];  // null where there is none
  for (size_t i = begin; i < end; ++i) {
    if (list.is_null()) list.emplace_array();
    list.as_array().push_back(StatusJson(*statuses[i]));
  }
  return Json(200, combined);
}

HttpResponse ScriptedGitea::GetCommit(const HttpRequest& request,
                                      ScriptedCall& /*call*/) {
  const std::string& sha = request.path_params[2];
  if (!IsKnownCommit(sha)) return Error(404, sha);
  return Json(200, json::object{{"sha", sha}});
}

HttpResponse ScriptedGitea::ListRepositories(const HttpRequest& request,
                                             ScriptedCall& /*call*/) {
  const auto size = static_cast<size_t>(repositories_);
  const auto [begin, end] = Range(request, size);
  json::array list;
  for (size_t i = begin; i < end; ++i) {
    list.push_back(RepositoryJson(static_cast<int64_t>(i) + 1));
  }
  HttpResponse response = Json(200, list);
  const size_t page = QueryNumber(request.query, "page", 1);
  const auto link = [&](size_t number, const char* rel) {
    return absl::StrCat("<", kRootUrl, request.path, "?limit=", end - begin,
                        "&page=", number, ">; rel=\"", rel, "\"");
  };
  // None at all where there is one page.
  if (end < size) {
    response.headers.Add("Link", link(page + 1, "next"));
  } else if (begin > 0) {
    response.headers.Add(
        "Link", absl::StrCat(link(1, "first"), ",", link(page - 1, "prev")));
  }
  response.headers.Add("X-Total-Count", absl::StrCat(size));
  return response;
}

HttpResponse ScriptedGitea::GetRepository(const HttpRequest& request,
                                          ScriptedCall& /*call*/) {
  const std::string path = RepositoryOf(request);
  int64_t id = 0;
  if (absl::SimpleAtoi(path.substr(path.rfind('-') + 1), &id) && id >= 1 &&
      id <= repositories_) {
    return Json(200, RepositoryJson(id));
  }
  json::object repository = RepositoryJson(1);
  repository["full_name"] = path;
  repository["permissions"] =
      PermissionsJson(options_.is_admin, options_.is_admin);
  return Json(200, repository);
}

HttpResponse ScriptedGitea::ListHooks(const HttpRequest& request,
                                      ScriptedCall& /*call*/) {
  if (!options_.is_admin) return Error(403, "user should be an owner");
  std::vector<int64_t> own;
  for (const auto& [id, hook] : hooks_) {
    if (hook.repository == RepositoryOf(request)) own.push_back(id);
  }
  const auto [begin, end] = Range(request, own.size());
  json::array list;
  for (size_t i = begin; i < end; ++i) {
    list.push_back(HookJson(own[i], hooks_.at(own[i])));
  }
  HttpResponse response = Json(200, list);
  response.headers.Add("X-Total-Count", absl::StrCat(own.size()));
  return response;
}

HttpResponse ScriptedGitea::AddHook(const HttpRequest& request,
                                    ScriptedCall& /*call*/) {
  if (!options_.is_admin) return Error(403, "user should be an owner");
  const auto body = ReadBody(request);
  if (!body) return Error(422, "[]: json: cannot be read");
  const json::object config = ConfigIn(*body);
  Hook hook;
  hook.repository = RepositoryOf(request);
  hook.type = TextAt(*body, "type");
  hook.url = TextAt(config, "url");
  hook.content_type = TextAt(config, "content_type");
  hook.secret = TextAt(config, "secret");
  hook.branch_filter = TextAt(*body, "branch_filter");
  hook.events = EventsIn(*body);
  hook.active = FlagIn(*body, "active", false);
  if (hook.type != "gitea" && hook.type != "slack") {
    return Error(422, absl::StrCat("Invalid hook type: ", hook.type));
  }
  if (hook.content_type != "json" && hook.content_type != "form") {
    return Error(422, "Invalid content type");
  }
  if (hook.url.empty()) return Error(422, "Invalid url");
  const auto [it, _] = hooks_.emplace(++last_id_, std::move(hook));
  return Json(201, HookJson(it->first, it->second));
}

std::map<int64_t, ScriptedGitea::Hook>::iterator ScriptedGitea::FindHook(
    const HttpRequest& request) {
  int64_t id = 0;
  if (!absl::SimpleAtoi(request.path_params[2], &id)) return hooks_.end();
  const auto it = hooks_.find(id);
  const bool is_own =
      it != hooks_.end() && it->second.repository == RepositoryOf(request);
  return is_own ? it : hooks_.end();
}

// The secret stays, whatever is said, and events are pushes if nothing is.
HttpResponse ScriptedGitea::EditHook(const HttpRequest& request,
                                     ScriptedCall& /*call*/) {
  const auto found = FindHook(request);
  if (found == hooks_.end()) return Error(404, "not found");
  const auto body = ReadBody(request);
  if (!body) return Error(422, "[]: json: cannot be read");
  Hook& hook = found->second;
  const json::object config = ConfigIn(*body);
  if (config.contains("url")) hook.url = TextAt(config, "url");
  if (config.contains("content_type")) {
    hook.content_type = TextAt(config, "content_type");
  }
  hook.events = EventsIn(*body);
  hook.branch_filter = TextAt(*body, "branch_filter");
  hook.active = FlagIn(*body, "active", hook.active);
  return Json(200, HookJson(found->first, hook));
}

HttpResponse ScriptedGitea::DeleteHook(const HttpRequest& request,
                                       ScriptedCall& /*call*/) {
  const auto found = FindHook(request);
  if (found == hooks_.end()) return Error(404, "not found");
  hooks_.erase(found);
  return NoContent();
}

HttpResponse ScriptedGitea::GetUser(const HttpRequest& /*request*/,
                                    ScriptedCall& /*call*/) {
  return Json(200, json::object{{"id", 1}, {"login", "sandbox"}});
}

HttpResponse ScriptedGitea::GetVersion(const HttpRequest& /*request*/,
                                       ScriptedCall& /*call*/) {
  return Json(200, json::object{{"version", "1.25.4"}});
}

}  // namespace lamplighter
