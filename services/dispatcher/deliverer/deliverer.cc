#include "services/dispatcher/deliverer/deliverer.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "common/grpc/retry_info.h"
#include "common/log/log.h"
#include "common/time/proto_time.h"
#include "services/dispatcher/deliverer/delivery_state.h"

namespace lamplighter::dispatcher {
namespace {

// Codes that tell of the credential, not of the call.
bool IsRefused(const absl::Status& error) {
  return absl::IsUnauthenticated(error) || absl::IsPermissionDenied(error);
}

// Codes that any call of the same lane would meet as well.
bool ConcernsLane(const absl::Status& error) {
  return absl::IsUnavailable(error) || absl::IsResourceExhausted(error) ||
         absl::IsDeadlineExceeded(error) || absl::IsAborted(error) ||
         absl::IsCancelled(error) || IsRefused(error);
}

// Codes that only a bug explains.
bool IsBug(const absl::Status& error) {
  return absl::IsInternal(error) || absl::IsUnknown(error) ||
         absl::IsDataLoss(error);
}

std::string KeyOf(const v1::StatusIntent& intent) {
  return absl::StrCat(intent.repository_id(), "\n", intent.sha(), "\n",
                      intent.context());
}

}  // namespace

Deliverer::Deliverer(const Options& options, const Clock& clock,
                     absl::BitGenRef random, DeliveryPort& port)
    : options_(options), clock_(clock), random_(random), port_(port) {}

Deliverer::~Deliverer() = default;

void Deliverer::Submit(ReceivedIntent received) {
  Work work;
  static_cast<ReceivedIntent&>(work) = std::move(received);
  work.event_time = FromProto(work.intent.event_time());
  work.submitted = clock_.MonotonicNow();
  ++held_;

  Key& key = FindOrMakeKey(work.intent);
  key.partition = {work.origin.topic, work.origin.partition};
  absl::Time newest = absl::InfinitePast();
  if (key.shown.has_value()) newest = key.shown->event_time;
  if (key.running.has_value()) newest = key.running->event_time;
  if (key.waiting.has_value()) newest = key.waiting->event_time;
  if (work.event_time < newest) {
    Finish(std::move(work), v1::StatusOutcome::SUPERSEDED,
           "a newer one came before it");
    Settle(key);
    return;
  }
  if (key.waiting.has_value()) {
    Unplace(key);
    work.retry_at = key.waiting->retry_at;
    work.failures = key.waiting->failures;
    Finish(*std::move(key.waiting), v1::StatusOutcome::SUPERSEDED,
           "a newer one came while it waited");
  }
  key.waiting = std::move(work);
  if (!key.running.has_value()) Place(key);
  Pump();
}

Deliverer::Key& Deliverer::FindOrMakeKey(const v1::StatusIntent& intent) {
  std::string name = KeyOf(intent);
  Key& key = keys_[name];
  if (key.name.empty()) key.name = std::move(name);
  if (key.idle) {
    idle_.erase(key.idle_position);
    key.idle = false;
  }
  return key;
}

Deliverer::Lane& Deliverer::FindOrMakeLane(const v1::ProviderRef& provider) {
  return lanes_[absl::StrCat(provider.namespace_(), "/", provider.name())];
}

void Deliverer::Place(Key& key) {
  if (key.SameAsShown(key.waiting->intent)) {
    key.shown->event_time = key.waiting->event_time;
    Work work = *std::exchange(key.waiting, absl::nullopt);
    Finish(std::move(work), v1::StatusOutcome::UNCHANGED);
    Settle(key);
    return;
  }
  const Work& work = *key.waiting;
  absl::Duration due = work.retry_at;
  const bool only_message = key.shown.has_value() && key.shown->certain &&
                            key.shown->state == v1::FAILURE &&
                            work.intent.state() == v1::FAILURE;
  if (only_message) {
    due = std::max(due, key.shown->written + options_.message_interval);
  }
  if (due > clock_.MonotonicNow()) {
    key.place = Key::Place::kLater;
    key.due = due;
    later_.emplace(due, &key);
    return;
  }
  Lane& lane = FindOrMakeLane(work.intent.provider());
  key.place = Key::Place::kInLane;
  key.lane = &lane;
  lane.ready.push_back(&key);
  Activate(lane);
}

void Deliverer::Unplace(Key& key) {
  if (key.place == Key::Place::kLater) later_.erase({key.due, &key});
  if (key.place == Key::Place::kInLane) {
    std::deque<Key*>& ready = key.lane->ready;
    ready.erase(std::find(ready.begin(), ready.end(), &key));
  }
  key.place = Key::Place::kNowhere;
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
    Key& key = *lane.ready.front();
    lane.ready.pop_front();
    key.place = Key::Place::kNowhere;
    Start(key);
    Activate(lane);
  }
}

void Deliverer::Start(Key& key) {
  key.running = std::exchange(key.waiting, absl::nullopt);
  Work& work = *key.running;
  if (work.attempts.count++ == 0) work.attempts.first_at = clock_.Now();
  Lane& lane = FindOrMakeLane(work.intent.provider());
  ++lane.running;
  const uint64_t call = next_call_++;
  calls_[call] = {&key, &lane, key.partition, clock_.MonotonicNow()};
  port_.Call(call, work, key.shown.has_value() && key.shown->certain);
}

void Deliverer::OnAnswer(
    uint64_t call, const absl::StatusOr<v1::SetCommitStatusResponse>& answer) {
  const auto it = calls_.find(call);
  LAMPLIGHTER_CHECK(it != calls_.end(), "an answer to no call");
  const CallState state = it->second;
  calls_.erase(it);
  --state.lane->running;
  if (answer.ok()) state.lane->failures = 0;
  Key& key = *state.key;
  Work work = *std::exchange(key.running, absl::nullopt);
  if (answer.ok()) {
    OnSuccess(key, std::move(work), *answer);
  } else {
    OnFailure(key, std::move(work), state, answer.status());
  }
  Activate(*state.lane);
  Pump();
}

void Deliverer::OnSuccess(Key& key, Work work,
                          const v1::SetCommitStatusResponse& answer) {
  key.shown = {.state = work.intent.state(),
               .description = work.intent.description(),
               .target_url = work.intent.target_url(),
               .event_time = work.event_time,
               .written = answer.written() ? clock_.MonotonicNow()
                                           : -absl::InfiniteDuration()};
  Finish(std::move(work), answer.written() ? v1::StatusOutcome::SET
                                           : v1::StatusOutcome::UNCHANGED);
  Continue(key);
}

void Deliverer::Continue(Key& key) {
  if (key.waiting.has_value()) {
    Place(key);
  } else {
    Settle(key);
  }
}

void Deliverer::OnFailure(Key& key, Work work, const CallState& call,
                          const absl::Status& error) {
  if (key.shown.has_value()) key.shown->certain = false;
  ++work.failures;
  if (ConcernsLane(error)) {
    CloseLane(*call.lane, call.started, error);
  } else {
    call.lane->failures = 0;  // the forge did answer
  }
  if (work.forgotten) {
    --held_;
    Continue(key);
    return;
  }
  if (key.waiting.has_value()) {
    key.waiting->failures = ConcernsLane(error) ? work.failures : 0;
    Finish(std::move(work), v1::StatusOutcome::SUPERSEDED,
           "a newer one came while it failed");
    Place(key);
    return;
  }
  if (!ShouldRetry(work, error)) {
    GiveUp(std::move(work), v1::DeadLetter::REJECTED, error);
    Settle(key);
    return;
  }
  if (clock_.MonotonicNow() - work.submitted >= options_.give_up_after) {
    GiveUp(std::move(work), v1::DeadLetter::EXPIRED, error);
    Settle(key);
    return;
  }
  absl::Duration delay = absl::IsNotFound(error)
                             ? options_.not_found_interval
                             : options_.backoff.After(work.failures, random_);
  delay = std::max(delay, RetryAfter(error).value_or(absl::ZeroDuration()));
  Retry(key, std::move(work), delay);
}

bool Deliverer::ShouldRetry(const Work& work, const absl::Status& error) const {
  if (ConcernsLane(error)) return true;
  if (absl::IsNotFound(error)) return work.failures < options_.not_found_tries;
  return IsBug(error) && work.failures < options_.internal_tries;
}

void Deliverer::Retry(Key& key, Work work, absl::Duration delay) {
  work.retry_at = clock_.MonotonicNow() + delay;
  key.waiting = std::move(work);
  Place(key);
}

void Deliverer::CloseLane(Lane& lane, absl::Duration started,
                          const absl::Status& error) {
  const absl::Duration now = clock_.MonotonicNow();
  absl::Duration opens = lane.opens;
  // Calls that failed together count as one failure.
  if (started > lane.last_failure) {
    ++lane.failures;
    const Backoff& backoff =
        IsRefused(error) ? options_.refused_backoff : options_.backoff;
    opens = std::max(opens, now + backoff.After(lane.failures, random_));
  }
  lane.last_failure = now;
  opens =
      std::max(opens, now + RetryAfter(error).value_or(absl::ZeroDuration()));
  if (opens == lane.opens) return;
  closed_.erase({lane.opens, &lane});
  lane.opens = opens;
  closed_.emplace(opens, &lane);
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
  for (auto it = keys_.begin(); it != keys_.end();) {
    Key& key = it->second;
    if (!(key.partition == partition)) {
      ++it;
      continue;
    }
    Unplace(key);
    if (key.waiting.has_value()) --held_;
    key.waiting.reset();
    key.shown.reset();
    if (key.running.has_value()) {
      key.running->forgotten = true;
      ++it;
      continue;
    }
    if (key.idle) idle_.erase(key.idle_position);
    keys_.erase(it++);
  }
}

size_t Deliverer::Running(const TopicPartition& partition) const {
  return std::count_if(calls_.begin(), calls_.end(), [&](const auto& entry) {
    return entry.second.partition == partition;
  });
}

void Deliverer::Finish(Work work, v1::StatusOutcome::Result result,
                       const std::string& detail) {
  --held_;
  const Attempts attempts = work.attempts;
  port_.Finish(
      MakeFinished(std::move(work), attempts, result, detail, clock_.Now()));
}

void Deliverer::GiveUp(Work work, v1::DeadLetter::Reason reason,
                       const absl::Status& error) {
  --held_;
  const Attempts attempts = work.attempts;
  port_.Finish(
      MakeGivenUp(std::move(work), attempts, reason, error, clock_.Now()));
}

void Deliverer::Settle(Key& key) {
  if (key.waiting.has_value() || key.running.has_value()) return;
  if (!key.shown.has_value()) {
    keys_.erase(std::string(key.name));  // the key dies with its entry
    return;
  }
  key.idle = true;
  key.idle_position = idle_.insert(idle_.end(), &key);
  if (idle_.size() > options_.max_remembered) {
    Key& oldest = *idle_.front();
    idle_.pop_front();
    keys_.erase(std::string(oldest.name));
  }
}

}  // namespace lamplighter::dispatcher
