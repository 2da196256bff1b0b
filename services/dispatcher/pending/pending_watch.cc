#include "services/dispatcher/pending/pending_watch.h"

#include <utility>

#include "common/time/proto_time.h"
#include "services/dispatcher/ledger/ledger.h"

namespace lamplighter::dispatcher {

void PendingWatch::Note(int32_t partition, const v1::StatusOutcome& outcome) {
  const v1::StatusIntent& intent = outcome.intent();
  const bool is_shown = outcome.result() == v1::StatusOutcome::SET ||
                        outcome.result() == v1::StatusOutcome::UNCHANGED;
  const bool is_pending = intent.state() == v1::PENDING;
  if (is_shown && is_pending && IsStandIn(intent)) {
    const LedgerKey key = MakeLedgerKey(LedgerName(intent));
    Watched& watched = watched_[key];
    Disarm(watched);
    watched.intent = intent;
    watched.partition = partition;
    if (open_.contains(partition)) {
      Arm(key, watched, FromProto(intent.pending_until()));
    }
    return;
  }
  // A result that is not shown leaves the pending where it is. An error in its
  // place that is not shown came too late.
  if (!is_shown && (is_pending || !IsStandIn(intent))) return;
  if (watched_.empty()) return;  // a key is a hash
  const auto found = watched_.find(MakeLedgerKey(LedgerName(intent)));
  if (found != watched_.end()) Remove(found);
}

void PendingWatch::Open(int32_t partition) {
  open_.insert(partition);
  for (auto& [key, watched] : watched_) {
    if (watched.partition != partition) continue;
    Disarm(watched);
    Arm(key, watched, FromProto(watched.intent.pending_until()));
  }
}

void PendingWatch::Forget(int32_t partition) {
  open_.erase(partition);
  for (auto it = watched_.begin(); it != watched_.end();) {
    const auto next = std::next(it);
    if (it->second.partition == partition) Remove(it);
    it = next;
  }
}

absl::Time PendingWatch::NextDue() const {
  return due_.empty() ? absl::InfiniteFuture() : due_.begin()->first;
}

std::vector<v1::StatusIntent> PendingWatch::TakeDue(absl::Time now,
                                                    size_t most) {
  std::vector<v1::StatusIntent> taken;
  while (!due_.empty() && due_.begin()->first <= now && taken.size() < most) {
    Watched& watched = watched_.find(due_.begin()->second)->second;
    Disarm(watched);
    taken.push_back(watched.intent);
  }
  return taken;
}

void PendingWatch::Again(const v1::StatusIntent& intent, absl::Time when) {
  const LedgerKey key = MakeLedgerKey(LedgerName(intent));
  const auto found = watched_.find(key);
  if (found == watched_.end() || !open_.contains(found->second.partition)) {
    return;
  }
  Disarm(found->second);
  Arm(key, found->second, when);
}

void PendingWatch::Arm(const LedgerKey& key, Watched& watched,
                       absl::Time when) {
  watched.due = due_.emplace(when, key);
}

void PendingWatch::Disarm(Watched& watched) {
  if (watched.due.has_value()) due_.erase(*watched.due);
  watched.due.reset();
}

void PendingWatch::Remove(Place place) {
  Disarm(place->second);
  watched_.erase(place);
}

}  // namespace lamplighter::dispatcher
