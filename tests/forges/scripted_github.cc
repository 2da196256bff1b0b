#include "tests/forges/scripted_github.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "tests/forges/github_json.h"
#include "tests/forges/scripted_json.h"

namespace lamplighter {
namespace {

constexpr size_t kMaxDescription = 140;
constexpr absl::Duration kWindow = absl::Hours(1);

// owner/repository, without regard to case, and the commit.
std::string CommitKey(const HttpRequest& request) {
  return absl::StrCat(absl::AsciiStrToLower(request.path_params[0]), "/",
                      absl::AsciiStrToLower(request.path_params[1]), "@",
                      request.path_params[2]);
}

// What is wrong with a status, in GitHub's words; empty if nothing.
std::string WhatIsWrong(const ScriptedStatus& status) {
  static constexpr std::array<absl::string_view, 4> kStates = {
      "error", "failure", "pending", "success"};
  if (!absl::c_linear_search(kStates, status.state)) {
    return ValidationJson("state is not included in the list");
  }
  if (CountCharacters(status.description) > kMaxDescription) {
    return ValidationJson(
        "description is too long (maximum is 140 characters)");
  }
  if (status.context.size() > 255) {
    return ValidationJson("context is too long (maximum is 255 characters)");
  }
  return "";
}

bool ParseStatus(const HttpRequest& request, ScriptedStatus& status) {
  const auto body = ReadBody(request);
  if (!body) return false;
  status.state = TextAt(*body, "state");
  status.target_url = TextAt(*body, "target_url");
  status.description = TextAt(*body, "description");
  status.context = TextAt(*body, "context");
  if (status.context.empty()) status.context = "default";
  return true;
}

// A number in the path; 0 for anything else.
int64_t IdOf(const HttpRequest& request, size_t parameter) {
  int64_t id = 0;
  return absl::SimpleAtoi(request.path_params[parameter], &id) ? id : 0;
}

// "owner/repository", without regard to case.
std::string RepositoryKey(const HttpRequest& request) {
  return absl::AsciiStrToLower(
      absl::StrCat(request.path_params[0], "/", request.path_params[1]));
}

absl::string_view TokenOf(const HttpRequest& request) {
  absl::string_view token = request.headers.Find("Authorization").value_or("");
  if (!absl::ConsumePrefix(&token, "Bearer ")) {
    absl::ConsumePrefix(&token, "token ");
  }
  return token;
}

// What only the App itself may ask, with its proof.
bool IsForApp(absl::string_view path) {
  return path == "/app" || absl::StartsWith(path, "/app/") ||
         absl::EndsWith(path, "/installation");
}

}  // namespace

std::vector<HttpRoute> ScriptedGitHub::ApiRoutes() {
  const auto own = [this](HttpResponse (ScriptedGitHub::*handler)(
                       const HttpRequest&, ScriptedCall&)) -> Action {
    return [this, handler](const HttpRequest& request, ScriptedCall& call) {
      return (this->*handler)(request, call);
    };
  };
  using G = ScriptedGitHub;
  const Action hooks = own(&G::DoHooks);
  const Action find = [this](const HttpRequest& request, ScriptedCall&) {
    return app_.FindInstallation(request.path_params[0]);
  };
  const std::vector<std::tuple<const char*, const char*, Action>> api = {
      {"POST", "/repos/{owner}/{repo}/statuses/{sha}", own(&G::Create)},
      {"GET", "/repos/{owner}/{repo}/commits/{sha}/statuses", own(&G::History)},
      {"GET", "/repos/{owner}/{repo}/commits/{sha}/status", own(&G::Combined)},
      {"GET", "/repos/{owner}/{repo}", own(&G::GetRepository)},
      {"GET", "/repos/{owner}/{repo}/hooks", hooks},
      {"POST", "/repos/{owner}/{repo}/hooks", hooks},
      {"PATCH", "/repos/{owner}/{repo}/hooks/{id}", hooks},
      {"DELETE", "/repos/{owner}/{repo}/hooks/{id}", hooks},
      {"GET", "/user", own(&G::GetUser)},
      {"GET", "/user/repos", own(&G::ListRepositories)},
      {"GET", "/installation/repositories", own(&G::ListAppsRepositories)},
      {"GET", "/rate_limit", own(&G::GetRateLimit)},
      {"GET", "/app",
       [this](const HttpRequest&, ScriptedCall&) { return app_.Get(); }},
      {"GET", "/app/installations",
       [this](const HttpRequest& request, ScriptedCall&) {
         return app_.ListInstallations(request);
       }},
      {"POST", "/app/installations/{id}/access_tokens",
       [this](const HttpRequest& request, ScriptedCall&) {
         return app_.CreateToken(IdOf(request, 0));
       }},
      {"GET", "/orgs/{owner}/installation", find},
      {"GET", "/users/{owner}/installation", find},
      {"GET", "/repos/{owner}/{repo}/installation", find},
  };
  std::vector<HttpRoute> routes;
  for (const char* base : {"", "/api/v3"}) {
    for (HttpRoute& route : DeliveryRoutes(base)) {
      routes.push_back(std::move(route));
    }
    for (const auto& [method, path, action] : api) {
      routes.push_back(Route(method, absl::StrCat(base, path), action));
    }
  }
  return routes;
}

absl::optional<HttpResponse> ScriptedGitHub::Refuse(
    const HttpRequest& request) {
  absl::string_view path = request.path;
  absl::ConsumePrefix(&path, "/api/v3");
  is_free_ = IsForApp(path) || path == "/rate_limit";
  if (auto refused = RefuseCredential(request, path)) return refused;
  TurnWindow();
  if (!is_free_ && options_.rate_limit > 0 && used_ >= options_.rate_limit) {
    return Error(403, "API rate limit exceeded.");
  }
  return RefuseRepository(request, path);
}

absl::optional<HttpResponse> ScriptedGitHub::RefuseCredential(
    const HttpRequest& request, absl::string_view path) const {
  const absl::string_view token = TokenOf(request);
  if (IsForApp(path)) return app_.RefuseJwt(token);
  const bool is_known = options_.token.empty() || token == options_.token ||
                        app_.Find(token) != nullptr;
  if (!is_known) return Error(401, "Bad credentials");
  const auto* installation = InstallationOf(request);
  if (installation != nullptr && installation->is_suspended) {
    return Error(403, "This installation has been suspended");
  }
  return absl::nullopt;
}

absl::optional<HttpResponse> ScriptedGitHub::RefuseRepository(
    const HttpRequest& request, absl::string_view path) const {
  if (!absl::ConsumePrefix(&path, "/repos/")) return absl::nullopt;
  for (const auto& [from, to] : renamed_) {
    absl::string_view rest = path;
    if (!absl::ConsumePrefix(&rest, from)) continue;
    HttpResponse moved =
        Error(request.method == "GET" ? 301 : 307, "Moved Permanently");
    moved.headers.Add(
        "Location",
        absl::StrCat("http://", request.headers.Find("Host").value_or(""),
                     "/api/v3/repos/", to, rest,
                     request.query.empty() ? "" : "?", request.query));
    return moved;
  }
  if (repositories_.IsGone(path)) return Error(404, "Not Found");
  const auto* installation = InstallationOf(request);
  if (installation != nullptr &&
      !absl::StartsWithIgnoreCase(path,
                                  absl::StrCat(installation->account, "/"))) {
    return Error(404, "Not Found");
  }
  return absl::nullopt;
}

const ScriptedGitHubApp::Installation* ScriptedGitHub::InstallationOf(
    const HttpRequest& request) const {
  return app_.Find(TokenOf(request));
}

absl::optional<HttpResponse> ScriptedGitHub::RefusePermission(
    const HttpRequest& request, const char* permission) const {
  const auto* installation = InstallationOf(request);
  if (installation == nullptr) return absl::nullopt;
  const auto it = installation->permissions.find(permission);
  if (it != installation->permissions.end() && it->second == "write") {
    return absl::nullopt;
  }
  return Error(403, "Resource not accessible by integration");
}

HttpResponse ScriptedGitHub::Error(int status,
                                   absl::string_view message) const {
  return JsonResponse(status, ErrorJson(status, message));
}

HttpResponse ScriptedGitHub::RateLimited(absl::Time until) const {
  HttpResponse response = Error(403, "API rate limit exceeded.");
  response.headers.Add("X-RateLimit-Limit", "5000");
  response.headers.Add("X-RateLimit-Remaining", "0");
  response.headers.Add("X-RateLimit-Reset",
                       absl::StrCat(absl::ToUnixSeconds(until)));
  return response;
}

// What has not changed costs nothing.
void ScriptedGitHub::Finish(HttpResponse& response) {
  if (response.status == 401) return;
  const bool is_free = is_free_ || response.status == 304;
  if (!is_free && used_ < options_.rate_limit) ++used_;
  if (options_.rate_limit == 0) return;
  response.headers.Add("X-RateLimit-Limit", absl::StrCat(options_.rate_limit));
  response.headers.Add("X-RateLimit-Remaining",
                       absl::StrCat(options_.rate_limit - used_));
  response.headers.Add("X-RateLimit-Reset",
                       absl::StrCat(absl::ToUnixSeconds(window_ends_)));
  response.headers.Add("X-RateLimit-Resource", "core");
}

HttpResponse ScriptedGitHub::Create(const HttpRequest& request,
                                    ScriptedCall& call) {
  if (auto refused = RefusePermission(request, "statuses")) return *refused;
  if (archived_.contains(RepositoryKey(request))) {
    return Error(403, "Repository was archived so is read-only.");
  }
  const std::string& sha = request.path_params[2];
  if (!IsKnownCommit(sha)) {
    return Error(422, absl::StrCat("No commit found for SHA: ", sha));
  }
  ScriptedStatus status;
  if (!ParseStatus(request, status)) {
    return Error(400, "Problems parsing JSON");
  }
  call.context = status.context;
  call.state = status.state;
  call.description = status.description;
  if (std::string wrong = WhatIsWrong(status); !wrong.empty()) {
    return JsonResponse(422, std::move(wrong));
  }
  status.created_at = call.at;
  const ScriptedStatus* added =
      statuses_.Add(CommitKey(request), std::move(status));
  if (added == nullptr) {
    return JsonResponse(422,
                        ValidationJson("This SHA and context has reached the "
                                       "maximum number of statuses."));
  }
  return JsonResponse(201, StatusJson(*added, CommitOf(request.path_params)));
}

HttpResponse ScriptedGitHub::History(const HttpRequest& request,
                                     ScriptedCall& /*call*/) {
  const std::vector<ScriptedStatus>& history =
      statuses_.History(CommitKey(request));
  std::vector<const ScriptedStatus*> newest_first;
  for (auto it = history.rbegin(); it != history.rend(); ++it) {
    newest_first.push_back(&*it);
  }
  const absl::Span<const ScriptedStatus* const> all = newest_first;
  return PageOf(request, all.size(), [&](size_t begin, size_t end) {
    return StatusListJson(all.subspan(begin, end - begin),
                          CommitOf(request.path_params));
  });
}

HttpResponse ScriptedGitHub::Combined(const HttpRequest& request,
                                      ScriptedCall& /*call*/) {
  const std::vector<const ScriptedStatus*> newest =
      statuses_.Newest(CommitKey(request));
  const absl::Span<const ScriptedStatus* const> all = newest;
  return PageOf(request, all.size(), [&](size_t begin, size_t end) {
    return CombinedJson(all, all.subspan(begin, end - begin),
                        CommitOf(request.path_params));
  });
}

HttpResponse ScriptedGitHub::GetUser(const HttpRequest& request,
                                     ScriptedCall& /*call*/) {
  if (InstallationOf(request) != nullptr) {
    return Error(403, "Resource not accessible by integration");
  }
  HttpResponse response = JsonResponse(
      200, R"({"login":"sandbox","id":1,"type":"User","site_admin":false})");
  if (options_.scopes) {
    response.headers.Add("X-OAuth-Scopes", *options_.scopes);
  }
  return response;
}

HttpResponse ScriptedGitHub::ListRepositories(const HttpRequest& request,
                                              ScriptedCall& /*call*/) {
  if (InstallationOf(request) != nullptr) {
    return Error(403, "Resource not accessible by integration");
  }
  return repositories_.List(request);
}

HttpResponse ScriptedGitHub::ListAppsRepositories(const HttpRequest& request,
                                                  ScriptedCall& /*call*/) {
  const auto* installation = InstallationOf(request);
  if (installation == nullptr) {
    return Error(403,
                 "You must authenticate with an installation access token in "
                 "order to list repositories for an installation.");
  }
  return repositories_.ListOf(request, installation->account);
}

HttpResponse ScriptedGitHub::GetRepository(const HttpRequest& request,
                                           ScriptedCall& /*call*/) {
  const Viewer viewer =
      InstallationOf(request) == nullptr ? Viewer::kUser : Viewer::kApp;
  return JsonResponse(
      200, RepositoryJson(repositories_.Find(request.path_params[0],
                                             request.path_params[1]),
                          viewer, request.headers.Find("Host").value_or("")));
}

HttpResponse ScriptedGitHub::ChangeRepositories(const HttpRequest& request) {
  return repositories_.Change(
      request, [this](const std::string& from, const std::string& to) {
        to.empty() ? hooks_.Drop(from) : Rename(from, to);
      });
}

HttpResponse ScriptedGitHub::DoHooks(const HttpRequest& request,
                                     ScriptedCall& /*call*/) {
  if (auto refused = RefusePermission(request, "repository_hooks")) {
    return *refused;
  }
  const std::string repository = RepositoryKey(request);
  if (request.method == "GET") return hooks_.List(request, repository);
  if (request.method == "POST") return hooks_.Create(request, repository);
  if (request.method == "PATCH") {
    return hooks_.Edit(request, repository, IdOf(request, 2));
  }
  return hooks_.Delete(repository, IdOf(request, 2));
}

HttpResponse ScriptedGitHub::GetRateLimit(const HttpRequest& /*request*/,
                                          ScriptedCall& /*call*/) {
  if (options_.rate_limit == 0) {
    return Error(404, "Rate limiting is not enabled.");
  }
  const std::string core =
      absl::StrCat(R"({"limit":)", options_.rate_limit, R"(,"used":)", used_,
                   R"(,"remaining":)", options_.rate_limit - used_,
                   R"(,"reset":)", absl::ToUnixSeconds(window_ends_), "}");
  return JsonResponse(200, absl::StrCat(R"({"resources":{"core":)", core,
                                        R"(},"rate":)", core, "}"));
}

std::string ScriptedGitHub::Counts() const {
  return absl::StrCat("\"statuses\":", statuses_.statuses(),
                      ",\"commits\":", statuses_.commits(), ",");
}

void ScriptedGitHub::Clear() {
  statuses_.Clear();
  app_.Clear();
  hooks_.Clear();
  deliveries_.Clear();
  app_hook_url_.clear();
  repositories_.Clear();
  renamed_.clear();
  archived_.clear();
  used_ = 0;
}

void ScriptedGitHub::TurnWindow() {
  const absl::Time now = clock().Now();
  if (now < window_ends_) return;
  window_ends_ = now + kWindow;
  used_ = 0;
}

}  // namespace lamplighter
