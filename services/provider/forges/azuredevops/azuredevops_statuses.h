#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "boost/asio/awaitable.hpp"
#include "proto/lamplighter/v1/statuses.pb.h"
#include "services/provider/forges/forge.h"
#include "services/provider/forges/forge_call.h"

// The same as in Forge, of commit statuses.
namespace lamplighter::provider::azuredevops {

absl::StatusOr<ForgeStatus> RenderStatus(const v1::StatusIntent& intent);

v1::CommitState StateOf(absl::string_view forge_state);

boost::asio::awaitable<absl::StatusOr<absl::optional<ForgeStatus>>> FindStatus(
    ForgeCall& call, std::string sha, ForgeStatus wanted);

boost::asio::awaitable<absl::StatusOr<std::string>> WriteStatus(
    ForgeCall& call, std::string sha, ForgeStatus status);

boost::asio::awaitable<absl::StatusOr<std::vector<ForgeStatus>>> ListStatuses(
    ForgeCall& call, std::string sha);

}  // namespace lamplighter::provider::azuredevops
