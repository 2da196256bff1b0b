#include "services/provider/forges/github/github_app.h"

#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/status/macros.h"
#include "services/provider/forges/github/app_jwt.h"
#include "services/provider/forges/json_text.h"
#include "services/provider/forges/paging.h"
#include "simdjson.h"

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;
using ::simdjson::dom::element;

constexpr int kMaxPages = 100;

// GitHub answers 401 to a key that is not the App's, and 404 to an App that it
// does not know.
absl::Status AppError(const ForgeCall& call, const HttpResult& answer) {
  const absl::Status error = GitHubError(call, answer);
  const bool is_unknown =
      absl::IsUnauthenticated(error) ||
      absl::StrContains(error.message(), "Integration not found");
  if (!is_unknown) return error;
  return absl::UnauthenticatedError(absl::StrCat(
      error.message(), ": check that githubAppID ",
      call.access().credential.app.app_id, " and githubAppPrivateKey are of ",
      "the same App, that it is one of ", AppApi(call),
      ", and that the clock is right"));
}

absl::StatusOr<AppInstallation> ReadInstallation(element object) {
  AppInstallation installation;
  element account;
  if (object["id"].get(installation.id) || object["account"].get(account)) {
    return UnreadableAnswer();
  }
  installation.account = StringAt(account, "login");
  installation.is_suspended = !StringAt(object, "suspended_at").empty();
  return installation;
}

absl::Status ReadPage(const std::string& body,
                      std::vector<AppInstallation>& installations) {
  simdjson::dom::parser parser;
  simdjson::dom::array list;
  if (parser.parse(body).get(list)) return UnreadableAnswer();
  for (const element entry : list) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(AppInstallation installation,
                                 ReadInstallation(entry));
    installations.push_back(std::move(installation));
  }
  return absl::OkStatus();
}

absl::StatusOr<InstallationToken> ReadToken(const std::string& body) {
  simdjson::dom::parser parser;
  element root;
  if (parser.parse(body).get(root)) return UnreadableAnswer();
  InstallationToken token;
  token.text = StringAt(root, "token");
  const absl::optional<absl::Time> expires_at = TimeAt(root, "expires_at");
  if (token.text.empty() || !expires_at) return UnreadableAnswer();
  token.expires_at = *expires_at;
  token.permissions = ReadPermissions(root);
  return token;
}

// As SendAsApp(), but any answer of GitHub's.
asio::awaitable<absl::StatusOr<HttpResult>> Ask(ForgeCall& call,
                                                GitHubRequest request) {
  const GitHubApp& app = call.access().credential.app;
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      std::string jwt, MakeAppJwt(app.app_id, app.private_key, call.Now()));
  call.AddSecret(jwt);
  co_return co_await SendTo(call, AppApi(call), std::move(jwt),
                            std::move(request));
}

}  // namespace

AppPermissions ReadPermissions(element object) {
  AppPermissions permissions;
  simdjson::dom::object list;
  if (object["permissions"].get(list)) return permissions;
  for (const auto [name, value] : list) {
    std::string_view access;
    if (!value.get(access)) permissions.emplace(name, access);
  }
  return permissions;
}

bool IsApp(const Credential& credential) {
  return credential.TokenOrPassword().empty() && !credential.app.app_id.empty();
}

std::string AppApi(const ForgeCall& call) {
  const std::string& base = call.access().credential.app.base_url;
  if (base.empty()) return GitHubApi(call);
  return std::string(absl::StripSuffix(base, "/"));
}

asio::awaitable<absl::StatusOr<HttpResult>> SendAsApp(ForgeCall& call,
                                                      GitHubRequest request) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(HttpResult answer,
                                  co_await Ask(call, std::move(request)));
  if (answer.status / 100 == 2) co_return answer;
  co_return AppError(call, answer);
}

asio::awaitable<absl::StatusOr<std::vector<AppInstallation>>> ListInstallations(
    ForgeCall& call) {
  std::vector<AppInstallation> installations;
  for (int page = 1; page <= kMaxPages; ++page) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        const HttpResult answer,
        co_await SendAsApp(
            call, {.path = absl::StrCat("/app/installations?per_page=100&page=",
                                        page)}));
    LAMPLIGHTER_CO_RETURN_IF_ERROR(ReadPage(answer.body, installations));
    if (HasNextPage(answer.headers)) continue;
    absl::c_sort(installations,
                 [](const auto& a, const auto& b) { return a.id < b.id; });
    co_return installations;
  }
  co_return absl::FailedPreconditionError(absl::StrCat(
      "the App has more than ", kMaxPages * 100,
      " installations: make a connection for each owner in place of all"));
}

asio::awaitable<absl::StatusOr<std::string>> FindInstallation(
    ForgeCall& call, std::string owner) {
  for (const char* kind : {"/orgs/", "/users/"}) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        const HttpResult answer,
        co_await Ask(call, {.path = absl::StrCat(kind, PercentEncode(owner),
                                                 "/installation")}));
    if (answer.status / 100 == 2) {
      simdjson::dom::parser parser;
      element root;
      if (parser.parse(answer.body).get(root)) co_return UnreadableAnswer();
      LAMPLIGHTER_CO_ASSIGN_OR_RETURN(AppInstallation installation,
                                      ReadInstallation(root));
      co_return absl::StrCat(installation.id);
    }
    const absl::Status error = AppError(call, answer);
    if (!absl::IsNotFound(error)) co_return error;
  }
  co_return absl::PermissionDeniedError(absl::StrCat(
      "GitHub App ", call.access().credential.app.app_id,
      " is not installed on ", owner,
      ": install it there, or correct githubAppInstallationOwner"));
}

asio::awaitable<absl::StatusOr<InstallationToken>> CreateInstallationToken(
    ForgeCall& call, std::string installation) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const HttpResult answer,
      co_await Ask(call, {.path = absl::StrCat("/app/installations/",
                                               PercentEncode(installation),
                                               "/access_tokens"),
                          .method = "POST"}));
  if (answer.status / 100 == 2) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(InstallationToken token,
                                    ReadToken(answer.body));
    call.AddSecret(token.text);
    token.installation = std::move(installation);
    co_return token;
  }
  const absl::Status error = AppError(call, answer);
  if (!absl::IsNotFound(error)) co_return error;
  co_return absl::PermissionDeniedError(
      absl::StrCat("GitHub App ", call.access().credential.app.app_id,
                   " has no installation ", installation,
                   ": install it again, or correct githubAppInstallationID"));
}

}  // namespace lamplighter::provider
