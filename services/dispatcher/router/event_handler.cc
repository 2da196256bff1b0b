#include "services/dispatcher/router/event_handler.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "common/log/log.h"
#include "common/time/proto_time.h"
#include "services/dispatcher/records.h"

namespace lamplighter::dispatcher {

EventHandler::EventHandler(boost::asio::io_context& loop, Router& router,
                           Consumer& consumer, Producer& producer,
                           Sleeper& sleeper, const Clock& clock,
                           DispatcherMetrics& metrics)
    : router_(router),
      producer_(producer),
      sleeper_(sleeper),
      clock_(clock),
      metrics_(metrics),
      publisher_(loop, consumer, producer) {}

void EventHandler::OnRecord(ConsumedRecord record) {
  publisher_.Finish(record.position, Route(record));
}

std::vector<Record> EventHandler::Route(const ConsumedRecord& consumed) {
  v1::FluxEvent event;
  if (!event.ParseFromString(consumed.record.value)) {
    metrics_.events_dead.Increment();
    LAMPLIGHTER_LOG_EVERY_SECOND(kError, "an event cannot be decoded")
        .With("topic", consumed.position.topic)
        .With("partition", consumed.position.partition)
        .With("offset", consumed.position.offset);
    return {DeadLetterRecord(
        MakeUndecodable(consumed.record, consumed.position, clock_.Now()),
        consumed)};
  }
  Routes routes = router_.Route(event);
  const std::string traceparent = TraceparentOf(consumed.record);
  std::vector<Record> records;
  for (const v1::StatusIntent& intent : routes.intents) {
    records.push_back(MakeIntentRecord(intent, traceparent));
  }
  for (v1::DeadLetter& letter : routes.dead_letters) {
    LAMPLIGHTER_LOG_EVERY_SECOND(kWarning, "an event cannot become a status")
        .With("event", event.id())
        .With("cause", letter.detail());
    records.push_back(DeadLetterRecord(std::move(letter), consumed));
  }
  if (!routes.dead_letters.empty()) {
    metrics_.events_dead.Increment();
  } else if (!routes.intents.empty()) {
    metrics_.events_routed.Increment();
  } else {
    metrics_.events_ignored.Increment();
  }
  return records;
}

Record EventHandler::DeadLetterRecord(v1::DeadLetter letter,
                                      const ConsumedRecord& consumed) const {
  letter.set_original_topic(consumed.position.topic);
  letter.set_original_partition(consumed.position.partition);
  letter.set_original_offset(consumed.position.offset);
  *letter.mutable_given_up_at() = ToProto(clock_.Now());
  return MakeDeadLetterRecord(std::move(letter), consumed.record.key,
                              TraceparentOf(consumed.record),
                              producer_.max_record_bytes());
}

void EventHandler::OnAssigned(
    const std::vector<TopicPartition>& /*partitions*/) {}

boost::asio::awaitable<void> EventHandler::OnRevoked(
    std::vector<TopicPartition> partitions) {
  const auto pending = [this](const TopicPartition& partition) {
    return publisher_.Pending(partition) > 0;
  };
  // The consumer bounds the wait.
  while (std::any_of(partitions.begin(), partitions.end(), pending)) {
    const absl::Status slept =
        co_await sleeper_.SleepFor(absl::Milliseconds(10));
    if (!slept.ok()) co_return;
  }
}

}  // namespace lamplighter::dispatcher
