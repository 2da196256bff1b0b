#pragma once

#include <cstdint>
#include <deque>

#include "absl/types/optional.h"

namespace lamplighter {

// Which records of one partition are done, and so up to where its offset may be
// committed. Not thread-safe.
class OffsetTracker {
 public:
  // The record at `offset` was handed out. Offsets rise; they may leave gaps,
  // as compaction and transactions do.
  void Add(int64_t offset);

  // The record at `offset` is done. Ignored if it was not handed out or is done
  // already.
  void MarkDone(int64_t offset);

  // The offset to commit, which is that of the next record to read: the first
  // one not done or, where all are, the one after the last. None before the
  // first Add().
  absl::optional<int64_t> Committable() const;

  // Records handed out from the first that is not done on.
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    int64_t offset;
    bool done;
  };

  // From the first that is not done on, by rising offset.
  std::deque<Entry> entries_;
  absl::optional<int64_t> next_;  // after the last handed out
};

}  // namespace lamplighter
