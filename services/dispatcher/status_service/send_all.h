#pragma once

#include <vector>

#include "absl/status/status.h"
#include "boost/asio/awaitable.hpp"
#include "common/kafka/producer.h"
#include "common/kafka/record.h"

namespace lamplighter::dispatcher {

// Writes `records` at once, and returns what became of each, in their order,
// once that is known of all. The statuses are those of Producer::Produce().
boost::asio::awaitable<std::vector<absl::Status>> SendAll(
    Producer& producer, std::vector<Record> records);

}  // namespace lamplighter::dispatcher
