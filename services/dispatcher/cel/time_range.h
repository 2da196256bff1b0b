#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/dispatcher/cel/cel_value.h"

namespace lamplighter::dispatcher::cel {

// As values, without what is smaller than a nanosecond. InvalidArgument for
// what CEL does not have: years before 1 and after 9999, and durations whose
// nanoseconds do not fit 64 bits (292 years).
absl::StatusOr<CelValue> InRange(absl::Time time);
absl::StatusOr<CelValue> InRange(absl::Duration duration);

}  // namespace lamplighter::dispatcher::cel
