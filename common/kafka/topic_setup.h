#pragma once

#include "boost/asio/awaitable.hpp"
#include "common/async/sleeper.h"
#include "common/kafka/kafka_options.h"
#include "proto/lamplighter/config/v1/kafka.pb.h"

namespace lamplighter {

// Sees to it that Lamplighter's topics exist, beside other work: asks until the
// brokers have answered, so that a process can start before them. Where topics
// may not be made it says so in the log, and leaves it to whoever reads and
// writes them to tell that they are not there. Ends early when cancelled.
// `config`, the section that `kafka` was made from, says how they are made.
boost::asio::awaitable<void> SetUpTopics(KafkaOptions kafka,
                                         config::v1::Kafka config,
                                         Sleeper& sleeper);

}  // namespace lamplighter
