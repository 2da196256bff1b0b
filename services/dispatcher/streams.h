#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/app/app.h"
#include "common/kafka/kafka_options.h"
#include "common/kafka/kafka_producer.h"
#include "common/kafka/kafka_topic_reader.h"
#include "services/dispatcher/bounded_consumer.h"

namespace lamplighter::dispatcher {

// What the handlers read from and write to.
struct Streams {
  std::unique_ptr<KafkaProducer> producer;
  std::unique_ptr<BoundedConsumer> events;
  std::unique_ptr<BoundedConsumer> git_events;  // null: they are not read
  std::unique_ptr<BoundedConsumer> intents;
  std::unique_ptr<BoundedConsumer> retries;
  std::unique_ptr<KafkaTopicReader> ledger;
};

// `bounds` are those of each consumer. `member` names this process in the
// consumer groups, see dispatcher.group_instance_id; it may be empty.
absl::StatusOr<Streams> MakeStreams(const KafkaOptions& kafka,
                                    const BoundedConsumer::Options& bounds,
                                    const std::string& member,
                                    const AppContext& context);

// The consumer of git-events, which MakeStreams() leaves out.
absl::StatusOr<std::unique_ptr<BoundedConsumer>> MakeGitEvents(
    const KafkaOptions& kafka, const BoundedConsumer::Options& bounds,
    const std::string& member, const AppContext& context);

}  // namespace lamplighter::dispatcher
