#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "boost/asio/awaitable.hpp"
#include "proto/lamplighter/v1/catalog.pb.h"
#include "services/provider/forges/forge.h"
#include "services/provider/forges/github/github_client.h"

namespace lamplighter::provider {

// Forge::ListRepositories(): those that a user owns or works on, or that an App
// is installed on; of the location's account only, where it has one.
boost::asio::awaitable<absl::StatusOr<RepositoryPage>> ListGitHubRepositories(
    GitHubClient& client, ForgeCall& call, std::string page, std::string etag);

// Forge::GetRepository(). To an App one is not there that it is not installed
// on, even if everybody may read it.
boost::asio::awaitable<absl::StatusOr<v1::CatalogRepository>>
GetGitHubRepository(GitHubClient& client, ForgeCall& call);

// What an App may do with the repositories that it is installed on. What a
// repository says of it is about users, and nothing to Apps.
v1::CatalogRepository::Access AccessOfApp(const AppPermissions& permissions);

}  // namespace lamplighter::provider
