#include "services/dispatcher/cel/time_range.h"

#include <cstdint>
#include <limits>

#include "absl/status/status.h"

namespace lamplighter::dispatcher::cel {
namespace {

constexpr int64_t kFirstSecond = -62135596800;  // 0001-01-01T00:00:00Z
constexpr int64_t kLastSecond = 253402300799;   // 9999-12-31T23:59:59Z

}  // namespace

absl::StatusOr<CelValue> InRange(absl::Time time) {
  if (time < absl::FromUnixSeconds(kFirstSecond) ||
      time >= absl::FromUnixSeconds(kLastSecond + 1)) {
    return absl::InvalidArgumentError("timestamp overflow");
  }
  const absl::Duration since_epoch = time - absl::UnixEpoch();
  return CelValue::Timestamp(absl::UnixEpoch() +
                             absl::Floor(since_epoch, absl::Nanoseconds(1)));
}

absl::StatusOr<CelValue> InRange(absl::Duration duration) {
  constexpr absl::Duration kLimit =
      absl::Nanoseconds(std::numeric_limits<int64_t>::max());
  if (duration > kLimit || duration < -kLimit) {
    return absl::InvalidArgumentError("duration overflow");
  }
  return CelValue::Duration(absl::Trunc(duration, absl::Nanoseconds(1)));
}

}  // namespace lamplighter::dispatcher::cel
