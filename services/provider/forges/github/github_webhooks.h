#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "boost/asio/awaitable.hpp"
#include "services/provider/forges/forge.h"
#include "services/provider/forges/github/github_client.h"

// The webhooks of the call's repository: those functions of Forge.
namespace lamplighter::provider {

std::vector<std::string> GitHubWebhookEvents();

boost::asio::awaitable<absl::StatusOr<std::vector<ForgeWebhook>>>
ListGitHubWebhooks(GitHubClient& client, ForgeCall& call);

boost::asio::awaitable<absl::StatusOr<std::string>> WriteGitHubWebhook(
    GitHubClient& client, ForgeCall& call, WantedWebhook wanted,
    std::string id);

boost::asio::awaitable<absl::Status> DeleteGitHubWebhook(GitHubClient& client,
                                                         ForgeCall& call,
                                                         std::string id);

}  // namespace lamplighter::provider
