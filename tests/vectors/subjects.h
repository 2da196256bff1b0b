#pragma once

#include "absl/status/statusor.h"
#include "tests/vectors/vector.h"

namespace lamplighter::vectors {

// Has Lamplighter answer the vector. Unimplemented where that is not known how:
// a function, or an input that is a description, which nobody has written down;
// NotFound for a vector whose input was lost.
absl::StatusOr<Comparison> Compare(const Vector& vector);

}  // namespace lamplighter::vectors
