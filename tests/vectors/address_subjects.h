#pragma once

#include "absl/status/statusor.h"
#include "tests/vectors/vector.h"

// How addresses are read by common/forge. Errors are those of Compare().
namespace lamplighter::vectors {

// Scheme and host, and the path.
absl::StatusOr<Comparison> GitAddressSubject(const Vector& vector);

// Project and repository.
absl::StatusOr<Comparison> AzureDevOpsAddressSubject(const Vector& vector);

}  // namespace lamplighter::vectors
