#include "tests/forges/scripted_gitlab.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/hash/hash.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "boost/json/array.hpp"
#include "boost/json/value.hpp"
#include "tests/forges/gitlab_json.h"
#include "tests/forges/scripted_json.h"

namespace lamplighter {
namespace {

namespace json = ::boost::json;

constexpr size_t kMaxText = 255;
constexpr size_t kMaxHooks = 100;  // a project
constexpr size_t kMaxStatuses = 1'000'000;
constexpr size_t kMaxOffset = 50'000;
constexpr absl::Duration kWindow = absl::Minutes(1);

// {"message":{"FIELD":["PROBLEM"]}}
HttpResponse Invalid(absl::string_view field, absl::string_view problem) {
  const json::object message = {
      {std::string(field), json::array{std::string(problem)}}};
  return Json(400, json::object{{"message", message}});
}

std::string ProjectOf(const HttpRequest& request) {
  return absl::AsciiStrToLower(PercentDecoded(request.path_params[0]));
}

// The name of the event that leads to a state.
absl::string_view EventTo(absl::string_view state) {
  if (state == "pending") return "enqueue";
  if (state == "running") return "run";
  if (state == "success") return "succeed";
  if (state == "failed") return "drop";
  return state == "canceled" ? "cancel" : "skip";
}

bool IsLocal(absl::string_view url) {
  return absl::StrContains(url, "://127.") ||
         absl::StrContains(url, "://localhost");
}

}  // namespace

std::vector<HttpRoute> ScriptedGitLab::ApiRoutes() {
  struct Api {
    const char* method;
    const char* path;
    Member member;
  };
  using G = ScriptedGitLab;
  const Api apis[] = {
      {"POST", "/projects/{id}/statuses/{sha}", &G::SetStatus},
      {"GET", "/projects/{id}/repository/commits/{sha}/statuses",
       &G::ListStatuses},
      {"GET", "/projects", &G::ListProjects},
      {"GET", "/projects/{id}", &G::GetProject},
      {"GET", "/projects/{id}/hooks", &G::ListHooks},
      {"POST", "/projects/{id}/hooks", &G::AddHook},
      {"PUT", "/projects/{id}/hooks/{hook}", &G::EditHook},
      {"DELETE", "/projects/{id}/hooks/{hook}", &G::DeleteHook},
      {"GET", "/projects/{id}/hooks/{hook}/events", &G::ListEvents},
      {"POST", "/projects/{id}/hooks/{hook}/events/{event}/resend",
       &G::ResendEvent},
      {"GET", "/user", &G::GetUser},
      {"GET", "/personal_access_tokens/self", &G::GetToken},
      {"GET", "/version", &G::GetVersion},
  };
  std::vector<HttpRoute> routes;
  for (const Api& api : apis) {
    routes.push_back(Route(api.method, absl::StrCat("/api/v4", api.path),
                           [this, member = api.member](
                               const HttpRequest& request, ScriptedCall& call) {
                             return (this->*member)(request, call);
                           }));
  }
  return routes;
}

absl::optional<HttpResponse> ScriptedGitLab::Refuse(
    const HttpRequest& request) {
  const auto token = request.headers.Find("PRIVATE-TOKEN");
  if (!options_.token.empty() && token != absl::string_view(options_.token)) {
    return Error(401, "401 Unauthorized");
  }
  if (options_.rate_limit == 0) return absl::nullopt;
  if (clock().Now() >= window_ends_) {
    window_ends_ = clock().Now() + kWindow;
    used_ = 0;
  }
  if (used_ < options_.rate_limit) return absl::nullopt;
  HttpResponse response;
  response.status = 429;
  response.content_type = "text/plain";
  response.body = "Retry later\n";
  response.headers.Add(
      "Retry-After",
      absl::StrCat(absl::ToInt64Seconds(window_ends_ - clock().Now()) + 1));
  return response;
}

HttpResponse ScriptedGitLab::Error(int status,
                                   absl::string_view message) const {
  return Json(status, json::object{{"message", std::string(message)}});
}

void ScriptedGitLab::Finish(HttpResponse& response) {
  if (options_.rate_limit == 0 || response.status == 401) return;
  if (response.status != 429) ++used_;
  response.headers.Add("RateLimit-Limit", absl::StrCat(options_.rate_limit));
  response.headers.Add("RateLimit-Remaining",
                       absl::StrCat(options_.rate_limit - used_));
  response.headers.Add("RateLimit-Reset",
                       absl::StrCat(absl::ToUnixSeconds(window_ends_)));
}

void ScriptedGitLab::Clear() {
  commits_.clear();
  status_count_ = 0;
  hooks_.clear();
  deliveries_.Clear();
  resends_.clear();
  jobs_.clear();
  used_ = 0;
}

HttpResponse ScriptedGitLab::SetStatus(const HttpRequest& request,
                                       ScriptedCall& call) {
  static constexpr std::array<absl::string_view, 6> kStates = {
      "pending", "running", "success", "failed", "canceled", "skipped"};
  const auto body = ReadBody(request);
  if (!body) return Error(400, "400 Bad Request");
  Job job;
  job.state = call.state = TextAt(*body, "state");
  job.description = call.description = TextAt(*body, "description");
  job.target_url = TextAt(*body, "target_url");
  job.name = TextAt(*body, "name");
  if (job.name.empty()) job.name = TextAt(*body, "context");
  if (job.name.empty()) job.name = "default";
  call.context = job.name;
  if (!absl::c_linear_search(kStates, job.state)) {
    return Json(400,
                json::object{{"error", "state does not have a valid value"}});
  }
  if (options_.access_level < 30) return Error(403, "403 Forbidden");
  if (!IsKnownCommit(request.path_params[1])) {
    return Error(404, "404 Commit Not Found");
  }
  const std::pair<const char*, const std::string*> texts[] = {
      {"name", &job.name},
      {"description", &job.description},
      {"target_url", &job.target_url}};
  for (const auto& [field, text] : texts) {
    if (CountCharacters(*text) > kMaxText) {
      return Invalid(field, "is too long (maximum is 255 characters)");
    }
  }
  if (jobs_.contains(job.name))
    return Invalid("name", "has already been taken");
  job.changed_at = call.at;
  return Apply(absl::StrCat(ProjectOf(request), "@", request.path_params[1]),
               std::move(job));
}

// Only what is under way can change, and not to what it is; all else is a new
// job in place of the old.
HttpResponse ScriptedGitLab::Apply(const std::string& commit, Job wanted) {
  if (status_count_ >= kMaxStatuses) return Error(500, "full");
  const std::string sha = commit.substr(commit.rfind('@') + 1);
  std::vector<Job>& jobs = commits_[commit];
  const auto newest =
      std::find_if(jobs.rbegin(), jobs.rend(),
                   [&](const Job& job) { return job.name == wanted.name; });
  if (newest == jobs.rend() || !IsUnderWay(newest->state)) {
    wanted.id = ++last_id_;
    ++status_count_;
    jobs.push_back(std::move(wanted));
    return Json(201, StatusJson(jobs.back(), sha));
  }
  if (wanted.state == "pending" || wanted.state == newest->state) {
    const absl::string_view event = EventTo(wanted.state);
    return Error(400, absl::StrCat("Cannot transition status via :", event,
                                   " from :", newest->state,
                                   " (Reason(s): Status cannot ",
                                   "transition via \"", event, "\")"));
  }
  wanted.id = newest->id;
  *newest = std::move(wanted);
  return Json(201, StatusJson(*newest, sha));
}

// The newest of each name, which is what `all=false` means.
HttpResponse ScriptedGitLab::ListStatuses(const HttpRequest& request,
                                          ScriptedCall& /*call*/) {
  const std::string& sha = request.path_params[1];
  if (!IsKnownCommit(sha)) return Error(404, "404 Commit Not Found");
  const auto name = QueryValue(request.query, "name");
  std::map<std::string, const Job*> newest;
  for (const Job& job : commits_[absl::StrCat(ProjectOf(request), "@", sha)]) {
    if (!name || *name == job.name) newest[job.name] = &job;
  }
  std::vector<const Job*> jobs;
  for (const auto& [_, job] : newest) jobs.push_back(job);
  const bool descending = QueryValue(request.query, "sort") == "desc";
  absl::c_sort(jobs, [&](const Job* a, const Job* b) {
    return descending ? a->id > b->id : a->id < b->id;
  });
  return NumberedPage(request, jobs.size(),
                      [&](size_t i) { return StatusJson(*jobs[i], sha); });
}

HttpResponse ScriptedGitLab::ListProjects(const HttpRequest& request,
                                          ScriptedCall& /*call*/) {
  const absl::string_view query = request.query;
  const bool simple = QueryValue(query, "simple") == "true";
  const auto level =
      static_cast<int64_t>(QueryNumber(query, "min_access_level", 0));
  const bool by_keyset = QueryValue(query, "pagination") == "keyset";
  if (by_keyset && (QueryValue(query, "order_by") != "id")) {
    return Json(405, json::object{{"error",
                                   "Keyset pagination is not yet available "
                                   "for this type of request"}});
  }
  const size_t per_page =
      std::min<size_t>(QueryNumber(query, "per_page", 20), 100);
  const size_t offset =
      by_keyset ? 0 : (QueryNumber(query, "page", 1) - 1) * per_page;
  if (offset > kMaxOffset) {
    return Json(405, json::object{{"error",
                                   "Offset pagination has a maximum allowed "
                                   "offset of 50000"}});
  }
  json::array list;
  int64_t id = by_keyset
                   ? static_cast<int64_t>(QueryNumber(query, "id_after", 0, 0))
                   : static_cast<int64_t>(offset);
  while (id < projects_ && list.size() < per_page) {
    ++id;
    if (LevelIn(id) >= level) list.push_back(ProjectJson(id, simple));
  }
  HttpResponse response = Json(200, list);
  if (list.size() == per_page) {
    response.headers.Add(
        "Link",
        absl::StrCat("<", kGitLabUrl, "/api/v4/projects?",
                     by_keyset ? "id_after=" : "page=",
                     by_keyset ? id : id / static_cast<int64_t>(per_page) + 1,
                     "&membership=true&order_by=id&pagination=keyset&per_page=",
                     per_page, "&simple=false&sort=asc>; rel=\"next\""));
  }
  response.headers.Add(
      "ETag",
      absl::StrCat("W/\"", absl::Hex(absl::HashOf(response.body)), "\""));
  return response;
}

HttpResponse ScriptedGitLab::GetProject(const HttpRequest& request,
                                        ScriptedCall& /*call*/) {
  const std::string path = ProjectOf(request);
  const size_t dash = path.rfind('-');
  int64_t id = 0;
  if (dash != std::string::npos &&
      absl::SimpleAtoi(path.substr(dash + 1), &id) && id >= 1 &&
      id <= projects_) {
    return Json(200, ProjectJson(id, /*simple=*/false));
  }
  json::object project;
  project["id"] = 1;
  project["path_with_namespace"] = PercentDecoded(request.path_params[0]);
  project["permissions"] = AccessJson(options_.access_level);
  return Json(200, project);
}

HttpResponse ScriptedGitLab::ListHooks(const HttpRequest& request,
                                       ScriptedCall& /*call*/) {
  if (options_.access_level < 40) return Error(403, "403 Forbidden");
  std::vector<std::map<int64_t, Hook>::iterator> own;
  for (auto it = hooks_.begin(); it != hooks_.end(); ++it) {
    if (TextAt(it->second.fields, "project") == ProjectOf(request)) {
      own.push_back(it);
    }
  }
  return NumberedPage(request, own.size(), [&](size_t i) {
    return Show(own[i]->first, own[i]->second);
  });
}

void ScriptedGitLab::Fill(Hook& hook, json::object given) const {
  if (given.contains("token")) hook.token = TextAt(given, "token");
  if (options_.knows_signing_tokens && given.contains("signing_token")) {
    hook.signing_token = TextAt(given, "signing_token");
  }
  given.erase("token");
  given.erase("signing_token");
  for (const auto& field : given) hook.fields[field.key()] = field.value();
}

json::object ScriptedGitLab::Show(int64_t id, const Hook& hook) const {
  json::object shown = hook.fields;
  shown.erase("project");
  shown["id"] = id;
  shown["alert_status"] = hook.alert_status;
  if (!options_.knows_signing_tokens) return shown;
  shown["token_present"] = !hook.token.empty();
  shown["signing_token_present"] = !hook.signing_token.empty();
  return shown;
}

HttpResponse ScriptedGitLab::AddHook(const HttpRequest& request,
                                     ScriptedCall& /*call*/) {
  if (options_.access_level < 40) return Error(403, "403 Forbidden");
  auto body = ReadBody(request);
  const std::string url = body ? TextAt(*body, "url") : "";
  if (url.empty()) return Json(400, json::object{{"error", "url is missing"}});
  if (IsLocal(url)) {
    return Json(422, json::object{{"error", "Invalid url given"}});
  }
  const std::string project = ProjectOf(request);
  const auto count = absl::c_count_if(hooks_, [&](const auto& hook) {
    return TextAt(hook.second.fields, "project") == project;
  });
  if (static_cast<size_t>(count) >= kMaxHooks) {
    return Invalid("base", "Maximum number of project hooks (100) exceeded");
  }
  Hook hook;
  hook.fields["project"] = project;
  hook.fields["push_events"] = true;
  hook.fields["tag_push_events"] = false;
  hook.fields["merge_requests_events"] = false;
  hook.fields["enable_ssl_verification"] = true;
  hook.fields["push_events_branch_filter"] = nullptr;
  hook.fields["branch_filter_strategy"] = "wildcard";
  Fill(hook, *std::move(body));
  const auto [it, _] = hooks_.emplace(++last_id_, std::move(hook));
  return Json(201, Show(it->first, it->second));
}

std::map<int64_t, ScriptedGitLab::Hook>::iterator ScriptedGitLab::FindHook(
    const HttpRequest& request) {
  int64_t id = 0;
  if (!absl::SimpleAtoi(request.path_params[1], &id)) return hooks_.end();
  const auto it = hooks_.find(id);
  const bool is_own =
      it != hooks_.end() &&
      TextAt(it->second.fields, "project") == ProjectOf(request);
  return is_own ? it : hooks_.end();
}

// One that is disabled stays so: only a test that succeeds enables it.
HttpResponse ScriptedGitLab::EditHook(const HttpRequest& request,
                                      ScriptedCall& /*call*/) {
  const auto hook = FindHook(request);
  if (hook == hooks_.end()) return Error(404, "404 Not found");
  auto body = ReadBody(request);
  if (!body) return Error(400, "400 Bad Request");
  Fill(hook->second, *std::move(body));
  return Json(200, Show(hook->first, hook->second));
}

HttpResponse ScriptedGitLab::DeleteHook(const HttpRequest& request,
                                        ScriptedCall& /*call*/) {
  const auto hook = FindHook(request);
  if (hook == hooks_.end()) return Error(404, "404 Not found");
  hooks_.erase(hook);
  return NoContent();
}

HttpResponse ScriptedGitLab::GetUser(const HttpRequest& /*request*/,
                                     ScriptedCall& /*call*/) {
  return Json(200, json::object{{"id", 1}, {"username", "sandbox"}});
}

HttpResponse ScriptedGitLab::GetToken(const HttpRequest& /*request*/,
                                      ScriptedCall& /*call*/) {
  return Json(200, json::object{{"id", 1},
                                {"scopes", json::array{"api"}},
                                {"expires_at", "2027-01-31"},
                                {"active", true}});
}

HttpResponse ScriptedGitLab::GetVersion(const HttpRequest& /*request*/,
                                        ScriptedCall& /*call*/) {
  return Json(200, json::object{{"version", options_.knows_signing_tokens
                                                ? "19.1.0-ee"
                                                : "18.6.1-ee"}});
}

}  // namespace lamplighter
