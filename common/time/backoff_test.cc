#include "common/time/backoff.h"

#include "absl/random/random.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

constexpr Backoff kBackoff = {absl::Seconds(1), absl::Seconds(30)};

TEST(BackoffTest, DoublesUpToItsMaximum) {
  EXPECT_EQ(kBackoff.Bound(1), absl::Seconds(1));
  EXPECT_EQ(kBackoff.Bound(2), absl::Seconds(2));
  EXPECT_EQ(kBackoff.Bound(5), absl::Seconds(16));
  EXPECT_EQ(kBackoff.Bound(6), absl::Seconds(30));
  EXPECT_EQ(kBackoff.Bound(1'000'000'000), absl::Seconds(30));
}

TEST(BackoffTest, WaitsForAnythingWithinTheBound) {
  absl::BitGen random;
  for (int i = 0; i < 1000; ++i) {
    EXPECT_LE(kBackoff.After(3, random), absl::Seconds(4));
    EXPECT_GE(kBackoff.AtLeastHalfAfter(3, random), absl::Seconds(2));
    EXPECT_LE(kBackoff.AtLeastHalfAfter(3, random), absl::Seconds(4));
  }
}

}  // namespace
}  // namespace lamplighter
