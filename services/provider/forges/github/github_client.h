#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "boost/asio/awaitable.hpp"
#include "services/provider/forges/forge_call.h"
#include "services/provider/forges/github/github_app.h"
#include "services/provider/forges/github/github_request.h"
#include "services/provider/forges/github/installation_tokens.h"

namespace lamplighter::provider {

// Requests to GitHub as whom the call's credential says: the user of a token,
// or an App where it is installed. On the loop only.
class GitHubClient {
 public:
  // Any answer is an error but a 2xx, and a 304 to a request with an etag.
  boost::asio::awaitable<absl::StatusOr<HttpResult>> Send(
      ForgeCall& call, GitHubRequest request);

  // What an App is where it is installed: in `installation`, or if that is
  // empty in the credential's, or on the owner that the call is about.
  boost::asio::awaitable<absl::StatusOr<InstallationToken>> Installation(
      ForgeCall& call, std::string installation);

 private:
  boost::asio::awaitable<absl::StatusOr<std::string>> Token(
      ForgeCall& call, std::string installation);

  InstallationTokens tokens_;
};

// True if the call is about all that an App is installed on, wherever.
bool IsWholeApp(const ForgeCall& call);

}  // namespace lamplighter::provider
