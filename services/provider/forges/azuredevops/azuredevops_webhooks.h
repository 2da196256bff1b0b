#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "boost/asio/awaitable.hpp"
#include "services/provider/forges/forge.h"
#include "services/provider/forges/forge_call.h"

// The same as in Forge, of service hooks: what is a webhook elsewhere is a
// subscription of the organization or collection to one event of a repository.
namespace lamplighter::provider::azuredevops {

// The events, by the forge's names.
std::vector<std::string> WebhookKinds();

// Those that are as wanted come first.
boost::asio::awaitable<absl::StatusOr<std::vector<ForgeWebhook>>> ListWebhooks(
    ForgeCall& call, WantedWebhook wanted,
    std::vector<std::string> former_urls);

boost::asio::awaitable<absl::StatusOr<std::string>> WriteWebhook(
    ForgeCall& call, WantedWebhook wanted, std::string kind, std::string id);

boost::asio::awaitable<absl::Status> DeleteWebhook(ForgeCall& call,
                                                   std::string id);

}  // namespace lamplighter::provider::azuredevops
