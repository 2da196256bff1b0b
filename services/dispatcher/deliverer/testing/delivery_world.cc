#include "services/dispatcher/deliverer/testing/delivery_world.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/grpc/retry_info.h"
#include "common/time/proto_time.h"
#include "gtest/gtest.h"
#include "services/dispatcher/ledger/ledger_entry.h"

namespace lamplighter::dispatcher {

DeliveryWorld::DeliveryWorld(uint64_t seed)
    : random_(seed),
      jitter_(std::seed_seq{seed}),
      forgetful_(Draw(0, 5) == 0),
      crowded_(!forgetful_ && Draw(0, 1) == 0) {
  Crash();
  reached_ = {};
}

std::string DeliveryWorld::TextOf(const v1::StatusIntent& intent) {
  return absl::StrCat(intent.state(), intent.description());
}

int DeliveryWorld::PartitionOf(const v1::StatusIntent& intent) {
  return (intent.repository_id().back() - '0') % kPartitions;
}

void DeliveryWorld::RunSchedule() {
  const int steps = Draw(5, 80);
  for (int step = 0; step < steps; ++step) Step();
  healthy_ = true;
  for (int i = 0; i < 3000 && !AtRest(); ++i) {
    ConsumeSome(1000);
    AnswerOne();
    WriteAll();
    ReturnRetries();
    AdvanceToNextDue();
  }
}

void DeliveryWorld::ExpectRightEnd() const {
  EXPECT_TRUE(AtRest()) << "work is stuck";
  for (const auto& [key, meant] : meant_) {
    const auto shown = shown_.find(key);
    ASSERT_NE(shown, shown_.end()) << key << " was lost";
    EXPECT_EQ(shown->second, meant.text) << key << " is stale";
  }
  for (const std::string& key : stood_in_) {
    const auto shown = shown_.find(key);
    EXPECT_TRUE(shown != shown_.end() && !shown->second.empty())
        << key << " was lost";
  }
  EXPECT_LE(most_calls_of_a_key_, 1) << "two calls at once for one key";
  EXPECT_EQ(older_over_newer_, 0) << "an older one overwrote a newer one";
  EXPECT_EQ(repeats_, 0) << "a status was set again as it was";
}

void DeliveryWorld::Step() {
  switch (Draw(0, 12)) {
    case 0:
    case 1:
    case 2:
      Append();
      break;
    case 3:
    case 4:
      ConsumeSome(Draw(1, 4));
      break;
    case 5:
    case 6:
      AnswerOne();
      break;
    case 7:
      healthy_ = Draw(0, 2) > 0;
      break;
    case 8:
      clock_.Advance(absl::Seconds(Draw(0, 200)));
      deliverer_->Tick();
      break;
    case 9:
      WriteOne(ledger_writes_);
      WriteOne(retry_writes_);
      break;
    case 10:
      WriteAll();
      break;
    case 11:
      ReturnRetries();
      break;
    default:
      if (Draw(0, 2) == 0) Crash();
      if (Draw(0, 3) == 0) Rebalance(Draw(0, kPartitions - 1));
  }
}

// Somebody means something: usually later than before, at times not.
void DeliveryWorld::Append() {
  v1::StatusIntent intent;
  const int key = Draw(0, 3);
  intent.set_repository_id(absl::StrCat("r", key));
  intent.set_sha("s");
  intent.set_context("c");
  intent.mutable_provider()->set_name(absl::StrCat("p", key / 2));
  intent.set_state(Draw(0, 1) == 0 ? v1::SUCCESS : v1::FAILURE);
  intent.set_description(absl::StrCat("d", Draw(0, 1)));
  time_ += Draw(0, 2);
  const bool late = !forgetful_ && Draw(0, 4) == 0;
  if (late) ++reached_.late;
  intent.mutable_event_time()->set_seconds(late ? time_ - Draw(0, 6) : time_);
  std::vector<v1::StatusIntent>& log = intents_[PartitionOf(intent)];
  if (Draw(0, 4) == 0) {
    // Or a push stands in, or its time is over: that never counts against what
    // somebody means.
    intent.set_state(Draw(0, 1) == 0 ? v1::PENDING : v1::ERROR);
    intent.set_description("stands in");
    *intent.mutable_pending_until() = intent.event_time();
    stood_in_.insert(KeyOf(intent));
    log.push_back(std::move(intent));
    return;
  }
  const Version version = VersionOf(intent, static_cast<int64_t>(log.size()));
  Meant& meant = meant_[KeyOf(intent)];
  if (meant.version < version) meant = {version, TextOf(intent)};
  log.push_back(std::move(intent));
}

void DeliveryWorld::ConsumeSome(int most) {
  for (int p = 0; p < kPartitions; ++p) {
    for (int i = 0; i < most && next_[p] < intents_[p].size(); ++i) {
      const size_t offset = next_[p]++;
      deliverer_->Submit(
          {.intent = intents_[p][offset],
           .origin = {"intents", p, static_cast<int64_t>(offset)},
           .traceparent = "",
           .inherited = offset < inherited_end_[p]});
    }
  }
}

// One call ends: it may have worked, failed before or after the write, or both
// sides may disagree about it.
void DeliveryWorld::AnswerOne() {
  if (calls_.empty()) return;
  const auto it = calls_.begin() + Draw(0, static_cast<int>(calls_.size()) - 1);
  const RunningCall call = *it;
  calls_.erase(it);
  --running_[KeyOf(call.intent)];
  const bool fails = !healthy_ || Draw(0, 9) == 0;
  const bool writes = !fails || Draw(0, 2) == 0;
  if (!fails && Refuses(call.intent)) {
    deliverer_->OnAnswer(call.id, absl::AlreadyExistsError("shown"));
    return;
  }
  v1::SetCommitStatusResponse response;
  if (writes) response.set_written(WriteToForge(call));
  if (!fails) {
    deliverer_->OnAnswer(call.id, response);
    return;
  }
  switch (Draw(0, forgetful_ ? 1 : 2)) {
    case 0:
      deliverer_->OnAnswer(call.id, absl::UnavailableError("away"));
      break;
    case 1:
      deliverer_->OnAnswer(call.id, absl::DeadlineExceededError("?"));
      break;
    default:
      deliverer_->OnAnswer(call.id,
                           WithRetryAfter(absl::ResourceExhaustedError("slow"),
                                          absl::Seconds(Draw(1, 600))));
  }
}

// As a provider worker does it: reads first, unless the caller knows better.
bool DeliveryWorld::WriteToForge(const RunningCall& call) {
  if (Refuses(call.intent)) return false;
  const std::string key = KeyOf(call.intent);
  std::string& shown = shown_[key];
  const bool equal = shown == TextOf(call.intent);
  Version& newest = newest_written_[key];
  // What is read again after a crash is new to a ledger that forgets.
  if (call.version < newest && !equal && !forgetful_) ++older_over_newer_;
  newest = std::max(newest, call.version);
  if (IsStandIn(call.intent)) {
    ++reached_.stood_in;
  } else if (equal && call.known_different) {
    ++repeats_;
  }
  shown = TextOf(call.intent);
  return !equal;
}

// What stands in takes the place of nothing, or of what is pending.
bool DeliveryWorld::Refuses(const v1::StatusIntent& intent) {
  if (!IsStandIn(intent)) return false;
  const std::string& shown = shown_[KeyOf(intent)];
  if (shown.empty() || shown == TextOf(intent)) return false;
  v1::StatusIntent pending = intent;
  pending.set_state(v1::PENDING);
  return intent.state() != v1::ERROR || shown != TextOf(pending);
}

void DeliveryWorld::ReturnRetries() {
  for (Parked& parked : retries_) {
    if (parked.done ||
        FromProto(parked.intent.retry().not_before()) > clock_.Now()) {
      continue;
    }
    intents_[PartitionOf(parked.intent)].push_back(parked.intent);
    // Now and then it dies before it has committed that.
    parked.done = Draw(0, 9) > 0;
  }
}

void DeliveryWorld::AdvanceToNextDue() {
  absl::Duration wait = deliverer_->NextDue() - clock_.MonotonicNow();
  for (const Parked& parked : retries_) {
    if (parked.done) continue;
    wait = std::min(
        wait, FromProto(parked.intent.retry().not_before()) - clock_.Now());
  }
  if (wait == absl::InfiniteDuration()) return;
  if (wait > absl::ZeroDuration()) clock_.Advance(wait);
  deliverer_->Tick();
}

void DeliveryWorld::WriteOne(std::deque<Write>& queue) {
  if (queue.empty()) return;
  Write write = std::move(queue.front());
  queue.pop_front();
  if (write.retry.has_value()) {
    retries_.push_back({*std::move(write.retry)});
  } else {
    ledger_topic_[PartitionOf(write.ledger.intent())].push_back(write.ledger);
  }
  Batch& batch = *write.batch;
  if (--batch.unwritten == 0) {
    done_[batch.origin.partition].insert(batch.origin.offset);
  }
}

void DeliveryWorld::WriteAll() {
  while (!ledger_writes_.empty()) WriteOne(ledger_writes_);
  while (!retry_writes_.empty()) WriteOne(retry_writes_);
  for (const auto& batch : std::exchange(others_, {})) {
    if (--batch->unwritten == 0) {
      done_[batch->origin.partition].insert(batch->origin.offset);
    }
  }
}

// kill -9, and a new process at the committed offsets. A call under way may
// still reach the forge, and a record under way its topic, but before the new
// process is there.
void DeliveryWorld::Crash() {
  ++reached_.crashes;
  for (const RunningCall& call : calls_) {
    if (Draw(0, 1) == 0 && WriteToForge(call)) ++reached_.set_unknown_to_us;
  }
  for (std::deque<Write>* queue : {&ledger_writes_, &retry_writes_}) {
    for (int i = Draw(0, 5); i > 0; --i) WriteOne(*queue);
    queue->clear();
  }
  others_.clear();
  calls_.clear();
  running_.clear();
  newest_written_.clear();
  ledger_ = std::make_unique<Ledger>(forgetful_ ? 1 : 100);
  Deliverer::Options options;
  if (crowded_) options.crowded_at = 2;
  deliverer_ =
      std::make_unique<Deliverer>(options, clock_, jitter_, *ledger_, *this);
  for (int p = 0; p < kPartitions; ++p) {
    Restore(p);
    Rewind(p);
  }
}

void DeliveryWorld::Restore(int partition) {
  ledger_->Open(partition);
  for (const v1::StatusOutcome& outcome : ledger_topic_[partition]) {
    RestoreEntry(*ledger_, MakeLedgerKey(LedgerName(outcome.intent())),
                 partition, outcome);
  }
  NoteLedger(partition);
}

void DeliveryWorld::NoteLedger(int partition) {
  for (const v1::StatusOutcome& outcome : ledger_topic_[partition]) {
    if (outcome.result() != v1::StatusOutcome::SET) continue;
    Version& newest = newest_written_[KeyOf(outcome.intent())];
    newest = std::max(newest, VersionOf(outcome.intent(), outcome.order()));
  }
}

// Reading goes on at the committed offset; what was done beyond it is not known
// any more.
void DeliveryWorld::Rewind(int partition) {
  next_[partition] = Committed(partition);
  done_[partition].erase(done_[partition].lower_bound(next_[partition]),
                         done_[partition].end());
  inherited_end_[partition] = intents_[partition].size();
}

// The partition goes to another process and comes back: with its work finished,
// as the consumer waits for calls and records under way.
void DeliveryWorld::Rebalance(int partition) {
  const TopicPartition given_up = {"intents", partition};
  deliverer_->Forget(given_up);
  ledger_->Close(partition);
  while (deliverer_->Running(given_up) > 0) AnswerOne();
  WriteAll();
  // What a call that failed wrote is known to nobody.
  newest_written_.clear();
  for (int p = 0; p < kPartitions; ++p) NoteLedger(p);
  Restore(partition);
  Rewind(partition);
}

size_t DeliveryWorld::Committed(int partition) const {
  size_t offset = 0;
  const auto done = done_.find(partition);
  if (done == done_.end()) return 0;
  while (done->second.contains(offset)) ++offset;
  return offset;
}

bool DeliveryWorld::AtRest() const {
  for (int p = 0; p < kPartitions; ++p) {
    if (Committed(p) < intents_[p].size()) return false;
  }
  return calls_.empty() && deliverer_->held() == 0 &&
         std::all_of(retries_.begin(), retries_.end(),
                     [](const Parked& parked) { return parked.done; });
}

void DeliveryWorld::Call(uint64_t call, const ReceivedIntent& received,
                         bool known_different) {
  int& running = running_[KeyOf(received.intent)];
  most_calls_of_a_key_ = std::max(most_calls_of_a_key_, ++running);
  calls_.push_back({call, received.intent,
                    VersionOf(received.intent, received.order()),
                    known_different});
}

void DeliveryWorld::Finish(FinishedIntent finished) {
  if (finished.outcome.result() == v1::StatusOutcome::UNCHANGED) {
    ++reached_.unchanged;
  }
  // The outcome's record, and the ledger's.
  auto batch = std::make_shared<Batch>(Batch{finished.origin, 1});
  others_.push_back(batch);
  if (!finished.remember.has_value()) return;
  ++batch->unwritten;
  SetVersion(finished.outcome, *finished.remember);
  ledger_writes_.push_back({batch, std::move(finished.outcome), {}});
}

void DeliveryWorld::Park(ParkedIntent parked) {
  ++reached_.parked;
  auto batch = std::make_shared<Batch>(Batch{parked.origin, 1});
  retry_writes_.push_back({batch, {}, std::move(parked.intent)});
  if (!parked.tried.has_value()) return;
  ++batch->unwritten;
  ledger_writes_.push_back({batch, *std::move(parked.tried), {}});
}

}  // namespace lamplighter::dispatcher
