#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "boost/asio/awaitable.hpp"
#include "proto/lamplighter/v1/catalog.pb.h"
#include "services/provider/forges/forge.h"

namespace lamplighter::provider {

// A page of the repositories of the call's account, as of
// Forge::ListRepositories: one workspace after the other, and each workspace
// once for every role, as what the credential may do with a repository is told
// by the role that it is listed for. Those that it administers come first, so
// that the first time that a repository is met tells the most. An access token
// has no role: each repository comes once, and its access is not known.
boost::asio::awaitable<absl::StatusOr<RepositoryPage>>
ListBitbucketRepositories(ForgeCall& call, std::string page);

// Forge::GetRepository(). What the credential may do is asked for by role, too:
// three requests at most, and one with an access token.
boost::asio::awaitable<absl::StatusOr<v1::CatalogRepository>>
GetBitbucketRepository(ForgeCall& call);

}  // namespace lamplighter::provider
