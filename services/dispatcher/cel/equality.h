#pragma once

#include "absl/status/statusor.h"
#include "services/dispatcher/cel/budget.h"
#include "services/dispatcher/cel/cel_value.h"

namespace lamplighter::dispatcher::cel {

// CEL's ==: numbers by their value, lists and maps by what is in them, and
// false between kinds that are not alike. An error only of the budget.
absl::StatusOr<bool> Equal(const CelValue& a, const CelValue& b,
                           Budget& budget);

// Whether one of the elements is equal to `wanted`.
absl::StatusOr<bool> Contains(const CelValue::List& list,
                              const CelValue& wanted, Budget& budget);

}  // namespace lamplighter::dispatcher::cel
