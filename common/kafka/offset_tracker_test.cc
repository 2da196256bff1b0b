#include "common/kafka/offset_tracker.h"

#include <cstdint>

#include "absl/types/optional.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

TEST(OffsetTrackerTest, HasNothingToCommitBeforeTheFirstRecord) {
  EXPECT_EQ(OffsetTracker().Committable(), absl::nullopt);
}

TEST(OffsetTrackerTest, StaysAtTheFirstRecordThatIsNotDone) {
  OffsetTracker tracker;
  for (int64_t offset = 5; offset < 9; ++offset) tracker.Add(offset);
  EXPECT_EQ(tracker.Committable(), 5);
  tracker.MarkDone(6);
  tracker.MarkDone(8);
  EXPECT_EQ(tracker.Committable(), 5);
  tracker.MarkDone(5);
  EXPECT_EQ(tracker.Committable(), 7);
  tracker.MarkDone(7);
  EXPECT_EQ(tracker.Committable(), 9);
  EXPECT_EQ(tracker.size(), 0);
}

TEST(OffsetTrackerTest, StepsOverGaps) {
  OffsetTracker tracker;
  for (const int64_t offset : {10, 12, 13, 40, 41}) tracker.Add(offset);
  tracker.MarkDone(40);
  tracker.MarkDone(10);
  EXPECT_EQ(tracker.Committable(), 12);
  tracker.MarkDone(13);
  tracker.MarkDone(12);
  EXPECT_EQ(tracker.Committable(), 41);
}

TEST(OffsetTrackerTest, IgnoresOffsetsThatWereNotHandedOut) {
  OffsetTracker tracker;
  tracker.MarkDone(3);
  for (const int64_t offset : {10, 12, 14}) tracker.Add(offset);
  for (const int64_t offset : {0, 9, 11, 13, 15, 1000}) {
    tracker.MarkDone(offset);
  }
  EXPECT_EQ(tracker.Committable(), 10);
  EXPECT_EQ(tracker.size(), 3);
}

TEST(OffsetTrackerTest, MarkingTwiceChangesNothing) {
  OffsetTracker tracker;
  tracker.Add(1);
  tracker.Add(2);
  tracker.MarkDone(1);
  tracker.MarkDone(1);
  EXPECT_EQ(tracker.Committable(), 2);
  EXPECT_EQ(tracker.size(), 1);
}

TEST(OffsetTrackerTest, GoesOnAfterEverythingWasDone) {
  OffsetTracker tracker;
  tracker.Add(1);
  tracker.MarkDone(1);
  tracker.Add(7);
  EXPECT_EQ(tracker.Committable(), 7);
}

}  // namespace
}  // namespace lamplighter
