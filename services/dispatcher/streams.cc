#include "services/dispatcher/streams.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/kafka/kafka_consumer.h"
#include "common/kafka/topic_names.h"
#include "common/status/macros.h"

namespace lamplighter::dispatcher {
namespace {

constexpr char kRouterGroup[] = "lamplighter-router";
constexpr char kPendingGroup[] = "lamplighter-pending";
constexpr char kDelivererGroup[] = "lamplighter-deliverer";
constexpr char kRetriesGroup[] = "lamplighter-retries";

absl::StatusOr<std::unique_ptr<BoundedConsumer>> MakeConsumer(
    const KafkaOptions& kafka, const char* group, const char* topic,
    const BoundedConsumer::Options& bounds, const std::string& member,
    const AppContext& context) {
  KafkaConsumer::Options options;
  options.kafka = kafka;
  options.group = group;
  options.topics = {topic};
  if (!member.empty()) {
    options.static_member_id = absl::StrCat(member, "-", group);
  }
  options.on_fatal = context.fail;
  LAMPLIGHTER_ASSIGN_OR_RETURN(std::unique_ptr<KafkaConsumer> consumer,
                               KafkaConsumer::Create(options, context.loop));
  return std::make_unique<BoundedConsumer>(bounds, std::move(consumer));
}

}  // namespace

absl::StatusOr<Streams> MakeStreams(const KafkaOptions& kafka,
                                    const BoundedConsumer::Options& bounds,
                                    const std::string& member,
                                    const AppContext& context) {
  Streams streams;
  KafkaProducer::Options options;
  options.kafka = kafka;
  // Nothing may be given up or overtaken; what waits is bounded by what is
  // read.
  options.message_timeout = absl::InfiniteDuration();
  options.max_queue_bytes = 4 * bounds.max_bytes;
  options.on_fatal = context.fail;
  LAMPLIGHTER_ASSIGN_OR_RETURN(streams.producer,
                               KafkaProducer::Create(options, context.loop));
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      streams.events, MakeConsumer(kafka, kRouterGroup, kFluxEventsTopic,
                                   bounds, member, context));
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      streams.intents, MakeConsumer(kafka, kDelivererGroup, kStatusIntentsTopic,
                                    bounds, member, context));
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      streams.retries, MakeConsumer(kafka, kRetriesGroup, kStatusRetriesTopic,
                                    bounds, member, context));
  KafkaTopicReader::Options ledger;
  ledger.kafka = kafka;
  ledger.topic = kStatusLedgerTopic;
  LAMPLIGHTER_ASSIGN_OR_RETURN(streams.ledger,
                               KafkaTopicReader::Create(ledger, context.loop));
  return streams;
}

absl::StatusOr<std::unique_ptr<BoundedConsumer>> MakeGitEvents(
    const KafkaOptions& kafka, const BoundedConsumer::Options& bounds,
    const std::string& member, const AppContext& context) {
  return MakeConsumer(kafka, kPendingGroup, kGitEventsTopic, bounds, member,
                      context);
}

}  // namespace lamplighter::dispatcher
