#include "services/dispatcher/deliverer/intent_handler.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "boost/system/error_code.hpp"
#include "common/log/log.h"
#include "common/time/proto_time.h"
#include "services/dispatcher/records.h"

namespace lamplighter::dispatcher {
namespace {

constexpr absl::Duration kPollInterval = absl::Milliseconds(10);

}  // namespace

IntentHandler::IntentHandler(const Deliverer::Options& options,
                             boost::asio::io_context& loop,
                             StatusSetter& setter, Consumer& consumer,
                             Producer& producer, Sleeper& sleeper,
                             const Clock& clock, DispatcherMetrics& metrics)
    : setter_(setter),
      producer_(producer),
      sleeper_(sleeper),
      clock_(clock),
      metrics_(metrics),
      deliverer_(options, clock, random_, *this),
      publisher_(loop, consumer, producer),
      timer_(loop),
      calls_(loop.get_executor(), "status calls") {}

void IntentHandler::OnRecord(ConsumedRecord record) {
  ReceivedIntent received;
  if (!received.intent.ParseFromString(record.record.value)) {
    OnUndecodable(record);
    return;
  }
  received.traceparent = TraceparentOf(record.record);
  received.origin = std::move(record.position);
  deliverer_.Submit(std::move(received));
  metrics_.held.Set(static_cast<double>(deliverer_.held()));
  Rearm();
}

void IntentHandler::OnUndecodable(const ConsumedRecord& consumed) {
  LAMPLIGHTER_LOG_EVERY_SECOND(kError, "an intent cannot be decoded")
      .With("topic", consumed.position.topic)
      .With("partition", consumed.position.partition)
      .With("offset", consumed.position.offset);
  metrics_.dead_lettered.Increment();
  publisher_.Finish(
      consumed.position,
      {MakeDeadLetterRecord(
          MakeUndecodable(consumed.record, consumed.position, clock_.Now()),
          consumed.record.key, TraceparentOf(consumed.record),
          producer_.max_record_bytes())});
}

void IntentHandler::Call(uint64_t call, const ReceivedIntent& received,
                         bool known_different) {
  v1::SetCommitStatusRequest request;
  *request.mutable_intent() = received.intent;
  request.set_known_different(known_different);
  calls_.Spawn(RunCall(call, std::move(request)));
}

boost::asio::awaitable<void> IntentHandler::RunCall(
    uint64_t call, v1::SetCommitStatusRequest request) {
  const absl::StatusOr<v1::SetCommitStatusResponse> answer =
      co_await setter_.Set(std::move(request));
  (answer.ok() ? metrics_.calls_ok : metrics_.calls_failed).Increment();
  if (!answer.ok()) {
    LAMPLIGHTER_LOG_EVERY_SECOND(kWarning, "a status was not set")
        .With("error", answer.status().ToString());
  }
  deliverer_.OnAnswer(call, answer);
  Rearm();
}

void IntentHandler::Finish(FinishedIntent finished) {
  const v1::StatusOutcome& outcome = finished.outcome;
  metrics_.Outcomes(outcome.result()).Increment();
  metrics_.held.Set(static_cast<double>(deliverer_.held()));
  if (outcome.result() == v1::StatusOutcome::SET) {
    metrics_.end_to_end.Observe(absl::ToDoubleSeconds(
        clock_.Now() - FromProto(outcome.intent().event_time())));
  }
  std::vector<Record> records;
  if (finished.dead_letter.has_value()) {
    LAMPLIGHTER_LOG_EVERY_SECOND(kError, "a status was given up")
        .With("intent", outcome.intent().id())
        .With("cause", outcome.detail());
    records.push_back(MakeDeadLetterRecord(
        *std::move(finished.dead_letter), outcome.intent().repository_id(),
        finished.traceparent, producer_.max_record_bytes()));
  }
  records.push_back(MakeOutcomeRecord(outcome, finished.traceparent));
  publisher_.Finish(finished.origin, std::move(records));
}

void IntentHandler::Rearm() {
  const absl::Duration due =
      draining_ ? absl::InfiniteDuration() : deliverer_.NextDue();
  if (due == armed_for_) return;
  armed_for_ = due;
  if (due == absl::InfiniteDuration()) {
    timer_.cancel();
    return;
  }
  timer_.expires_after(absl::ToChronoNanoseconds(
      std::max(due - clock_.MonotonicNow(), absl::ZeroDuration())));
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;  // another wait took its place, or this is gone
    armed_for_ = absl::InfiniteDuration();
    deliverer_.Tick();
    Rearm();
  });
}

void IntentHandler::OnAssigned(
    const std::vector<TopicPartition>& /*partitions*/) {}

boost::asio::awaitable<void> IntentHandler::OnRevoked(
    std::vector<TopicPartition> partitions) {
  for (const TopicPartition& partition : partitions) {
    deliverer_.Forget(partition);
  }
  Rearm();
  // The process that gets the partition must not overtake a call of ours. The
  // consumer bounds the wait.
  const auto busy = [this](const TopicPartition& partition) {
    return deliverer_.Running(partition) > 0 ||
           publisher_.Pending(partition) > 0;
  };
  while (std::any_of(partitions.begin(), partitions.end(), busy)) {
    const absl::Status slept = co_await sleeper_.SleepFor(kPollInterval);
    if (!slept.ok()) co_return;
  }
}

boost::asio::awaitable<void> IntentHandler::Drain(absl::Duration limit) {
  draining_ = true;
  deliverer_.StopCalling();
  Rearm();
  co_await calls_.Drain(limit);
}

}  // namespace lamplighter::dispatcher
