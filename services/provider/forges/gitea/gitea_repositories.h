#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "boost/asio/awaitable.hpp"
#include "proto/lamplighter/v1/catalog.pb.h"
#include "services/provider/forges/forge.h"
#include "simdjson.h"

namespace lamplighter::provider::gitea {

// As of Forge::ListRepositories(): all that the credential's user owns,
// collaborates on or reaches through a team. Gitea has no etags.
boost::asio::awaitable<absl::StatusOr<RepositoryPage>> ListRepositories(
    ForgeCall& call, std::string page);

// As of Forge::GetRepository().
boost::asio::awaitable<absl::StatusOr<v1::CatalogRepository>> GetRepository(
    ForgeCall& call);

// What the credential's user may do with a repository, as the API describes it;
// its token may be allowed less.
v1::CatalogRepository::Access AccessOf(simdjson::dom::element repository);

}  // namespace lamplighter::provider::gitea
