#include "services/dispatcher/deliverer/intent_handler.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/kafka/record_span.h"
#include "common/kafka/topic_names.h"
#include "common/log/log.h"
#include "common/time/proto_time.h"
#include "common/tracing/trace_context.h"
#include "services/dispatcher/records.h"

namespace lamplighter::dispatcher {
namespace {

constexpr absl::Duration kPollInterval = absl::Milliseconds(10);

}  // namespace

IntentHandler::IntentHandler(const Options& options,
                             boost::asio::io_context& loop,
                             StatusSetter& setter, Consumer& consumer,
                             Producer& producer, TopicReader& ledger,
                             Sleeper& sleeper, const Clock& clock,
                             DispatcherMetrics& metrics, Tracer tracer)
    : setter_(setter),
      producer_(producer),
      sleeper_(sleeper),
      clock_(clock),
      metrics_(metrics),
      tracer_(std::move(tracer)),
      ledger_(options.max_remembered),
      roll_ups_(options.roll_ups),
      pending_(options.pending.has_value()
                   ? std::make_unique<PendingStatuses>(*options.pending, loop,
                                                       producer, clock, metrics)
                   : nullptr),
      deliverer_(options.deliverer, clock, random_, ledger_, *this),
      publisher_(loop, consumer, producer),
      timer_(loop,
             [this] {
               deliverer_.Tick();
               Rearm();
             }),
      restorer_(options.restorer, loop, ledger, ledger_, sleeper, clock,
                Listeners()),
      calls_(loop.get_executor(), "status calls") {}

LedgerRestorer::Listeners IntentHandler::Listeners() {
  return {.on_outcome =
              [this](int32_t partition, const LedgerKey& key,
                     const v1::StatusOutcome& outcome) {
                roll_ups_.Restore(partition, key, outcome);
                if (pending_ != nullptr) pending_->Restore(partition, outcome);
              },
          .on_restored = [this](int32_t partition) { OnRestored(partition); },
          .on_expired =
              [this](int32_t partition, const std::string& name) {
                Expire(partition, name);
              }};
}

void IntentHandler::Expire(int32_t partition, const std::string& name) {
  Record tombstone;
  tombstone.topic = kStatusLedgerTopic;
  tombstone.key = name;
  tombstone.tombstone = true;
  tombstone.partition = partition;
  // What is not written expires at another start.
  producer_.Produce(std::move(tombstone),
                    [](const absl::StatusOr<RecordPosition>&) {});
}

void IntentHandler::OnRecord(ConsumedRecord record) {
  const auto restoring = restoring_.find(record.position.partition);
  if (restoring != restoring_.end()) {
    restoring->second.push_back(std::move(record));
    return;
  }
  Take(std::move(record));
  Rearm();
}

void IntentHandler::OnRestored(int32_t partition) {
  if (pending_ != nullptr) pending_->OnRestored(partition);
  const auto waiting = restoring_.find(partition);
  if (waiting == restoring_.end()) return;
  std::vector<ConsumedRecord> records = std::move(waiting->second);
  restoring_.erase(waiting);
  for (ConsumedRecord& record : records) Take(std::move(record));
  metrics_.ledger_entries.Set(static_cast<double>(ledger_.size()));
  Rearm();
}

void IntentHandler::Take(ConsumedRecord record) {
  // What it becomes holds it all, and its key once more.
  if (record.record.value.size() > producer_.max_record_bytes() / 3) {
    v1::DeadLetter letter =
        MakeUndecodable(record.record, record.position, clock_.Now());
    letter.set_detail("the intent is too large");
    DeadLetter(record, std::move(letter));
    return;
  }
  ReceivedIntent received;
  if (!received.intent.ParseFromString(record.record.value)) {
    DeadLetter(record,
               MakeUndecodable(record.record, record.position, clock_.Now()));
    return;
  }
  received.traceparent =
      BeginProcessSpan(tracer_, record).context().ToTraceparent();
  received.headers = std::move(record.record.headers);
  received.origin = std::move(record.position);
  received.inherited = record.inherited;
  if (received.intent.seen_contexts()) return Expand(received);
  if (received.intent.has_roll_up()) roll_ups_.Merge(received);
  deliverer_.Submit(std::move(received));
  ShowHeld();
}

void IntentHandler::Expand(const ReceivedIntent& received) {
  std::vector<Record> records;
  if (pending_ != nullptr) {
    for (const v1::StatusIntent& intent : pending_->Expand(received.intent)) {
      records.push_back(MakeIntentRecord(intent, received.traceparent));
    }
  }
  publisher_.Finish(received.origin, std::move(records));
}

void IntentHandler::DeadLetter(const ConsumedRecord& consumed,
                               v1::DeadLetter letter) {
  LAMPLIGHTER_LOG_EVERY_SECOND(kError, "an intent cannot be used")
      .With("cause", letter.detail())
      .With("topic", consumed.position.topic)
      .With("partition", consumed.position.partition)
      .With("offset", consumed.position.offset);
  metrics_.dead_lettered.Increment();
  publisher_.Finish(
      consumed.position,
      {MakeDeadLetterRecord(std::move(letter), consumed.record.key,
                            TraceparentOf(consumed.record),
                            producer_.max_record_bytes())});
}

void IntentHandler::ShowHeld() {
  metrics_.held.Set(static_cast<double>(deliverer_.held()));
  metrics_.ledger_entries.Set(static_cast<double>(ledger_.size()));
}

void IntentHandler::Call(uint64_t call, const ReceivedIntent& received,
                         bool known_different) {
  v1::SetCommitStatusRequest request;
  *request.mutable_intent() = received.intent;
  request.set_known_different(known_different);
  calls_.Spawn(RunCall(call, std::move(request), received.traceparent));
}

boost::asio::awaitable<void> IntentHandler::RunCall(
    uint64_t call, v1::SetCommitStatusRequest request,
    std::string traceparent) {
  const absl::StatusOr<v1::SetCommitStatusResponse> answer =
      co_await setter_.Set(std::move(request), traceparent);
  // A pending that finds a status is no failure.
  const bool answered = answer.ok() || absl::IsAlreadyExists(answer.status());
  (answered ? metrics_.calls_ok : metrics_.calls_failed).Increment();
  if (!answered) {
    LAMPLIGHTER_LOG_EVERY_SECOND(kWarning, "a status was not set")
        .With("error", answer.status().ToString())
        .With("trace_id", TraceIdOf(traceparent));
  }
  deliverer_.OnAnswer(call, answer);
  Rearm();
}

void IntentHandler::Finish(FinishedIntent finished) {
  const v1::StatusOutcome& outcome = finished.outcome;
  if (pending_ != nullptr) pending_->Note(finished.origin.partition, outcome);
  metrics_.Outcomes(outcome.result()).Increment();
  ShowHeld();
  if (outcome.result() == v1::StatusOutcome::SET) {
    metrics_.end_to_end.Observe(absl::ToDoubleSeconds(
        clock_.Now() - FromProto(outcome.intent().event_time())));
  }
  std::vector<Record> records;
  if (finished.dead_letter.has_value()) {
    LAMPLIGHTER_LOG_EVERY_SECOND(kError, "a status was given up")
        .With("intent", outcome.intent().id())
        .With("cause", outcome.detail())
        .With("trace_id", TraceIdOf(finished.traceparent));
    records.push_back(MakeDeadLetterRecord(
        *std::move(finished.dead_letter), outcome.intent().repository_id(),
        finished.traceparent, producer_.max_record_bytes()));
  }
  records.push_back(MakeOutcomeRecord(outcome, finished.traceparent));
  if (finished.remember.has_value()) {
    v1::StatusOutcome last = std::move(finished.outcome);
    SetVersion(last, *finished.remember);
    records.push_back(LedgerRecord(std::move(last), finished.origin.partition,
                                   finished.traceparent));
  }
  publisher_.Finish(finished.origin, std::move(records));
}

void IntentHandler::Park(ParkedIntent parked) {
  metrics_.parked.Increment();
  std::vector<Record> records;
  if (parked.tried.has_value()) {
    records.push_back(LedgerRecord(
        *std::move(parked.tried), parked.origin.partition, parked.traceparent));
  }
  records.push_back(MakeRetryRecord(parked.intent, parked.traceparent));
  publisher_.Finish(parked.origin, std::move(records));
}

Record IntentHandler::LedgerRecord(v1::StatusOutcome outcome, int32_t partition,
                                   const std::string& traceparent) const {
  if (outcome.intent().has_roll_up()) {
    for (v1::RollUpPart& part : roll_ups_.Parts(outcome.intent())) {
      *outcome.add_roll_up_parts() = std::move(part);
    }
  }
  return MakeLedgerRecord(std::move(outcome), partition, traceparent,
                          producer_.max_record_bytes());
}

void IntentHandler::Rearm() {
  timer_.Set(draining_ ? absl::InfiniteDuration() : deliverer_.NextDue(),
             clock_.MonotonicNow());
}

void IntentHandler::OnAssigned(const std::vector<TopicPartition>& partitions) {
  for (const TopicPartition& partition : partitions) {
    restoring_[partition.partition].clear();
    // What a call of ours ended with while it was another's.
    if (pending_ != nullptr) pending_->Forget(partition.partition);
    restorer_.Restore(partition.partition);
  }
}

boost::asio::awaitable<void> IntentHandler::OnRevoked(
    std::vector<TopicPartition> partitions) {
  for (const TopicPartition& partition : partitions) {
    deliverer_.Forget(partition);
    restoring_.erase(partition.partition);
    restorer_.Forget(partition.partition);
    roll_ups_.Forget(partition.partition);
    if (pending_ != nullptr) pending_->Forget(partition.partition);
  }
  ShowHeld();
  Rearm();
  // The process that gets the partition must not overtake a call of ours. The
  // consumer bounds the wait.
  const auto calling = [this](const TopicPartition& partition) {
    return deliverer_.Running(partition) > 0;
  };
  while (std::any_of(partitions.begin(), partitions.end(), calling)) {
    const absl::Status slept = co_await sleeper_.SleepFor(kPollInterval);
    if (!slept.ok()) co_return;
  }
  co_await publisher_.UntilWritten(std::move(partitions), sleeper_);
}

boost::asio::awaitable<void> IntentHandler::Drain(absl::Duration limit) {
  draining_ = true;
  if (pending_ != nullptr) pending_->Stop();
  deliverer_.StopCalling();
  Rearm();
  co_await calls_.Drain(limit);
  co_await restorer_.Stop();
}

}  // namespace lamplighter::dispatcher
