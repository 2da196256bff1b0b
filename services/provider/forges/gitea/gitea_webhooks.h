#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "boost/asio/awaitable.hpp"
#include "services/provider/forges/forge.h"

// The webhooks of a repository; as of Forge's methods.
namespace lamplighter::provider::gitea {

std::vector<std::string> WebhookEvents();

boost::asio::awaitable<absl::StatusOr<std::vector<ForgeWebhook>>> ListWebhooks(
    ForgeCall& call);

// One that is there is replaced: Gitea's update leaves the secret as it was,
// and says nothing.
boost::asio::awaitable<absl::StatusOr<std::string>> WriteWebhook(
    ForgeCall& call, WantedWebhook wanted, std::string id);

boost::asio::awaitable<absl::Status> DeleteWebhook(ForgeCall& call,
                                                   std::string id);

}  // namespace lamplighter::provider::gitea
