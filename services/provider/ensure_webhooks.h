#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "boost/asio/awaitable.hpp"
#include "proto/lamplighter/v1/provider.pb.h"
#include "services/provider/forges/forge.h"

namespace lamplighter::provider {

// Has exactly one webhook of each kind lead to `wanted.url` from the call's
// repository, the same way on every forge: adopts the first that is there,
// mends it if it differs or `rewrite` says so, creates what is missing, and
// takes off what is double or leads to one of `former_urls`. Where one cannot
// be created, those that this call created are taken off again.
boost::asio::awaitable<absl::StatusOr<std::vector<v1::Webhook>>> EnsureWebhooks(
    Forge& forge, ForgeCall& call, WantedWebhook wanted,
    std::vector<std::string> former_urls, bool rewrite);

// Takes off all that lead to `wanted.url` or one of `former_urls`.
boost::asio::awaitable<absl::StatusOr<std::vector<v1::Webhook>>> RemoveWebhooks(
    Forge& forge, ForgeCall& call, WantedWebhook wanted,
    std::vector<std::string> former_urls);

}  // namespace lamplighter::provider
