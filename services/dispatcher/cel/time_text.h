#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/dispatcher/cel/cel_value.h"

namespace lamplighter::dispatcher::cel {

// RFC 3339 in UTC, with as many digits behind the seconds as are needed.
std::string TimestampText(absl::Time time);
// In seconds: 3600.5s.
std::string DurationText(absl::Duration duration);
// InvalidArgument where it is not strictly RFC 3339, or out of CEL's range.
absl::StatusOr<CelValue> ParseTimestamp(absl::string_view text);
// Reads Go's durations: 1h2.5s.
absl::StatusOr<CelValue> ParseDuration(absl::string_view text);

}  // namespace lamplighter::dispatcher::cel
