#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "boost/asio/awaitable.hpp"
#include "proto/lamplighter/v1/catalog.pb.h"
#include "services/provider/forges/forge.h"
#include "services/provider/forges/forge_call.h"

namespace lamplighter::provider::azuredevops {

// As Forge::ListRepositories(), of the organization or collection: a page is
// some of its projects.
boost::asio::awaitable<absl::StatusOr<RepositoryPage>> ListRepositories(
    ForgeCall& call, std::string page);

// As Forge::GetRepository(). One that is disabled is found by its project.
boost::asio::awaitable<absl::StatusOr<v1::CatalogRepository>> GetRepository(
    ForgeCall& call);

}  // namespace lamplighter::provider::azuredevops
