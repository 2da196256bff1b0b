#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "boost/asio/awaitable.hpp"
#include "services/provider/forges/forge.h"
#include "services/provider/forges/github/github_client.h"

// What GitHub remembers of its deliveries, for three days: those functions of
// Forge. A webhook is a repository's by its number; an App's or an
// organization's by its path below the API.
namespace lamplighter::provider {

// The App's own, which sends for all that it is installed on; else one of the
// organization that the account is.
boost::asio::awaitable<absl::StatusOr<std::string>> FindGitHubAccountWebhook(
    GitHubClient& client, ForgeCall& call, std::string url);

boost::asio::awaitable<absl::StatusOr<DeliveryPage>> ListGitHubDeliveries(
    GitHubClient& client, ForgeCall& call, std::string webhook,
    std::string page);

boost::asio::awaitable<absl::Status> RedeliverOnGitHub(GitHubClient& client,
                                                       ForgeCall& call,
                                                       std::string webhook,
                                                       int64_t delivery);

}  // namespace lamplighter::provider
