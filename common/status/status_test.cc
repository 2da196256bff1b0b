#include "common/status/status.h"

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "common/status/macros.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

using ::absl::StatusCode;

TEST(AnnotateTest, SaysWhatWasBeingDoneAndKeepsCodeAndPayload) {
  absl::Status broken = absl::UnavailableError("broker down");
  broken.SetPayload("type", absl::Cord("detail"));
  const absl::Status annotated = Annotate(broken, "publish event ", 42);
  EXPECT_THAT(annotated, StatusIs(StatusCode::kUnavailable,
                                  "publish event 42: broker down"));
  EXPECT_EQ(annotated.GetPayload("type"), absl::Cord("detail"));
}

TEST(AnnotateTest, LeavesSuccessAlone) {
  EXPECT_THAT(Annotate(absl::OkStatus(), "anything"), IsOk());
}

TEST(IsTransientTest, RepeatsOnlyWhatWaitingCanMend) {
  EXPECT_TRUE(IsTransient(absl::UnavailableError("")));
  EXPECT_TRUE(IsTransient(absl::ResourceExhaustedError("")));
  EXPECT_TRUE(IsTransient(absl::AbortedError("")));
  EXPECT_FALSE(IsTransient(absl::DeadlineExceededError("")));
  EXPECT_FALSE(IsTransient(absl::InvalidArgumentError("")));
  EXPECT_FALSE(IsTransient(absl::OkStatus()));
}

absl::StatusOr<int> Half(int number) {
  if (number % 2 != 0) return absl::InvalidArgumentError("odd");
  return number / 2;
}

absl::StatusOr<std::string> Quarter(int number) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const int half, Half(number));
  LAMPLIGHTER_ASSIGN_OR_RETURN(const int quarter, Half(half));
  return std::to_string(quarter);
}

TEST(MacrosTest, AssignOrReturnStopsAtTheFirstError) {
  EXPECT_EQ(Quarter(12).value(), "3");
  EXPECT_THAT(Quarter(6), StatusIs(StatusCode::kInvalidArgument, "odd"));
}

}  // namespace
}  // namespace lamplighter
