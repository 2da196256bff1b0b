#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "boost/asio/awaitable.hpp"
#include "services/provider/forges/forge.h"

namespace lamplighter::provider {

std::vector<std::string> BitbucketWebhookEvents();

// Webhooks of the call's repository, as of Forge's functions of these names.

boost::asio::awaitable<absl::StatusOr<std::vector<ForgeWebhook>>>
ListBitbucketWebhooks(ForgeCall& call);

boost::asio::awaitable<absl::StatusOr<std::string>> WriteBitbucketWebhook(
    ForgeCall& call, WantedWebhook wanted, std::string id);

boost::asio::awaitable<absl::Status> DeleteBitbucketWebhook(ForgeCall& call,
                                                            std::string id);

}  // namespace lamplighter::provider
