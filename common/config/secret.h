#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace lamplighter {

// Reads a secret from `file` or, if that is empty, from the environment
// variable `env`. One trailing line break is cut off, as editors and `echo`
// leave one. InvalidArgument if both or neither is named or the secret is
// empty; NotFound if the named one does not exist. Errors never hold it.
absl::StatusOr<std::string> ReadSecret(const std::string& file,
                                       const std::string& env);

}  // namespace lamplighter
