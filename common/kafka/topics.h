#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "common/kafka/kafka_options.h"

namespace lamplighter {

// A topic as it is to be made.
struct TopicSpec {
  std::string name;
  int partitions = 1;
  int replication = 0;                        // 0: the broker's default
  std::map<std::string, std::string> config;  // retention.ms, cleanup.policy...
};

// Every topic of Lamplighter, with its retention. `partitions` and
// `replication` as in TopicSpec.
std::vector<TopicSpec> LamplighterTopics(int partitions, int replication);

// Makes the topics that do not exist. Those that do are left as they are,
// whatever their configuration.
//   PermissionDenied    the account may not make topics, which may be there
//                       nevertheless: see CheckTopics();
//   InvalidArgument     the brokers refuse a topic as it is specified, or
//                       `options` cannot be used;
//   Unavailable         the brokers did not answer within `limit`.
// Messages name the topics.
boost::asio::awaitable<absl::Status> EnsureTopics(KafkaOptions options,
                                                  std::vector<TopicSpec> specs,
                                                  absl::Duration limit);

}  // namespace lamplighter
