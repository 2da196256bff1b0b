#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "boost/asio/awaitable.hpp"
#include "common/async/sleeper.h"
#include "common/kafka/kafka_options.h"
#include "common/kafka/topics.h"
#include "proto/lamplighter/config/v1/kafka.pb.h"

namespace lamplighter {

// Sees to it that topics exist, beside other work: makes those that are missing
// if it may, and says in the log in what those that are there differ from how
// it would have made them. On the loop only.
class TopicSetup {
 public:
  // `names` are topics of Lamplighter that the service cannot do without; none:
  // all of them. `config`, the section that `kafka` was made from, says whether
  // and how they are made. `sleeper` outlives this.
  TopicSetup(KafkaOptions kafka, config::v1::Kafka config,
             const std::vector<std::string>& names, Sleeper& sleeper);

  // Asks until the topics are there, so that a process can start before the
  // brokers, and before whoever makes topics for it. Does nothing where the
  // configuration says that others make them: the embedded broker, for one,
  // cannot be asked. Ends early when cancelled.
  boost::asio::awaitable<void> Run();

  // FailedPrecondition while the brokers say that topics are missing or closed
  // to us, and what to do. OK before they have said anything: that they cannot
  // be reached is for others to tell.
  absl::Status Ready() const { return ready_; }

 private:
  boost::asio::awaitable<absl::Status> Try();

  const KafkaOptions kafka_;
  const bool make_;
  std::vector<TopicSpec> topics_;
  Sleeper& sleeper_;
  absl::Status ready_;
};

}  // namespace lamplighter
