#include "common/time/proto_time.h"

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

TEST(ProtoTimeTest, CarriesNanosecondsBothWaysBeforeTheEpochToo) {
  for (const absl::Duration since_epoch :
       {absl::ZeroDuration(),
        absl::Seconds(1'700'000'000) + absl::Nanoseconds(7),
        -absl::Seconds(5) - absl::Nanoseconds(1)}) {
    const absl::Time time = absl::UnixEpoch() + since_epoch;
    const google::protobuf::Timestamp proto = ToProto(time);
    EXPECT_GE(proto.nanos(), 0);
    EXPECT_LT(proto.nanos(), 1'000'000'000);
    EXPECT_EQ(FromProto(proto), time);
  }
}

TEST(ProtoTimeTest, ReadsDurations) {
  google::protobuf::Duration duration;
  duration.set_seconds(3);
  duration.set_nanos(500'000'000);
  EXPECT_EQ(FromProto(duration), absl::Milliseconds(3500));
}

}  // namespace
}  // namespace lamplighter
