#pragma once

#include "absl/status/statusor.h"
#include "services/dispatcher/cel/cel_value.h"
#include "services/dispatcher/cel/lexer.h"

namespace lamplighter::dispatcher::cel {

enum class Sign { kPlus, kMinus };

// The value of a number, text or bytes literal; `sign` stands before numbers.
// InvalidArgument, without a place, where it has none: out of range, a bad
// escape sequence.
absl::StatusOr<CelValue> LiteralValue(const Token& token, Sign sign);

}  // namespace lamplighter::dispatcher::cel
