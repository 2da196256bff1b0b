#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "boost/asio/awaitable.hpp"
#include "common/kafka/consumer.h"
#include "common/kafka/record.h"
#include "common/kafka/topic_reader.h"
#include "proto/lamplighter/v1/statuses.pb.h"
#include "services/dispatcher/status_service/dead_letter_filter.h"
#include "services/dispatcher/status_service/open_reader.h"

namespace lamplighter::dispatcher {

// A dead letter, and the record that it is.
struct FoundDeadLetter {
  DeadLetterId id;
  v1::DeadLetter letter;
  Record record;
};

// Goes through the dead letters that lie on their topic when it begins, one
// partition after the other, oldest first, past those that are marked as dealt
// with. On the loop only; one call at a time.
class DeadLetterScan {
 public:
  // Reads the marks, and goes to the first that can match `filter`, at `from`
  // or later. NotFound for an id that the topic does not hold, otherwise the
  // errors of TopicReader. The scan keeps a copy of `open_reader`'s readers
  // only.
  static boost::asio::awaitable<absl::StatusOr<std::unique_ptr<DeadLetterScan>>>
  Begin(OpenReader open_reader, DeadLetterFilter filter, DeadLetterId from);

  // The next that matches; none at the end, or after `max_looked_at` letters
  // since the call, so that whoever asks for a page is answered in time.
  boost::asio::awaitable<absl::StatusOr<absl::optional<FoundDeadLetter>>> Next(
      int64_t max_looked_at);

  // Where it would go on; none at the end.
  absl::optional<DeadLetterId> Position() const;

 private:
  struct Range {
    int32_t partition;
    int64_t next;
    int64_t end;
  };
  using Marks = absl::flat_hash_set<std::pair<int32_t, int64_t>>;

  DeadLetterScan(std::unique_ptr<TopicReader> reader, DeadLetterFilter filter)
      : reader_(std::move(reader)), filter_(std::move(filter)) {}

  static boost::asio::awaitable<absl::StatusOr<Marks>> ReadMarks(
      OpenReader open_reader);
  // Fills ranges_.
  absl::Status ChooseRanges(const std::vector<PartitionOffsets>& offsets,
                            const DeadLetterId& from);
  boost::asio::awaitable<absl::Status> Fill();
  absl::optional<FoundDeadLetter> Read(ConsumedRecord consumed) const;

  const std::unique_ptr<TopicReader> reader_;
  const DeadLetterFilter filter_;
  Marks marks_;
  std::deque<Range> ranges_;         // to be read; the first is being read
  bool assigned_ = false;            // the first range is
  std::deque<ConsumedRecord> read_;  // of the first range and beyond
};

}  // namespace lamplighter::dispatcher
