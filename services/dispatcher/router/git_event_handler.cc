#include "services/dispatcher/router/git_event_handler.h"

#include <string>
#include <utility>

#include "common/kafka/record_span.h"
#include "common/log/log.h"
#include "proto/lamplighter/v1/events.pb.h"
#include "services/dispatcher/records.h"

namespace lamplighter::dispatcher {

GitEventHandler::GitEventHandler(const PendingRules& rules,
                                 boost::asio::io_context& loop,
                                 Consumer& consumer, Producer& producer,
                                 Sleeper& sleeper, const Clock& clock,
                                 DispatcherMetrics& metrics, Tracer tracer)
    : rules_(rules),
      producer_(producer),
      sleeper_(sleeper),
      clock_(clock),
      metrics_(metrics),
      tracer_(std::move(tracer)),
      publisher_(loop, consumer, producer) {}

void GitEventHandler::OnRecord(ConsumedRecord consumed) {
  v1::GitEvent event;
  std::vector<Record> records;
  if (!event.ParseFromString(consumed.record.value)) {
    metrics_.events_dead.Increment();
    LAMPLIGHTER_LOG_EVERY_SECOND(kError, "an event cannot be decoded")
        .With("topic", consumed.position.topic)
        .With("partition", consumed.position.partition)
        .With("offset", consumed.position.offset);
    records.push_back(MakeDeadLetterRecord(
        MakeUndecodable(consumed.record, consumed.position, clock_.Now()),
        consumed.record.key, TraceparentOf(consumed.record),
        producer_.max_record_bytes()));
    publisher_.Finish(consumed.position, std::move(records));
    return;
  }
  const std::vector<v1::StatusIntent> intents = PendingIntents(event, rules_);
  if (!intents.empty()) {
    const std::string traceparent =
        BeginProcessSpan(tracer_, consumed).context().ToTraceparent();
    for (const v1::StatusIntent& intent : intents) {
      records.push_back(MakeIntentRecord(intent, traceparent));
    }
  }
  publisher_.Finish(consumed.position, std::move(records));
}

void GitEventHandler::OnAssigned(
    const std::vector<TopicPartition>& /*partitions*/) {}

boost::asio::awaitable<void> GitEventHandler::OnRevoked(
    std::vector<TopicPartition> partitions) {
  co_await publisher_.UntilWritten(std::move(partitions), sleeper_);
}

}  // namespace lamplighter::dispatcher
