#pragma once

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace lamplighter {

// Adds to an error that the call may be repeated after `delay`, as payload
// google.rpc.RetryInfo, which ToGrpcStatus() carries along. A delay below zero
// is taken for zero.
absl::Status WithRetryAfter(absl::Status status, absl::Duration delay);

// What WithRetryAfter() added here or at the other end of a call, never below
// zero; none if nothing was or it cannot be read.
absl::optional<absl::Duration> RetryAfter(const absl::Status& status);

}  // namespace lamplighter
