#include <algorithm>
#include <string>
#include <utility>

#include "absl/random/distributions.h"
#include "absl/status/status.h"
#include "common/grpc/retry_info.h"
#include "common/log/log.h"
#include "services/dispatcher/deliverer/deliverer.h"
#include "services/dispatcher/deliverer/delivery_state.h"

// What becomes of calls, and of what is not called for.

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

}  // namespace

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
  const LedgerEntry* const known = ledger_.Find(key.id);
  if (known != nullptr && work.version < known->version) {
    // Another process had the partition meanwhile, and we wrote over it.
    ledger_.Doubt(key.id, key.partition.partition);
  } else {
    const uint32_t now = NowSeconds();
    ledger_.Put(key.id, key.partition.partition,
                {.version = work.version,
                 .content = ContentOf(work.intent),
                 .written = answer.written() ? now : 0,
                 .recorded = now,
                 .state = work.intent.state()});
  }
  work.remember = work.version;
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
  ledger_.Doubt(key.id, key.partition.partition);
  ++work.failures;
  if (ConcernsLane(error)) {
    CloseLane(*call.lane, call.started, error);
  } else {
    call.lane->failures = 0;  // the forge did answer
    ++work.own_failures;
  }
  if (work.forgotten) {
    Drop(work);
    Continue(key);
    return;
  }
  if (key.waiting.has_value()) {
    key.waiting->failures = ConcernsLane(error) ? work.failures : 0;
    Supersede(key, std::move(work), "a newer one came while it failed");
    Place(key);
    return;
  }
  if (IsStandIn(work.intent) && absl::IsAlreadyExists(error)) {
    Supersede(key, std::move(work), "the commit shows a status of it");
    Settle(key);
    return;
  }
  const absl::Duration now = clock_.MonotonicNow();
  if (!ShouldRetry(work, error) || now >= work.expires) {
    const auto reason = ShouldRetry(work, error) ? v1::DeadLetter::EXPIRED
                                                 : v1::DeadLetter::REJECTED;
    GiveUp(key, std::move(work), reason, error);
    Settle(key);
    return;
  }
  absl::Duration delay = absl::IsNotFound(error)
                             ? options_.not_found_interval
                             : options_.backoff.After(work.failures, random_);
  delay = std::max(delay, RetryAfter(error).value_or(absl::ZeroDuration()));
  work.retry_at = now + delay;
  key.waiting = std::move(work);
  Place(key);
}

bool Deliverer::ShouldRetry(const Work& work, const absl::Status& error) const {
  if (ConcernsLane(error)) return true;
  if (absl::IsNotFound(error)) {
    return work.own_failures < options_.not_found_tries;
  }
  return IsBug(error) && work.own_failures < options_.internal_tries;
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
  lane.error = error;
  opens =
      std::max(opens, now + RetryAfter(error).value_or(absl::ZeroDuration()));
  if (opens != lane.opens) {
    closed_.erase({lane.opens, &lane});
    lane.opens = opens;
    closed_.emplace(opens, &lane);
  }
  Relieve(lane);
}

void Deliverer::Relieve(Lane& lane) {
  const absl::Duration now = clock_.MonotonicNow();
  const absl::Duration wait = lane.opens - now;
  for (Key* const key : lane.ready.Items()) {
    const bool expired = now >= key->waiting->expires;
    const bool park = wait > options_.park_after ||
                      (Crowded() && lane.waiting + lane.running > 1);
    if (!expired && !park) continue;
    Unplace(*key);
    Work work = *std::exchange(key->waiting, absl::nullopt);
    if (expired) {
      GiveUp(*key, std::move(work), v1::DeadLetter::EXPIRED, lane.error);
    } else {
      Park(*key, std::move(work), wait);
    }
    Settle(*key);
  }
}

void Deliverer::FinishUnchanged(Key& key, const LedgerEntry& known) {
  Work work = *std::exchange(key.waiting, absl::nullopt);
  // What is older must stay older after a restart, too; and a roll-up may have
  // more parts that say the same.
  if (known.version < work.version || work.intent.has_roll_up()) {
    work.remember = work.version;
    LedgerEntry entry = known;
    entry.version = work.version;
    entry.recorded = NowSeconds();
    ledger_.Put(key.id, key.partition.partition, entry);
  }
  Finish(std::move(work), v1::StatusOutcome::UNCHANGED);
}

void Deliverer::Supersede(Key& key, Work work, const std::string& why) {
  RecordTries(key, work);
  Finish(std::move(work), v1::StatusOutcome::SUPERSEDED, why);
}

void Deliverer::GiveUp(Key& key, Work work, v1::DeadLetter::Reason reason,
                       const absl::Status& error) {
  RecordTries(key, work);
  Drop(work);
  const Attempts attempts = work.attempts;
  const absl::optional<Version> remember = work.remember;
  FinishedIntent finished =
      MakeGivenUp(std::move(work), attempts, reason, error, clock_.Now());
  finished.remember = remember;
  port_.Finish(std::move(finished));
}

void Deliverer::Park(Key& key, Work work, absl::Duration wait) {
  RecordTries(key, work);
  Drop(work);
  // What leaves for want of room alone comes back little by little.
  if (wait <= options_.park_after) {
    wait = absl::Uniform(random_, 0.5, 1.0) * options_.max_parked;
  }
  const absl::Time now = clock_.Now();
  absl::optional<v1::StatusOutcome> tried;
  if (work.remember.has_value()) {
    tried =
        MakeFinished(work, work.attempts, v1::StatusOutcome::RESULT_UNSPECIFIED,
                     "to be tried again", now)
            .outcome;
    SetVersion(*tried, *work.remember);
  }
  const Attempts attempts = work.attempts;
  const absl::Time taken_at = work.taken_at;
  ParkedIntent parked =
      MakeParked(std::move(work), attempts,
                 now + std::min(wait, options_.max_parked), taken_at);
  parked.tried = std::move(tried);
  port_.Park(std::move(parked));
}

void Deliverer::Finish(Work work, v1::StatusOutcome::Result result,
                       const std::string& detail) {
  Drop(work);
  const Attempts attempts = work.attempts;
  const absl::optional<Version> remember = work.remember;
  FinishedIntent finished =
      MakeFinished(std::move(work), attempts, result, detail, clock_.Now());
  finished.remember = remember;
  port_.Finish(std::move(finished));
}

void Deliverer::RecordTries(Key& key, Work& work) {
  const LedgerEntry* const known = ledger_.Find(key.id);
  Version version = work.version;
  if (known != nullptr) version = std::max(version, known->version);
  if (work.attempts.count > 0 || (known != nullptr && known->InDoubt())) {
    ledger_.Put(key.id, key.partition.partition,
                {.version = version, .recorded = NowSeconds()});
    work.remember = version;
  } else if (work.intent.has_roll_up()) {
    work.remember = version;
  }
}

}  // namespace lamplighter::dispatcher
