#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "common/kafka/kafka_options.h"
#include "common/kafka/topics.h"

namespace lamplighter {

// Asks the brokers for `specs`. In what the topics there differ from them, each
// in words that name the topic: fewer partitions or replicas, another
// retention. Whoever may not read a topic's settings is told of its partitions
// and replicas alone.
//   NotFound            topics are missing;
//   PermissionDenied    the account may not see topics, missing or not;
//   Unavailable         the brokers did not answer within `limit`.
// Messages name the topics.
boost::asio::awaitable<absl::StatusOr<std::vector<std::string>>> CheckTopics(
    KafkaOptions options, std::vector<TopicSpec> specs, absl::Duration limit);

}  // namespace lamplighter
