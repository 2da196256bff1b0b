#include "services/dispatcher/ledger/ledger.h"

#include <algorithm>

#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"
#include "common/time/proto_time.h"

namespace lamplighter::dispatcher {

Version VersionOf(const v1::StatusIntent& intent, int64_t order) {
  if (IsStandIn(intent)) return {INT64_MIN, order};
  return {absl::ToUnixNanos(FromProto(intent.event_time())), order};
}

uint64_t ContentOf(const v1::StatusIntent& intent) {
  return absl::HashOf(absl::string_view(intent.description()),
                      absl::string_view(intent.target_url()));
}

Ledger::Ledger(size_t max_entries)
    : max_entries_(std::clamp<size_t>(max_entries, 1, kNone - 1)),
      index_(0, SlotHash{&slots_}, SlotEqual{&slots_}) {}

void Ledger::Open(int32_t partition) {
  Close(partition);
  complete_[partition] = true;
}

void Ledger::Close(int32_t partition) {
  if (complete_.erase(partition) == 0) return;
  for (uint32_t slot = oldest_; slot != kNone;) {
    const uint32_t next = slots_[slot].next;
    if (slots_[slot].partition == partition) Remove(slot);
    slot = next;
  }
}

bool Ledger::Complete(int32_t partition) const {
  const auto found = complete_.find(partition);
  return found != complete_.end() && found->second;
}

const LedgerEntry* Ledger::Find(const LedgerKey& key) {
  const auto found = index_.find(key);
  if (found == index_.end()) return nullptr;
  const uint32_t slot = *found;
  Unlink(slot);
  Link(slot);
  return &slots_[slot].entry;
}

const LedgerEntry* Ledger::Peek(const LedgerKey& key) const {
  const auto found = index_.find(key);
  return found == index_.end() ? nullptr : &slots_[*found].entry;
}

void Ledger::Put(const LedgerKey& key, int32_t partition,
                 const LedgerEntry& entry) {
  if (!complete_.contains(partition)) return;
  const auto found = index_.find(key);
  if (found != index_.end()) {
    Slot& slot = slots_[*found];
    slot.entry = entry;
    slot.partition = partition;
    Unlink(*found);
    Link(*found);
    return;
  }
  if (index_.size() >= max_entries_) {
    complete_[slots_[oldest_].partition] = false;
    Remove(oldest_);
  }
  const uint32_t slot = NewSlot();
  slots_[slot].key = key;
  slots_[slot].entry = entry;
  slots_[slot].partition = partition;
  Link(slot);
  index_.insert(slot);
}

void Ledger::Doubt(const LedgerKey& key, int32_t partition) {
  const LedgerEntry* const known = Peek(key);
  LedgerEntry doubtful;
  if (known != nullptr) {
    doubtful.version = known->version;
    doubtful.recorded = known->recorded;
  }
  Put(key, partition, doubtful);
}

void Ledger::Erase(const LedgerKey& key) {
  const auto found = index_.find(key);
  if (found != index_.end()) Remove(*found);
}

uint32_t Ledger::NewSlot() {
  if (free_ == kNone) {
    slots_.emplace_back();
    return static_cast<uint32_t>(slots_.size() - 1);
  }
  const uint32_t slot = free_;
  free_ = slots_[slot].next;
  return slot;
}

void Ledger::Remove(uint32_t slot) {
  index_.erase(index_.find(slots_[slot].key));
  Unlink(slot);
  slots_[slot].next = free_;
  free_ = slot;
}

void Ledger::Link(uint32_t slot) {
  slots_[slot].previous = newest_;
  slots_[slot].next = kNone;
  (newest_ == kNone ? oldest_ : slots_[newest_].next) = slot;
  newest_ = slot;
}

void Ledger::Unlink(uint32_t slot) {
  const uint32_t previous = slots_[slot].previous;
  const uint32_t next = slots_[slot].next;
  (previous == kNone ? oldest_ : slots_[previous].next) = next;
  (next == kNone ? newest_ : slots_[next].previous) = previous;
}

}  // namespace lamplighter::dispatcher
