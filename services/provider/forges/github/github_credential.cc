#include "services/provider/forges/github/github_credential.h"

#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/status/macros.h"
#include "common/time/proto_time.h"
#include "services/provider/forges/json_text.h"
#include "simdjson.h"

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;
using Response = v1::CheckCredentialResponse;
using ::simdjson::dom::element;

constexpr size_t kMaxSuspended = 10;

// "2026-12-31 23:59:59 UTC" or "2026-12-31 23:59:59 +0100".
absl::optional<absl::Time> ReadExpiry(const HttpHeaders& headers) {
  const auto text = headers.Find("github-authentication-token-expiration");
  absl::Time time;
  std::string error;
  for (const char* format : {"%Y-%m-%d %H:%M:%S UTC", "%Y-%m-%d %H:%M:%S %z"}) {
    if (text && absl::ParseTime(format, *text, &time, &error)) return time;
  }
  return absl::nullopt;
}

bool HasAny(const Response& response,
            std::initializer_list<absl::string_view> scopes) {
  return absl::c_any_of(response.scopes(), [&](const std::string& scope) {
    return absl::c_linear_search(scopes, scope);
  });
}

// A classic token says what it was given.
void JudgeScopes(Response& response) {
  response.set_can_list_repositories(Response::YES);
  if (!HasAny(response, {"repo"})) {
    response.add_problems(
        "The token lists public repositories only: give it the scope repo.");
  }
  if (HasAny(response, {"repo", "repo:status"})) {
    response.set_can_set_statuses(Response::YES);
  } else if (HasAny(response, {"public_repo"})) {
    response.add_problems(
        "The token sets statuses on public repositories only: give it the "
        "scope repo:status.");
  } else {
    response.set_can_set_statuses(Response::NO);
    response.add_problems(
        "The token may not set statuses: give it the scope repo:status.");
  }
  if (HasAny(response, {"repo", "admin:repo_hook"})) {
    response.set_can_manage_webhooks(Response::YES);
  } else {
    response.set_can_manage_webhooks(Response::NO);
    response.add_problems(
        "The token may not manage webhooks: give it the scope "
        "admin:repo_hook.");
  }
}

void ReadVersion(const HttpHeaders& headers, Response& response) {
  const auto version = headers.Find("x-github-enterprise-version");
  if (version) response.set_forge_version(std::string(*version));
}

void ReadUser(const HttpResult& answer, Response& response) {
  simdjson::dom::parser parser;
  element root;
  if (!parser.parse(answer.body).get(root)) {
    response.set_login(StringAt(root, "login"));
  }
  ReadVersion(answer.headers, response);
  if (const auto expiry = ReadExpiry(answer.headers)) {
    *response.mutable_expires_at() = ToProto(*expiry);
  }
  const auto scopes = answer.headers.Find("x-oauth-scopes");
  if (!scopes) {
    response.set_kind("fine-grained personal access token");
    return;
  }
  response.set_kind("personal access token (classic)");
  for (const absl::string_view scope :
       absl::StrSplit(*scopes, absl::ByAnyChar(", "), absl::SkipEmpty())) {
    response.add_scopes(std::string(scope));
  }
  JudgeScopes(response);
}

// That the list can be read, and that no organization is left out of it.
asio::awaitable<absl::Status> TryListing(GitHubClient& client, ForgeCall& call,
                                         Response& response) {
  const absl::StatusOr<HttpResult> answer =
      co_await client.Send(call, {.path = "/user/repos?per_page=1"});
  if (absl::IsPermissionDenied(answer.status())) {
    response.set_can_list_repositories(Response::NO);
    response.add_problems(
        absl::StrCat("GitHub does not let the token list repositories: ",
                     answer.status().message(), "."));
    co_return absl::OkStatus();
  }
  if (!answer.ok()) co_return answer.status();
  response.set_can_list_repositories(Response::YES);
  absl::string_view sso = answer->headers.Find("x-github-sso").value_or("");
  if (absl::StartsWith(sso, "partial-results")) {
    response.add_problems(
        "The lists leave out organizations with single sign-on that the token "
        "is not authorized for: authorize it in its settings, under Configure "
        "SSO.");
  }
  co_return absl::OkStatus();
}

// What the user of a token may do with the call's repository: no token may do
// more.
asio::awaitable<absl::Status> JudgeRepository(GitHubClient& client,
                                              ForgeCall& call,
                                              Response& response) {
  const absl::StatusOr<HttpResult> answer =
      co_await client.Send(call, {.path = RepositoryPath(call)});
  if (absl::IsNotFound(answer.status()) ||
      absl::IsPermissionDenied(answer.status())) {
    response.add_problems(absl::StrCat(
        "The credential does not see ", call.repository(),
        ": give it access to that repository, or correct the address."));
    co_return absl::OkStatus();
  }
  if (!answer.ok()) co_return answer.status();
  simdjson::dom::parser parser;
  element root;
  element permissions;
  if (parser.parse(answer->body).get(root)) co_return UnreadableAnswer();
  if (FlagAt(root, "archived")) {
    response.set_can_set_statuses(Response::NO);
    response.add_problems(
        absl::StrCat(call.repository(), " is archived and takes no statuses."));
  }
  const bool is_user = !IsApp(call.access().credential);
  if (!is_user || root["permissions"].get(permissions)) {
    co_return absl::OkStatus();
  }
  if (!FlagAt(permissions, "push")) {
    response.set_can_set_statuses(Response::NO);
    response.add_problems(absl::StrCat(
        response.login(), " may not push to ", call.repository(),
        ", and so not set statuses: give that user the role Write."));
  }
  if (!FlagAt(permissions, "admin")) {
    response.set_can_manage_webhooks(Response::NO);
    response.add_problems(absl::StrCat(
        response.login(), " does not administer ", call.repository(),
        ", and so may not manage webhooks: give that user the role Admin."));
  }
  co_return absl::OkStatus();
}

asio::awaitable<absl::StatusOr<Response>> CheckUser(GitHubClient& client,
                                                    ForgeCall& call) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const HttpResult answer, co_await client.Send(call, {.path = "/user"}));
  Response response;
  ReadUser(answer, response);
  if (response.login().empty()) co_return UnreadableAnswer();
  LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await TryListing(client, call, response));
  if (!call.repository().empty()) {
    LAMPLIGHTER_CO_RETURN_IF_ERROR(
        co_await JudgeRepository(client, call, response));
  }
  co_return response;
}

void JudgePermissions(const AppPermissions& permissions, Response& response) {
  for (const auto& [name, access] : permissions) {
    response.add_scopes(absl::StrCat(name, ":", access));
  }
  const auto judge = [&](const char* name, const char* words) {
    const auto it = permissions.find(name);
    const bool writes = it != permissions.end() && it->second == "write";
    if (!writes) {
      response.add_problems(absl::StrCat(
          "The App lacks the repository permission ", words,
          ": Read and write: give it that in its settings, and accept it where "
          "it is installed."));
    }
    return writes ? Response::YES : Response::NO;
  };
  response.set_can_list_repositories(Response::YES);
  response.set_can_set_statuses(judge("statuses", "Commit statuses"));
  response.set_can_manage_webhooks(judge("repository_hooks", "Webhooks"));
}

// The permissions that the App asks for: each installation has its own.
asio::awaitable<absl::Status> JudgeWholeApp(ForgeCall& call, element app,
                                            Response& response) {
  JudgePermissions(ReadPermissions(app), response);
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const std::vector<AppInstallation> installations,
      co_await ListInstallations(call));
  size_t suspended = 0;
  for (const AppInstallation& installation : installations) {
    if (!installation.is_suspended || ++suspended > kMaxSuspended) continue;
    response.add_problems(absl::StrCat(
        "The App is suspended on ", installation.account,
        ": unsuspend it in that account's settings, under GitHub Apps."));
  }
  if (suspended == installations.size()) {
    response.set_can_list_repositories(Response::NO);
    response.add_problems(
        "The App is installed nowhere where it may work: install it.");
  }
  co_return absl::OkStatus();
}

asio::awaitable<absl::StatusOr<Response>> CheckApp(GitHubClient& client,
                                                   ForgeCall& call) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const HttpResult answer,
                                  co_await SendAsApp(call, {.path = "/app"}));
  simdjson::dom::parser parser;
  element app;
  if (parser.parse(answer.body).get(app)) co_return UnreadableAnswer();
  Response response;
  ReadVersion(answer.headers, response);
  response.set_login(absl::StrCat(StringAt(app, "slug"), "[bot]"));
  response.set_kind("GitHub App");
  if (IsWholeApp(call)) {
    LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await JudgeWholeApp(call, app, response));
    co_return response;
  }
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const InstallationToken token,
                                  co_await client.Installation(call, ""));
  JudgePermissions(token.permissions, response);
  if (!call.repository().empty()) {
    LAMPLIGHTER_CO_RETURN_IF_ERROR(
        co_await JudgeRepository(client, call, response));
  }
  co_return response;
}

}  // namespace

asio::awaitable<absl::StatusOr<Response>> CheckGitHubCredential(
    GitHubClient& client, ForgeCall& call) {
  if (IsApp(call.access().credential))
    co_return co_await CheckApp(client, call);
  co_return co_await CheckUser(client, call);
}

asio::awaitable<absl::StatusOr<absl::optional<ForgeRateLimit>>> ReadGitHubQuota(
    GitHubClient& client, ForgeCall& call) {
  if (IsWholeApp(call)) co_return absl::nullopt;
  const absl::StatusOr<HttpResult> answer =
      co_await client.Send(call, {.path = "/rate_limit"});
  // An Enterprise Server without limits.
  if (absl::IsNotFound(answer.status())) co_return absl::nullopt;
  if (!answer.ok()) co_return answer.status();
  simdjson::dom::parser parser;
  element root;
  element core;
  ForgeRateLimit quota;
  int64_t reset = 0;
  if (parser.parse(answer->body).get(root) ||
      root.at_pointer("/resources/core").get(core) ||
      core["limit"].get(quota.limit) ||
      core["remaining"].get(quota.remaining) || core["reset"].get(reset)) {
    co_return UnreadableAnswer();
  }
  quota.resets_at = absl::FromUnixSeconds(reset);
  co_return quota;
}

}  // namespace lamplighter::provider
