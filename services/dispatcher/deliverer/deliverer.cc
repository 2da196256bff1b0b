#include "services/dispatcher/deliverer/deliverer.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "common/log/log.h"
#include "common/time/proto_time.h"
#include "services/dispatcher/deliverer/delivery_state.h"

// What waits: where it stands, and when it starts. What becomes of calls is in
// deliverer_answers.cc.

namespace lamplighter::dispatcher {

Deliverer::Deliverer(const Options& options, const Clock& clock,
                     absl::BitGenRef random, Ledger& ledger, DeliveryPort& port)
    : options_(options),
      clock_(clock),
      random_(random),
      ledger_(ledger),
      port_(port) {}

Deliverer::~Deliverer() = default;

Deliverer::Work Deliverer::MakeWork(ReceivedIntent received) const {
  Work work(std::move(received));
  work.version = VersionOf(work.intent, work.order());
  work.bytes = work.intent.ByteSizeLong();
  const absl::Time now = clock_.Now();
  work.taken_at = now;
  if (work.intent.has_retry()) {
    const v1::Retry& retry = work.intent.retry();
    work.taken_at = std::min(now, FromProto(retry.taken_at()));
    work.attempts = {retry.attempts(), FromProto(retry.first_attempt_at())};
    work.failures = retry.attempts();
  }
  work.expires =
      clock_.MonotonicNow() + options_.give_up_after - (now - work.taken_at);
  return work;
}

void Deliverer::Submit(ReceivedIntent received) {
  Work work = MakeWork(std::move(received));
  ++held_;
  held_bytes_ += work.bytes;
  Key& key = FindOrMakeKey(work.intent);
  key.partition = {work.origin.topic, work.origin.partition};
  const LedgerEntry* const known = ledger_.Find(key.id);
  if (IsNeedless(known, work)) {
    Supersede(key, std::move(work), "the commit has a status of it");
    Settle(key);
    return;
  }
  // It may be what a call of a former process set after what we have read, even
  // if it is superseded now.
  if (known == nullptr ? MayBeSet(work)
                       : known->restored && !known->Shows(work.intent)) {
    ledger_.Doubt(key.id, key.partition.partition);
  }
  if (const auto why = WhySuperseded(key, known, work); why.has_value()) {
    Supersede(key, std::move(work), *why);
    Settle(key);
    return;
  }
  if (key.waiting.has_value()) {
    work.retry_at = std::max(work.retry_at, key.waiting->retry_at);
    work.failures = key.waiting->failures;
    key.keeps_place = key.place == Key::Place::kInLane;
    Unplace(key);
    Supersede(key, *std::exchange(key.waiting, absl::nullopt),
              "a newer one came while it waited");
  }
  key.waiting = std::move(work);
  if (!key.running.has_value()) Place(key);
  Pump();
}

// What it was done with is in the ledger: the rest is no more than it held.
bool Deliverer::MayBeSet(const Work& work) {
  if (!work.inherited) return false;
  size_t& read_first = inherited_[{work.origin.topic, work.origin.partition}];
  if (read_first >= options_.max_inherited) return false;
  ++read_first;
  return true;
}

bool Deliverer::IsNeedless(const LedgerEntry* known, const Work& work) {
  return IsStandIn(work.intent) && work.intent.state() == v1::PENDING &&
         known != nullptr && !known->InDoubt() &&
         known->version != work.version;
}

absl::optional<std::string> Deliverer::WhySuperseded(const Key& key,
                                                     const LedgerEntry* known,
                                                     const Work& work) const {
  Version newest;
  if (known != nullptr) newest = known->version;
  if (key.running.has_value()) {
    newest = std::max(newest, key.running->version);
  }
  if (key.waiting.has_value()) {
    newest = std::max(newest, key.waiting->version);
  }
  if (work.version < newest) return "a newer one came before it";
  return absl::nullopt;
}

Deliverer::Key& Deliverer::FindOrMakeKey(const v1::StatusIntent& intent) {
  const LedgerKey id = MakeLedgerKey(LedgerName(intent));
  Key& key = keys_[id];
  key.id = id;
  return key;
}

Deliverer::Lane& Deliverer::LaneOf(const v1::StatusIntent& intent) {
  return lanes_[absl::StrCat(intent.provider().namespace_(), "/",
                             intent.provider().name())];
}

void Deliverer::Place(Key& key) {
  const LedgerEntry* const known = ledger_.Find(key.id);
  Work& work = *key.waiting;
  if (known != nullptr && known->Shows(work.intent)) {
    FinishUnchanged(key, *known);
    Settle(key);
    return;
  }
  Lane& lane = LaneOf(work.intent);
  const absl::Duration now = clock_.MonotonicNow();
  const absl::Duration wait = std::max(work.retry_at, lane.opens) - now;
  const bool fails = wait > absl::ZeroDuration() || lane.failures > 0;
  if (fails && lane.failures > 0 && now >= work.expires) {
    GiveUp(key, *std::exchange(key.waiting, absl::nullopt),
           v1::DeadLetter::EXPIRED, lane.error);
    Settle(key);
    return;
  }
  const absl::Duration due =
      std::max(work.retry_at, MessageDue(known, work.intent));
  const bool tried_without_it = lane.waiting > 0 || lane.running > 0;
  if (wait > options_.park_after ||
      (Crowded() && tried_without_it && (due > now || fails))) {
    Park(key, *std::exchange(key.waiting, absl::nullopt),
         std::max(wait, due - now));
    Settle(key);
    return;
  }
  const bool keeps_place =
      std::exchange(key.keeps_place, false) && key.lane == &lane;
  key.lane = &lane;
  ++lane.waiting;
  if (due > now) {
    key.place = Key::Place::kLater;
    key.due = due;
    later_.emplace(due, &key);
    return;
  }
  key.place = Key::Place::kInLane;
  if (keeps_place) {
    lane.ready.AddAt(work.intent.repository_id(), key.in_lane, &key);
  } else {
    key.in_lane = lane.ready.Add(work.intent.repository_id(), &key);
  }
  Activate(lane);
}

void Deliverer::Unplace(Key& key) {
  if (key.place == Key::Place::kLater) later_.erase({key.due, &key});
  if (key.place == Key::Place::kInLane) {
    key.lane->ready.Remove(key.waiting->intent.repository_id(), key.in_lane);
  }
  if (key.place != Key::Place::kNowhere) --key.lane->waiting;
  key.place = Key::Place::kNowhere;
}

absl::Duration Deliverer::MessageDue(const LedgerEntry* known,
                                     const v1::StatusIntent& intent) const {
  if (known == nullptr || known->written == 0 || known->state != v1::FAILURE ||
      intent.state() != v1::FAILURE) {
    return -absl::InfiniteDuration();
  }
  // The clock on the wall, and that of another process perhaps, may jump.
  const absl::Duration since =
      std::max(clock_.Now() - absl::FromUnixSeconds(known->written),
               absl::ZeroDuration());
  return clock_.MonotonicNow() + options_.message_interval - since;
}

bool Deliverer::Crowded() const {
  return held_ >= options_.crowded_at ||
         held_bytes_ >= options_.crowded_at_bytes;
}

bool Deliverer::CanStart(const Lane& lane) const {
  const int most = lane.failures == 0 ? options_.max_calls_per_lane : 1;
  return !lane.ready.empty() && lane.running < most &&
         lane.opens <= clock_.MonotonicNow();
}

void Deliverer::Activate(Lane& lane) {
  if (lane.has_turn || !CanStart(lane)) return;
  lane.has_turn = true;
  turns_.push_back(&lane);
}

void Deliverer::Pump() {
  while (calling_ && !turns_.empty() &&
         calls_.size() < static_cast<size_t>(options_.max_calls)) {
    Lane& lane = *turns_.front();
    turns_.pop_front();
    lane.has_turn = false;
    if (!CanStart(lane)) continue;
    Key& key = *lane.ready.PopFirst();
    --lane.waiting;
    key.place = Key::Place::kNowhere;
    Start(key);
    Activate(lane);
  }
}

void Deliverer::Start(Key& key) {
  key.running = std::exchange(key.waiting, absl::nullopt);
  Work& work = *key.running;
  if (work.attempts.count++ == 0) work.attempts.first_at = clock_.Now();
  Lane& lane = *key.lane;  // where it waited
  ++lane.running;
  const uint64_t call = next_call_++;
  calls_[call] = {&key, &lane, key.partition, clock_.MonotonicNow()};
  // What a complete ledger does not hold was never set.
  const LedgerEntry* const known = ledger_.Find(key.id);
  const bool known_different = known != nullptr
                                   ? !known->InDoubt()
                                   : ledger_.Complete(key.partition.partition);
  port_.Call(call, work, known_different);
}

void Deliverer::Tick() {
  const absl::Duration now = clock_.MonotonicNow();
  while (!closed_.empty() && closed_.begin()->first <= now) {
    Lane& lane = *closed_.begin()->second;
    closed_.erase(closed_.begin());
    Activate(lane);
  }
  while (!later_.empty() && later_.begin()->first <= now) {
    Key& key = *later_.begin()->second;
    Unplace(key);
    Place(key);
  }
  Pump();
}

absl::Duration Deliverer::NextDue() const {
  absl::Duration due = absl::InfiniteDuration();
  if (!closed_.empty()) due = std::min(due, closed_.begin()->first);
  if (!later_.empty()) due = std::min(due, later_.begin()->first);
  return due;
}

void Deliverer::Forget(const TopicPartition& partition) {
  inherited_.erase(partition);
  for (auto it = keys_.begin(); it != keys_.end();) {
    Key& key = it->second;
    if (!(key.partition == partition)) {
      ++it;
      continue;
    }
    Unplace(key);
    if (key.waiting.has_value()) Drop(*key.waiting);
    key.waiting.reset();
    if (key.running.has_value()) {
      key.running->forgotten = true;
      ++it;
    } else {
      keys_.erase(it++);
    }
  }
}

size_t Deliverer::Running(const TopicPartition& partition) const {
  return std::count_if(calls_.begin(), calls_.end(), [&](const auto& entry) {
    return entry.second.partition == partition;
  });
}

void Deliverer::Drop(const Work& work) {
  --held_;
  held_bytes_ -= work.bytes;
}

void Deliverer::Settle(Key& key) {
  if (key.waiting.has_value() || key.running.has_value()) return;
  const LedgerKey id = key.id;  // the key dies with its entry
  keys_.erase(id);
}

uint32_t Deliverer::NowSeconds() const {
  return static_cast<uint32_t>(
      std::max<int64_t>(absl::ToUnixSeconds(clock_.Now()), 0));
}

}  // namespace lamplighter::dispatcher
