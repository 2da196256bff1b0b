#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/container/node_hash_map.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "proto/lamplighter/v1/statuses.pb.h"
#include "services/dispatcher/ledger/ledger_key.h"

namespace lamplighter::dispatcher {

// The pendings that commits show and that end as errors at their time: those
// whose `pending_until` is set. In memory; the ledger's topic keeps what it is
// made from. It holds every one that it is told of: whoever makes pendings
// bounds them by size(). On the loop only.
class PendingWatch {
 public:
  PendingWatch() = default;
  PendingWatch(const PendingWatch&) = delete;
  PendingWatch& operator=(const PendingWatch&) = delete;

  // What became of an intent of `partition`, now or long ago.
  void Note(int32_t partition, const v1::StatusOutcome& outcome);

  // All of the past of `partition` has been noted: from now on its pendings may
  // be due.
  void Open(int32_t partition);

  // Another process has the partition from now on.
  void Forget(int32_t partition);

  // When TakeDue() has something next; InfiniteFuture if never.
  absl::Time NextDue() const;

  // The intents of pendings whose time has come by `now`, at most so many, each
  // once: it is not due again until Again() says so.
  std::vector<v1::StatusIntent> TakeDue(absl::Time now, size_t most);

  // It could not be ended: once more at `when`. Without effect where it is no
  // longer pending.
  void Again(const v1::StatusIntent& intent, absl::Time when);

  size_t size() const { return watched_.size(); }

 private:
  using Due = std::multimap<absl::Time, LedgerKey>;
  struct Watched {
    v1::StatusIntent intent;
    int32_t partition = 0;
    absl::optional<Due::iterator> due;
  };
  using Place = absl::node_hash_map<LedgerKey, Watched>::iterator;

  void Arm(const LedgerKey& key, Watched& watched, absl::Time when);
  void Disarm(Watched& watched);
  void Remove(Place place);

  absl::node_hash_map<LedgerKey, Watched> watched_;
  Due due_;  // of partitions that are open
  absl::flat_hash_set<int32_t> open_;
};

}  // namespace lamplighter::dispatcher
