#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "boost/asio/awaitable.hpp"
#include "services/provider/forges/forge.h"
#include "services/provider/forges/forge_call.h"

namespace lamplighter::provider::azuredevops {

// As Forge::ListRepositories(), of the organization or collection: a page is
// some of its projects.
boost::asio::awaitable<absl::StatusOr<RepositoryPage>> ListRepositories(
    ForgeCall& call, std::string page);

}  // namespace lamplighter::provider::azuredevops
