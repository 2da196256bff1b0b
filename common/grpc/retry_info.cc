#include "common/grpc/retry_info.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"
#include "third_party/googleapis/google/rpc/error_details.pb.h"

namespace lamplighter {
namespace {

constexpr absl::string_view kType = "type.googleapis.com/google.rpc.RetryInfo";

}  // namespace

absl::Status WithRetryAfter(absl::Status status, absl::Duration delay) {
  // The longest that google.protobuf.Duration can hold.
  delay = std::clamp(delay, absl::ZeroDuration(),
                     absl::Seconds(int64_t{315'576'000'000}));
  google::rpc::RetryInfo info;
  auto& wire = *info.mutable_retry_delay();
  wire.set_seconds(absl::IDivDuration(delay, absl::Seconds(1), &delay));
  wire.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(delay)));
  const std::string bytes = info.SerializeAsString();
  status.SetPayload(kType, absl::Cord(absl::string_view(bytes)));
  return status;
}

absl::optional<absl::Duration> RetryAfter(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kType);
  google::rpc::RetryInfo info;
  if (!payload.has_value() || !info.ParseFromString(std::string(*payload)) ||
      !info.has_retry_delay()) {
    return absl::nullopt;
  }
  const auto& wire = info.retry_delay();
  return std::max(absl::ZeroDuration(), absl::Seconds(wire.seconds()) +
                                            absl::Nanoseconds(wire.nanos()));
}

}  // namespace lamplighter
