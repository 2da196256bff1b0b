#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace lamplighter {

// Whether a server on `listen`, host:port, is reached from its own machine
// only. InvalidArgument for what is not host:port.
absl::StatusOr<bool> IsLoopback(absl::string_view listen);

}  // namespace lamplighter
