#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/io_context.hpp"
#include "common/async/sleeper.h"
#include "common/async/task_group.h"
#include "common/kafka/consumer.h"
#include "common/kafka/topic_reader.h"
#include "common/time/clock.h"
#include "proto/lamplighter/v1/statuses.pb.h"
#include "services/dispatcher/due_timer.h"
#include "services/dispatcher/ledger/ledger.h"

namespace lamplighter::dispatcher {

// Reads partitions of the ledger's topic into the ledger, each to its end, as
// long as that takes: what fails is tried again. Afterwards, and then every
// hour, sees to it that what is too old is forgotten. On the loop only.
class LedgerRestorer {
 public:
  // Told of each record that is not a tombstone.
  using OnOutcome = std::function<void(int32_t partition, const LedgerKey& key,
                                       const v1::StatusOutcome& outcome)>;
  // Told that all of a partition is in the ledger.
  using OnRestored = std::function<void(int32_t partition)>;

  // Told of what is too old to be remembered: `name` is to be forgotten on the
  // topic, as it is in the ledger.
  using OnExpired =
      std::function<void(int32_t partition, const std::string& name)>;
  struct Options {
    absl::Duration remember_for = absl::Hours(30 * 24);
    absl::Duration expire_every = absl::Hours(1);
    // Looked at then, of a partition; the rest has its turn soon.
    int64_t max_looked_at = 10'000;
    absl::Duration soon = absl::Minutes(1);
  };
  struct Listeners {
    OnOutcome on_outcome;
    OnRestored on_restored;
    OnExpired on_expired;
  };

  // `reader` reads the ledger's topic, for this alone. All that is given must
  // outlive the restorer.
  LedgerRestorer(const Options& options, boost::asio::io_context& loop,
                 TopicReader& reader, Ledger& ledger, Sleeper& sleeper,
                 const Clock& clock, Listeners listeners);

  // Begins with `partition`, whatever the ledger held of it.
  void Restore(int32_t partition);

  // Forgets `partition`, here and in the ledger.
  void Forget(int32_t partition);

  // Unavailable, and why, while a partition is not restored.
  absl::Status Ready() const;

  // Ends what is under way. To be awaited before the destruction.
  boost::asio::awaitable<void> Stop();

 private:
  // Which call of Restore() a partition is read for.
  using Round = absl::flat_hash_map<int32_t, uint64_t>;
  // Offsets by partition.
  using Offsets = absl::flat_hash_map<int32_t, int64_t>;
  // Told of a record, and whether it is the last of its partition to be read;
  // false: no more of that partition.
  using Visit = std::function<bool(const ConsumedRecord& record, bool is_last)>;

  void Begin();
  boost::asio::awaitable<void> Run();
  // Reads what is assigned, each partition to before its end.
  boost::asio::awaitable<absl::Status> ReadTo(Offsets ends, Visit visit);

  boost::asio::awaitable<absl::Status> RestoreRound();
  // Begins with those of `round`; where each ends. Those without records are
  // done at once.
  absl::StatusOr<Offsets> BeginRestore(
      const Round& round, const std::vector<PartitionOffsets>& offsets);
  void Apply(const ConsumedRecord& record);
  void Done(int32_t partition, int64_t first);

  boost::asio::awaitable<absl::Status> ExpireRound();
  // False if the record is too young, and so are those after it.
  bool Expire(const ConsumedRecord& record);
  void ExpireIn(absl::Duration wait);
  uint32_t Oldest() const;

  const Options options_;
  TopicReader& reader_;
  Ledger& ledger_;
  Sleeper& sleeper_;
  const Clock& clock_;
  const Listeners listeners_;
  absl::BitGen random_;
  Round wanted_;
  uint64_t generation_ = 0;
  bool running_ = false;
  absl::Status error_;  // of the last round
  // Of each partition that is restored, what has not been found to be old yet:
  // records lie in the order of their age.
  Offsets young_;
  bool expire_ = false;        // is due
  v1::StatusOutcome outcome_;  // used again, so that its texts keep their room
  DueTimer timer_;             // of the next time that something expires
  TaskGroup tasks_;            // last: its task uses what is above
};

}  // namespace lamplighter::dispatcher
