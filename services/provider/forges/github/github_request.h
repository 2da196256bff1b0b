#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "boost/asio/awaitable.hpp"
#include "services/provider/forges/forge_call.h"

// Requests to GitHub, whoever they are from.
namespace lamplighter::provider {

// A request, below the API's base.
struct GitHubRequest {
  std::string path;  // with the query
  std::string method = "GET";
  std::string body = "";  // JSON; none if empty
  // Of what the caller holds of it; then a 304 is no error. None if empty.
  std::string etag = "";
  // Which of the App's to be; empty for that of the repository, the account or
  // the Secret. Nothing to users' tokens.
  std::string installation = "";
};

// The API of the call's site.
std::string GitHubApi(const ForgeCall& call);

// Below the API: "/repos/OWNER/REPO", of the call's repository.
std::string RepositoryPath(const ForgeCall& call);

// Sends it to `api` as the bearer of `token`; whatever answer comes.
boost::asio::awaitable<absl::StatusOr<HttpResult>> SendTo(
    ForgeCall& call, std::string api, std::string token, GitHubRequest request);

// Keeps in mind what the answer says of the quota that statuses and
// repositories count against; not what it says of one of its endpoint's own.
void NoteQuota(ForgeCall& call, const HttpResult& answer);

// What an answer that is no success means.
absl::Status GitHubError(const ForgeCall& call, const HttpResult& answer);

}  // namespace lamplighter::provider
