#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "services/provider/forges/forge_call.h"
#include "services/provider/forges/github/github_request.h"
#include "simdjson.h"

// What a GitHub App asks as itself, not as one of its installations. Errors
// that are the App's or its installation's say how to mend it:
//
//   Unauthenticated   the private key is none, or not that of the App;
//   PermissionDenied  the App is not installed there, or suspended.
namespace lamplighter::provider {

// Names of permissions and "read", "write" or "admin".
using AppPermissions = std::map<std::string, std::string>;

// Those in an answer's "permissions".
AppPermissions ReadPermissions(simdjson::dom::element object);

// Where an App is installed.
struct AppInstallation {
  int64_t id = 0;
  std::string account;
  bool is_suspended = false;
};

// What an App may do and be where it is installed, for an hour.
struct InstallationToken {
  std::string text;  // of any length
  std::string installation;
  absl::Time expires_at;
  AppPermissions permissions;
};

// True if the credential is an App's: a token or password goes before it.
bool IsApp(const Credential& credential);

// GitHub's API for the App: the credential's own base URL, else the call's.
std::string AppApi(const ForgeCall& call);

// Any answer but a 2xx is an error.
boost::asio::awaitable<absl::StatusOr<HttpResult>> SendAsApp(
    ForgeCall& call, GitHubRequest request);

// All that there are, by id; the App may have ten thousand at most.
boost::asio::awaitable<absl::StatusOr<std::vector<AppInstallation>>>
ListInstallations(ForgeCall& call);

// That of an organization or a user.
boost::asio::awaitable<absl::StatusOr<std::string>> FindInstallation(
    ForgeCall& call, std::string owner);

// A new token.
boost::asio::awaitable<absl::StatusOr<InstallationToken>>
CreateInstallationToken(ForgeCall& call, std::string installation);

}  // namespace lamplighter::provider
