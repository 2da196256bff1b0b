#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "boost/asio/awaitable.hpp"
#include "proto/lamplighter/v1/catalog.pb.h"
#include "services/provider/forges/forge.h"

namespace lamplighter::provider {

// A page of the repositories of the call's account, as of
// Forge::ListRepositories. Bitbucket does not say what may be done with a
// repository, but lists those that may be administered, written to or read: one
// list after the other, each with what is in the one before. So the first time
// that a repository is met tells the most.
boost::asio::awaitable<absl::StatusOr<RepositoryPage>>
ListBitbucketServerRepositories(ForgeCall& call, std::string page);

// Forge::GetRepository(). What the credential may do is asked for by
// permission, too: three requests at most.
boost::asio::awaitable<absl::StatusOr<v1::CatalogRepository>>
GetBitbucketServerRepository(ForgeCall& call);

}  // namespace lamplighter::provider
