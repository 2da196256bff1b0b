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
#include "services/dispatcher/ledger/ledger.h"

namespace lamplighter::dispatcher {

// Reads partitions of the ledger's topic into the ledger, each to its end, as
// long as that takes: what fails is tried again. On the loop only.
class LedgerRestorer {
 public:
  // Told of each record that is not a tombstone.
  using OnOutcome = std::function<void(int32_t partition, const LedgerKey& key,
                                       const v1::StatusOutcome& outcome)>;
  // Told that all of a partition is in the ledger.
  using OnRestored = std::function<void(int32_t partition)>;

  // Told, before that, of what is too old to be remembered: `name` is to be
  // forgotten on the topic, as it is in the ledger.
  using OnExpired =
      std::function<void(int32_t partition, const std::string& name)>;
  struct Options {
    absl::Duration remember_for = absl::Hours(30 * 24);
    // Expired at once, of a partition; the rest is for the next time.
    size_t max_expired = 10'000;
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

  boost::asio::awaitable<void> Run();
  boost::asio::awaitable<absl::Status> ReadRound();
  // Begins with those of `round`; where each ends. Those without records are
  // done at once.
  absl::StatusOr<absl::flat_hash_map<int32_t, int64_t>> Begin(
      const Round& round, const std::vector<PartitionOffsets>& offsets);
  void Apply(const ConsumedRecord& record);
  void Done(int32_t partition);
  void Expire(int32_t partition);
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
  // Names of records that are old, by partition; a newer one may follow.
  absl::flat_hash_map<int32_t, std::vector<std::string>> old_;
  v1::StatusOutcome outcome_;  // used again, so that its texts keep their room
  TaskGroup tasks_;            // last: its task uses what is above
};

}  // namespace lamplighter::dispatcher
