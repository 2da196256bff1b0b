#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "boost/asio/awaitable.hpp"
#include "services/provider/forges/forge.h"

// What GitLab remembers of its deliveries, for seven days; as of Forge's
// methods. Since 17.3, and made again since 17.4.
namespace lamplighter::provider::gitlab {

boost::asio::awaitable<absl::StatusOr<DeliveryPage>> ListDeliveries(
    ForgeCall& call, std::string webhook, std::string page);

// GitLab answers once it has the receiver's answer, and makes five a minute for
// a project and user.
boost::asio::awaitable<absl::Status> Redeliver(ForgeCall& call,
                                               std::string webhook,
                                               int64_t delivery);

}  // namespace lamplighter::provider::gitlab
