#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "boost/asio/awaitable.hpp"
#include "services/provider/forges/forge.h"

namespace lamplighter::provider {

// Bitbucket refuses longer links.
inline constexpr size_t kMaxBuildUrl = 450;

// Builds of a commit in the call's repository, as of Forge's functions for
// statuses. A server before 7.4 has no builds of a repository: there they are
// found and written by commit alone, as the older API has them.

boost::asio::awaitable<absl::StatusOr<absl::optional<ForgeStatus>>> FindBuild(
    ForgeCall& call, std::string sha, ForgeStatus wanted);

boost::asio::awaitable<absl::StatusOr<std::string>> WriteBuild(
    ForgeCall& call, std::string sha, ForgeStatus build);

// From the older API, whichever repository they are of: the newer has no list.
boost::asio::awaitable<absl::StatusOr<std::vector<ForgeStatus>>> ListBuilds(
    ForgeCall& call, std::string sha);

}  // namespace lamplighter::provider
