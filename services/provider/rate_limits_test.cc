#include "services/provider/rate_limits.h"

#include "absl/time/time.h"
#include "common/time/testing/fake_clock.h"
#include "gtest/gtest.h"

namespace lamplighter::provider {
namespace {

TEST(RateLimits, EndWithTime) {
  FakeClock clock;
  RateLimits limits(clock);
  EXPECT_EQ(limits.Remaining("a"), absl::ZeroDuration());
  limits.Limit("a", absl::Seconds(60));
  clock.Advance(absl::Seconds(20));
  EXPECT_EQ(limits.Remaining("a"), absl::Seconds(40));
  EXPECT_EQ(limits.Remaining("b"), absl::ZeroDuration());
  clock.Advance(absl::Seconds(40));
  EXPECT_EQ(limits.Remaining("a"), absl::ZeroDuration());
}

TEST(RateLimits, TheLastWordOfTheForgeCounts) {
  FakeClock clock;
  RateLimits limits(clock);
  limits.Limit("a", absl::Hours(1));
  limits.Limit("a", absl::Seconds(5));
  EXPECT_EQ(limits.Remaining("a"), absl::Seconds(5));
}

TEST(RateLimits, ForgetTheSoonestToEndBeyondTheirBound) {
  FakeClock clock;
  RateLimits limits(clock, /*max_credentials=*/2);
  limits.Limit("long", absl::Hours(1));
  limits.Limit("short", absl::Seconds(5));
  limits.Limit("new", absl::Minutes(1));
  EXPECT_EQ(limits.Remaining("short"), absl::ZeroDuration());
  EXPECT_EQ(limits.Remaining("long"), absl::Hours(1));
  EXPECT_EQ(limits.Remaining("new"), absl::Minutes(1));
}

}  // namespace
}  // namespace lamplighter::provider
