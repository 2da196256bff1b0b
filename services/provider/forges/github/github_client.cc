#include "services/provider/forges/github/github_client.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status/macros.h"

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;

// Whose installation is meant; empty where none is.
std::string OwnerOf(const ForgeCall& call) {
  const std::string& owner = call.access().credential.app.installation_owner;
  if (!owner.empty()) return owner;
  if (const std::string& account = call.target().location.account;
      !account.empty()) {
    return account;
  }
  return call.repository().substr(0, call.repository().find('/'));
}

}  // namespace

bool IsWholeApp(const ForgeCall& call) {
  const Credential& credential = call.access().credential;
  return IsApp(credential) && credential.app.installation_id.empty() &&
         OwnerOf(call).empty();
}

asio::awaitable<absl::StatusOr<InstallationToken>> GitHubClient::Installation(
    ForgeCall& call, std::string installation) {
  if (installation.empty()) {
    installation = call.access().credential.app.installation_id;
  }
  std::string owner = OwnerOf(call);
  if (installation.empty() && owner.empty()) {
    co_return absl::FailedPreconditionError(
        "the App's installation is not known: add githubAppInstallationID, or "
        "an owner to the address");
  }
  co_return co_await tokens_.Get(call, std::move(installation),
                                 std::move(owner));
}

asio::awaitable<absl::StatusOr<std::string>> GitHubClient::Token(
    ForgeCall& call, std::string installation) {
  const Access& access = call.access();
  if (!IsApp(access.credential)) {
    const std::string& token = access.credential.TokenOrPassword();
    if (!token.empty()) co_return token;
    co_return absl::UnauthenticatedError(
        absl::StrCat("secret ", access.credential_name,
                     " holds neither a token nor a GitHub App"));
  }
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      InstallationToken token,
      co_await Installation(call, std::move(installation)));
  co_return std::move(token.text);
}

asio::awaitable<absl::StatusOr<HttpResult>> GitHubClient::Send(
    ForgeCall& call, GitHubRequest request) {
  const bool is_app = IsApp(call.access().credential);
  HttpResult answer;
  // An installation's token may have been revoked: a new one tells whether the
  // App is still welcome.
  for (int attempt = 0; attempt < (is_app ? 2 : 1); ++attempt) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const std::string token,
                                    co_await Token(call, request.installation));
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        answer, co_await SendTo(call, GitHubApi(call), token, request));
    if (answer.status != 401) break;
    if (is_app) tokens_.Drop(token);
  }
  NoteQuota(call, answer);
  const bool is_known = answer.status == 304 && !request.etag.empty();
  if (answer.status / 100 == 2 || is_known) co_return answer;
  co_return GitHubError(call, answer);
}

}  // namespace lamplighter::provider
