#pragma once

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "boost/asio/awaitable.hpp"
#include "services/provider/forges/forge.h"
#include "services/provider/forges/github/github_client.h"

namespace lamplighter::provider {

// Forge::CheckCredential().
boost::asio::awaitable<absl::StatusOr<v1::CheckCredentialResponse>>
CheckGitHubCredential(GitHubClient& client, ForgeCall& call);

// Forge::ReadQuota(): none where an Enterprise Server has no limits, nor for a
// whole App, each of whose installations has its own.
boost::asio::awaitable<absl::StatusOr<absl::optional<ForgeRateLimit>>>
ReadGitHubQuota(GitHubClient& client, ForgeCall& call);

}  // namespace lamplighter::provider
