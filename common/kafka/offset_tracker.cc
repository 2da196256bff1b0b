#include "common/kafka/offset_tracker.h"

#include <algorithm>

namespace lamplighter {

void OffsetTracker::Add(int64_t offset) {
  entries_.push_back({offset, false});
  next_ = offset + 1;
}

void OffsetTracker::MarkDone(int64_t offset) {
  if (entries_.empty() || offset < entries_.front().offset) return;
  // Without gaps the entry is where its offset says; gaps move it forward.
  const auto end =
      entries_.begin() +
      std::min<int64_t>(offset - entries_.front().offset + 1, entries_.size());
  auto entry = end - 1;
  if (entry->offset != offset) {
    entry = std::lower_bound(
        entries_.begin(), end, offset,
        [](const Entry& e, int64_t wanted) { return e.offset < wanted; });
    if (entry == end || entry->offset != offset) return;
  }
  entry->done = true;
  while (!entries_.empty() && entries_.front().done) entries_.pop_front();
}

absl::optional<int64_t> OffsetTracker::Committable() const {
  return entries_.empty() ? next_ : entries_.front().offset;
}

}  // namespace lamplighter
