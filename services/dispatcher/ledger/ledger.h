#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <deque>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/time/time.h"
#include "proto/lamplighter/v1/statuses.pb.h"
#include "services/dispatcher/ledger/ledger_key.h"

namespace lamplighter::dispatcher {

// Whether `intent` only stands in for a result: a pending, until there is one,
// or the error in place of one that never came.
inline bool IsStandIn(const v1::StatusIntent& intent) {
  return intent.has_pending_until();
}

// What decides which of two intents for one key is the newer: the event time,
// then the place on status-intents.
struct Version {
  int64_t time = INT64_MIN;  // nanoseconds since 1970
  int64_t order = -1;

  friend auto operator<=>(const Version&, const Version&) = default;
};

// The version of an intent whose place on status-intents is `order`. What
// stands in is older than any result: the clocks of a forge and of a cluster
// may differ, and Flux's seconds are whole ones.
Version VersionOf(const v1::StatusIntent& intent, int64_t order);

// A number for description and target URL; good within this process.
uint64_t ContentOf(const v1::StatusIntent& intent);

// What is known of one key.
struct LedgerEntry {
  // Nothing older may be set.
  Version version;
  uint64_t content = 0;
  // Whole seconds since 1970: when we last wrote the status to the forge (0: it
  // was there, or nobody knows), and when the ledger's topic was last told.
  uint32_t written = 0;
  uint32_t recorded = 0;
  // What the forge shows; COMMIT_STATE_UNSPECIFIED while that is in doubt.
  v1::CommitState state = v1::COMMIT_STATE_UNSPECIFIED;
  // Read from the topic: a call of a former process may have come after it.
  bool restored = false;

  bool InDoubt() const { return state == v1::COMMIT_STATE_UNSPECIFIED; }
  // Whether the forge shows what `intent` asks for, for all that is known.
  bool Shows(const v1::StatusIntent& intent) const {
    return !InDoubt() && state == intent.state() &&
           content == ContentOf(intent);
  }
};

// The last outcome of each (repository id, sha, context), by partition of
// status-intents: in memory, 72 bytes each. Beyond its bound it forgets what
// was not asked for for longest.
class Ledger {
 public:
  explicit Ledger(size_t max_entries);
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  // From now on entries of `partition` are held. What was held of it before is
  // forgotten.
  void Open(int32_t partition);

  // Forgets `partition`.
  void Close(int32_t partition);

  // Whether nothing that was put for `partition` has been forgotten for want of
  // room: then what is not found was never put. False for one that is not open.
  bool Complete(int32_t partition) const;

  // Null if nothing is remembered. Find() counts as a use, Peek() does not. To
  // be changed by Put() alone; good until the next call that changes something.
  const LedgerEntry* Find(const LedgerKey& key);
  const LedgerEntry* Peek(const LedgerKey& key) const;

  // Remembers `entry`, in place of an earlier one. Without effect if the
  // partition is not open.
  void Put(const LedgerKey& key, int32_t partition, const LedgerEntry& entry);

  // The forge may show anything now: whatever the ledger held of the key, but
  // its version, is void.
  void Doubt(const LedgerKey& key, int32_t partition);

  void Erase(const LedgerKey& key);

  size_t size() const { return index_.size(); }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  struct Slot {
    LedgerKey key;
    LedgerEntry entry;
    int32_t partition;
    // In the order of use; of a free slot, `next` is the next free one.
    uint32_t previous;
    uint32_t next;
  };
  struct SlotHash {
    using is_transparent = void;
    size_t operator()(uint32_t slot) const {
      return (*this)((*slots)[slot].key);
    }
    size_t operator()(const LedgerKey& key) const {
      return absl::Hash<LedgerKey>()(key);
    }
    const std::deque<Slot>* slots;
  };
  struct SlotEqual {
    using is_transparent = void;
    bool operator()(uint32_t a, uint32_t b) const { return a == b; }
    bool operator()(uint32_t a, const LedgerKey& key) const {
      return (*slots)[a].key == key;
    }
    const std::deque<Slot>* slots;
  };

  uint32_t NewSlot();
  void Remove(uint32_t slot);
  void Link(uint32_t slot);  // as the one used last
  void Unlink(uint32_t slot);

  const size_t max_entries_;
  std::deque<Slot> slots_;
  absl::flat_hash_set<uint32_t, SlotHash, SlotEqual> index_;
  uint32_t oldest_ = kNone;
  uint32_t newest_ = kNone;
  uint32_t free_ = kNone;
  absl::flat_hash_map<int32_t, bool> complete_;  // by partition that is open
};

}  // namespace lamplighter::dispatcher
