#pragma once

#include <vector>

#include "absl/status/status.h"
#include "boost/asio/awaitable.hpp"
#include "common/kafka/record.h"

namespace lamplighter {

// A record and where it came from.
struct ConsumedRecord {
  Record record;
  RecordPosition position;
  // It lay there already when a consumer was assigned the partition: the one
  // before it may have begun with it.
  bool inherited = false;
};

// Reads topics as one member of a consumer group: at least once, in order per
// partition. Lives on the process's loop: call it and be called back there
// only.
//
// Every record handed out must be reported with MarkDone() once its work is
// finished, in any order. Offsets are committed only up to the first record
// that is not done, so a crash repeats unfinished work and loses none.
class Consumer {
 public:
  // Told what to do. All calls come on the loop.
  class Handler {
   public:
    virtual ~Handler() = default;

    // The next record of an assigned partition. Must not block.
    virtual void OnRecord(ConsumedRecord record) = 0;

    // These partitions are ours from now on.
    virtual void OnAssigned(const std::vector<TopicPartition>& partitions) = 0;

    // These partitions are to be given up: no record of them follows. Finish
    // or forget their work and return soon; MarkDone() for them counts until
    // then, and is ignored afterwards.
    virtual boost::asio::awaitable<void> OnRevoked(
        std::vector<TopicPartition> partitions) = 0;
  };

  virtual ~Consumer() = default;

  // Joins the group. `handler` must outlive the consumer. Call once.
  virtual absl::Status Start(Handler& handler) = 0;

  // The work for the record at `position` is finished, or needs no more.
  virtual void MarkDone(const RecordPosition& position) = 0;

  // Stops and goes on handing out records: backpressure. A few records that
  // were under way may still come after Pause().
  virtual void Pause() = 0;
  virtual void Resume() = 0;

  // Leaves the group: revokes every partition, commits, closes. Takes no longer
  // than the configured close timeout.
  virtual boost::asio::awaitable<void> Stop() = 0;

  // OK once the group has assigned partitions (which may be none); otherwise
  // Unavailable, and why.
  virtual absl::Status Ready() const = 0;
};

}  // namespace lamplighter
