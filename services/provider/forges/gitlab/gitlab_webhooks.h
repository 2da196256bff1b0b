#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "boost/asio/awaitable.hpp"
#include "services/provider/forges/forge.h"

// GitLab's project webhooks; as of Forge's methods.
//
// A secret that begins with "whsec_" is a signing token (GitLab 19.0 and later:
// deliveries are signed); any other one is the token that deliveries carry.
namespace lamplighter::provider::gitlab {

std::vector<std::string> WebhookEvents();

boost::asio::awaitable<absl::StatusOr<std::vector<ForgeWebhook>>> ListWebhooks(
    ForgeCall& call, WantedWebhook wanted);

// A webhook that an update cannot make as wanted is replaced: one that GitLab
// has disabled stays so until a test of it succeeds, and a signing token cannot
// be taken away.
boost::asio::awaitable<absl::StatusOr<std::string>> WriteWebhook(
    ForgeCall& call, WantedWebhook wanted, std::string id);

boost::asio::awaitable<absl::Status> DeleteWebhook(ForgeCall& call,
                                                   std::string id);

}  // namespace lamplighter::provider::gitlab
