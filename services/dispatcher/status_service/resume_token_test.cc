#include "services/dispatcher/status_service/resume_token.h"

#include <vector>

#include "absl/status/status.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter::dispatcher {
namespace {

using ::absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::vector<PartitionOffsets> kHeld = {{0, 5, 10}, {1, 0, 0}, {2, 3, 8}};

TEST(ResumeTokenTest, LeadsBackToWhereItWasMade) {
  const ResumePoint point = {7, 0, 8};
  const auto read = ReadResumeToken(FormatResumeToken(point), kHeld);
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(*read, point);
}

TEST(ResumeTokenTest, BeginsAtTheEndWithoutOne) {
  const auto read = ReadResumeToken("", kHeld);
  ASSERT_THAT(read, IsOk());
  EXPECT_THAT(*read, ElementsAre(10, 0, 8));
}

TEST(ResumeTokenTest, MissesNothingOfAPartitionThatCameSince) {
  const auto read = ReadResumeToken("1:7,0", kHeld);
  ASSERT_THAT(read, IsOk());
  EXPECT_THAT(*read, ElementsAre(7, 0, 3));
}

TEST(ResumeTokenTest, SaysWhatTheTopicDoesNotHold) {
  EXPECT_THAT(ReadResumeToken("1:4,0,8", kHeld),
              StatusIs(StatusCode::kOutOfRange,
                       HasSubstr("partition 0 holds 5 to 10")));
  EXPECT_THAT(ReadResumeToken("1:7,1,8", kHeld),
              StatusIs(StatusCode::kOutOfRange));
  EXPECT_THAT(ReadResumeToken("1:7,0,8,1", kHeld),
              StatusIs(StatusCode::kOutOfRange));
}

TEST(ResumeTokenTest, RefusesWhatNoTokenIs) {
  for (const char* token :
       {"1:", "1", "2:7,0,8", "1:7,,8", "1:7,0,8,", "1:a", "1:-7,0,8",
        "1:99999999999999999999,0,8", "7,0,8", " ", "1:7;0;8"}) {
    EXPECT_THAT(ReadResumeToken(token, kHeld),
                StatusIs(StatusCode::kInvalidArgument))
        << token;
  }
}

}  // namespace
}  // namespace lamplighter::dispatcher
