#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "services/dispatcher/cel/budget.h"
#include "services/dispatcher/cel/cel_type.h"
#include "services/dispatcher/cel/cel_value.h"

namespace lamplighter::dispatcher::cel {

enum class CallStyle { kGlobal, kMember };  // f(a, b) or a.f(b)

using Arguments = absl::Span<const CelValue>;

// Called with as many arguments as the overload has parameters, each of the
// kind that its parameter says; what is in lists and maps may be anything.
// Spends what it does beyond a fixed amount.
using Implementation = absl::StatusOr<CelValue> (*)(Arguments arguments,
                                                    Budget& budget);

struct Overload {
  CallStyle style;
  std::vector<CelType> parameters;  // the object of a member call first
  CelType result;
  Implementation implementation;

  // Whether these values may be its arguments.
  bool Takes(Arguments arguments) const;
};

struct Function {
  std::string name;  // "size"; operators are "_+_"; "base64.encode"
  std::vector<Overload> overloads;
};

// Null where there is none of that name.
const Function* FindFunction(absl::string_view name);

// A line of a family's table. The signature is what Flux's own messages show:
// "(string, int) -> string", or "string.(int) -> string" for a member.
struct FunctionRow {
  absl::string_view name;
  absl::string_view signature;
  Implementation implementation;
};

// The families, one file each.
absl::Span<const FunctionRow> ArithmeticFunctions();
absl::Span<const FunctionRow> ComparisonFunctions();
absl::Span<const FunctionRow> CollectionFunctions();
absl::Span<const FunctionRow> ConversionFunctions();
absl::Span<const FunctionRow> TextFunctions();
absl::Span<const FunctionRow> FormatFunctions();
absl::Span<const FunctionRow> TimeFunctions();
absl::Span<const FunctionRow> OptionalFunctions();
absl::Span<const FunctionRow> EncoderFunctions();

// The error of a call whose arguments no overload takes.
absl::Status NoSuchOverload();

}  // namespace lamplighter::dispatcher::cel
