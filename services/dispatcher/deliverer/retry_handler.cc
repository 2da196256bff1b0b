#include "services/dispatcher/deliverer/retry_handler.h"

#include <algorithm>
#include <utility>

#include "common/kafka/topic_names.h"
#include "common/log/log.h"
#include "common/time/proto_time.h"
#include "proto/lamplighter/v1/statuses.pb.h"
#include "services/dispatcher/records.h"

namespace lamplighter::dispatcher {
namespace {

// However far away another clock says that it is, nobody waits longer.
constexpr absl::Duration kLongest = absl::Minutes(10);

}  // namespace

RetryHandler::RetryHandler(boost::asio::io_context& loop, Consumer& consumer,
                           Producer& producer, Sleeper& sleeper,
                           const Clock& clock, DispatcherMetrics& metrics)
    : producer_(producer),
      sleeper_(sleeper),
      clock_(clock),
      metrics_(metrics),
      publisher_(loop, consumer, producer),
      timer_(loop, [this] { Tick(); }) {}

void RetryHandler::OnRecord(ConsumedRecord record) {
  v1::StatusIntent intent;
  if (!intent.ParseFromString(record.record.value)) {
    LAMPLIGHTER_LOG_EVERY_SECOND(kError, "a retry cannot be decoded")
        .With("partition", record.position.partition)
        .With("offset", record.position.offset);
    metrics_.dead_lettered.Increment();
    publisher_.Finish(
        record.position,
        {MakeDeadLetterRecord(
            MakeUndecodable(record.record, record.position, clock_.Now()),
            record.record.key, TraceparentOf(record.record),
            producer_.max_record_bytes())});
    return;
  }
  const absl::Time now = clock_.Now();
  const absl::Time due =
      std::min(FromProto(intent.retry().not_before()), now + kLongest);
  if (due <= now) {
    Return(std::move(record));
    return;
  }
  waiting_.emplace(due, std::move(record));
  Rearm();
}

void RetryHandler::Tick() {
  const absl::Time now = clock_.Now();
  while (!waiting_.empty() && waiting_.begin()->first <= now) {
    ConsumedRecord record = std::move(waiting_.begin()->second);
    waiting_.erase(waiting_.begin());
    Return(std::move(record));
  }
  Rearm();
}

void RetryHandler::Return(ConsumedRecord record) {
  metrics_.returned.Increment();
  Record intent = std::move(record.record);  // the value is what it was
  intent.topic = kStatusIntentsTopic;
  std::vector<Record> records;
  records.push_back(std::move(intent));
  publisher_.Finish(record.position, std::move(records));
}

void RetryHandler::Rearm() {
  const absl::Time due =
      waiting_.empty() ? absl::InfiniteFuture() : waiting_.begin()->first;
  timer_.Set(due - absl::UnixEpoch(), clock_.Now() - absl::UnixEpoch());
}

void RetryHandler::OnAssigned(
    const std::vector<TopicPartition>& /*partitions*/) {}

boost::asio::awaitable<void> RetryHandler::OnRevoked(
    std::vector<TopicPartition> partitions) {
  const auto revoked = [&partitions](const RecordPosition& position) {
    return std::find(partitions.begin(), partitions.end(),
                     TopicPartition{position.topic, position.partition}) !=
           partitions.end();
  };
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    it = revoked(it->second.position) ? waiting_.erase(it) : std::next(it);
  }
  Rearm();
  co_await publisher_.UntilWritten(std::move(partitions), sleeper_);
}

}  // namespace lamplighter::dispatcher
