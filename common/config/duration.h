#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/config/config_file.h"
#include "common/time/proto_time.h"
#include "google/protobuf/duration.pb.h"

namespace lamplighter {

// The value of a duration that was read from `file`, or `fallback` where it is
// null, that is, was not set. InvalidArgument, naming `field`, if it is not
// positive.
inline absl::StatusOr<absl::Duration> DurationOr(
    const ConfigFile& file, absl::string_view field,
    const google::protobuf::Duration* value, absl::Duration fallback) {
  if (value == nullptr) return fallback;
  const absl::Duration duration = FromProto(*value);
  if (duration > absl::ZeroDuration()) return duration;
  return file.Error(field, "must be more than 0s");
}

}  // namespace lamplighter
