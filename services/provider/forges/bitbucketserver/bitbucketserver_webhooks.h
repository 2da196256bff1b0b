#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "boost/asio/awaitable.hpp"
#include "services/provider/forges/forge.h"

namespace lamplighter::provider {

std::vector<std::string> BitbucketServerWebhookEvents();

// Webhooks of the call's repository, as of Forge's functions of these names.
// Those of its project or of the whole server are not listed.

boost::asio::awaitable<absl::StatusOr<std::vector<ForgeWebhook>>>
ListBitbucketServerWebhooks(ForgeCall& call, WantedWebhook wanted);

boost::asio::awaitable<absl::StatusOr<std::string>> WriteBitbucketServerWebhook(
    ForgeCall& call, WantedWebhook wanted, std::string id);

boost::asio::awaitable<absl::Status> DeleteBitbucketServerWebhook(
    ForgeCall& call, std::string id);

}  // namespace lamplighter::provider
