#include "common/kafka/assignment.h"

#include <cstdint>
#include <vector>

#include "common/kafka/record.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

RecordPosition At(int32_t partition, int64_t offset) {
  return {"events", partition, offset};
}

// Holds partitions 0 and 1 of `events`.
class AssignmentTest : public ::testing::Test {
 protected:
  AssignmentTest() { assignment_.Add({{"events", 0}, {"events", 1}}); }

  Assignment assignment_;
};

TEST_F(AssignmentTest, AcceptsRecordsOfItsPartitionsOnly) {
  EXPECT_TRUE(assignment_.Accept("events", 0, 7));
  EXPECT_FALSE(assignment_.Accept("events", 2, 7));
  EXPECT_FALSE(assignment_.Accept("others", 0, 7));
  EXPECT_THAT(assignment_.Uncommitted(), ElementsAre(At(0, 7)));
}

TEST_F(AssignmentTest, CommitsEachOffsetOnce) {
  assignment_.Accept("events", 0, 0);
  assignment_.Accept("events", 1, 5);
  assignment_.MarkDone(At(0, 0));
  EXPECT_THAT(assignment_.Uncommitted(),
              UnorderedElementsAre(At(0, 1), At(1, 5)));
  assignment_.SetCommitted(At(0, 1));
  assignment_.SetCommitted(At(1, 5));
  EXPECT_THAT(assignment_.Uncommitted(), IsEmpty());
  assignment_.MarkDone(At(1, 5));
  EXPECT_THAT(assignment_.Uncommitted(), ElementsAre(At(1, 6)));
}

TEST_F(AssignmentTest, FinishesWorkButTakesNoneWhileBeingRevoked) {
  assignment_.Accept("events", 0, 0);
  assignment_.BeginRevoke({{"events", 0}});
  EXPECT_FALSE(assignment_.Accept("events", 0, 1));
  EXPECT_TRUE(assignment_.Accept("events", 1, 0));
  assignment_.MarkDone(At(0, 0));
  assignment_.MarkDone(At(1, 0));
  EXPECT_THAT(assignment_.Uncommitted(),
              UnorderedElementsAre(At(0, 1), At(1, 1)));
}

TEST_F(AssignmentTest, KnowsWhatLayThereWhenThePartitionBecameOurs) {
  int asked = 0;
  int64_t end = 6;
  const auto is_inherited = [&](int32_t partition, int64_t offset) {
    return assignment_.IsInherited("events", partition, offset, [&] {
      ++asked;
      return end;
    });
  };
  EXPECT_TRUE(is_inherited(0, 4));
  end = 100;  // it grows
  EXPECT_TRUE(is_inherited(0, 5));
  EXPECT_FALSE(is_inherited(0, 6));
  EXPECT_EQ(asked, 1);
  EXPECT_TRUE(is_inherited(1, 6)) << "each has an end of its own";
  EXPECT_FALSE(is_inherited(2, 6)) << "it is another's";
  assignment_.Remove({{"events", 0}});
  assignment_.Add({{"events", 0}});
  EXPECT_TRUE(is_inherited(0, 6)) << "somebody else had it";
}

TEST_F(AssignmentTest, ForgetsWhatWasTakenAway) {
  assignment_.Accept("events", 0, 0);
  assignment_.Remove({{"events", 0}});
  assignment_.MarkDone(At(0, 0));
  assignment_.SetCommitted(At(0, 1));
  EXPECT_THAT(assignment_.Uncommitted(), IsEmpty());
  EXPECT_THAT(assignment_.Partitions(),
              ElementsAre(TopicPartition{"events", 1}));
}

TEST_F(AssignmentTest, LateWorkOfAnEarlierHoldDoesNotSkipNewRecords) {
  assignment_.Accept("events", 0, 3);
  assignment_.Remove({{"events", 0}});
  assignment_.Add({{"events", 0}});
  assignment_.MarkDone(At(0, 3));  // before it was handed out again
  assignment_.Accept("events", 0, 2);
  assignment_.Accept("events", 0, 3);
  EXPECT_THAT(assignment_.Uncommitted(), ElementsAre(At(0, 2)));
}

}  // namespace
}  // namespace lamplighter
