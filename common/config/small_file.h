#pragma once

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"

namespace lamplighter {

// The whole of a file that has at most `max_bytes`. NotFound if there is none,
// InvalidArgument if it is larger or cannot be read. Errors name it and never
// hold what is in it.
absl::StatusOr<std::string> ReadSmallFile(const std::string& path,
                                          size_t max_bytes);

}  // namespace lamplighter
