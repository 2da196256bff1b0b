#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "common/kafka/consumer.h"
#include "common/kafka/record.h"

namespace lamplighter {

// What a partition holds: the offsets from `first` to before `end`. The record
// before `end` is there; among those before it compaction leaves gaps.
struct PartitionOffsets {
  int32_t partition = 0;
  int64_t first = 0;
  int64_t end = 0;

  friend bool operator==(const PartitionOffsets&,
                         const PartitionOffsets&) = default;
};

// Reads one topic from wherever it is told to: outside any consumer group, and
// nothing is committed. Lives on the process's loop. One call at a time; the
// reader must outlive it. The destructor does not wait for the brokers.
//
// All calls that ask the brokers fail with
//   Unavailable        they did not answer within `limit`;
//   InvalidArgument    there is no such topic or partition;
//   PermissionDenied   the account may not read it.
class TopicReader {
 public:
  virtual ~TopicReader() = default;

  // What each partition of the topic holds now, in the order of their numbers.
  virtual boost::asio::awaitable<absl::StatusOr<std::vector<PartitionOffsets>>>
  Offsets(absl::Duration limit) = 0;

  // The same, but `first` is the first record that was written at `since` or
  // later; `end` where there is none.
  virtual boost::asio::awaitable<absl::StatusOr<std::vector<PartitionOffsets>>>
  OffsetsSince(absl::Time since, absl::Duration limit) = 0;

  // From now on reads the partitions named, from the offsets named, and no
  // others. InvalidArgument for a position on another topic, or a partition
  // named twice.
  virtual absl::Status Assign(std::vector<RecordPosition> from) = 0;

  // The next records of the partitions assigned, in order within a partition;
  // bounded in number and bytes. None if none came within `limit`; at once if
  // no partition is assigned.
  //   OutOfRange   a partition does not hold the offset that is to be read;
  //                the message names it. Assign() again.
  virtual boost::asio::awaitable<absl::StatusOr<std::vector<ConsumedRecord>>>
  Next(absl::Duration limit) = 0;
};

}  // namespace lamplighter
