#include "services/ingest/token_bucket.h"

#include <limits>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace lamplighter::ingest {
namespace {

constexpr absl::Duration kNow = absl::Hours(1);

TEST(TokenBucket, LetsABurstThroughAndThenSaysHowLongToWait) {
  TokenBucket bucket(/*per_second=*/2, /*burst=*/3);
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(bucket.Take(kNow), absl::ZeroDuration());
  EXPECT_EQ(bucket.Take(kNow), absl::Milliseconds(500));
  EXPECT_EQ(bucket.Take(kNow + absl::Milliseconds(250)),
            absl::Milliseconds(250));
  EXPECT_EQ(bucket.Take(kNow + absl::Milliseconds(500)), absl::ZeroDuration());
}

TEST(TokenBucket, RefillsWithTimeButNeverBeyondTheBurst) {
  TokenBucket bucket(/*per_second=*/10, /*burst=*/2);
  EXPECT_EQ(bucket.Take(kNow), absl::ZeroDuration());
  const absl::Duration later = kNow + absl::Hours(1);
  EXPECT_EQ(bucket.Take(later), absl::ZeroDuration());
  EXPECT_EQ(bucket.Take(later), absl::ZeroDuration());
  EXPECT_GT(bucket.Take(later), absl::ZeroDuration());
}

TEST(TokenBucket, LetsAllThroughWithoutALimit) {
  constexpr double kUnlimited = std::numeric_limits<double>::infinity();
  TokenBucket bucket(kUnlimited, kUnlimited);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(bucket.Take(kNow), absl::ZeroDuration());
  }
}

}  // namespace
}  // namespace lamplighter::ingest
