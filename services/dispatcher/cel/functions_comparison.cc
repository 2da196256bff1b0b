#include <vector>

#include "absl/status/status.h"
#include "common/status/macros.h"
#include "services/dispatcher/cel/equality.h"
#include "services/dispatcher/cel/functions.h"

namespace lamplighter::dispatcher::cel {
namespace {

using Kind = CelValue::Kind;

// Of two values that an overload below takes: less than, equal to or more than
// zero.
absl::StatusOr<int> Compare(Arguments a, Budget& budget) {
  if (a[0].IsNumber()) {
    const absl::optional<int> order = CompareNumbers(a[0], a[1]);
    if (order.has_value()) return *order;
    return absl::InvalidArgumentError("NaN values cannot be ordered");
  }
  switch (a[0].kind()) {
    case Kind::kBool:
      return int{a[0].bool_value()} - int{a[1].bool_value()};
    case Kind::kString:
      LAMPLIGHTER_RETURN_IF_ERROR(
          budget.Spend(a[0].string_value().size() / kBytesAStep));
      return a[0].string_value().compare(a[1].string_value());
    case Kind::kBytes:
      LAMPLIGHTER_RETURN_IF_ERROR(
          budget.Spend(a[0].bytes_value().size() / kBytesAStep));
      return a[0].bytes_value().compare(a[1].bytes_value());
    case Kind::kTimestamp:
      return int{a[0].timestamp_value() > a[1].timestamp_value()} -
             int{a[0].timestamp_value() < a[1].timestamp_value()};
    default:
      return int{a[0].duration_value() > a[1].duration_value()} -
             int{a[0].duration_value() < a[1].duration_value()};
  }
}

absl::StatusOr<CelValue> Less(Arguments a, Budget& budget) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const int order, Compare(a, budget));
  return CelValue::Bool(order < 0);
}

absl::StatusOr<CelValue> LessOrEqual(Arguments a, Budget& budget) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const int order, Compare(a, budget));
  return CelValue::Bool(order <= 0);
}

absl::StatusOr<CelValue> Greater(Arguments a, Budget& budget) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const int order, Compare(a, budget));
  return CelValue::Bool(order > 0);
}

absl::StatusOr<CelValue> GreaterOrEqual(Arguments a, Budget& budget) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const int order, Compare(a, budget));
  return CelValue::Bool(order >= 0);
}

absl::StatusOr<CelValue> Equals(Arguments a, Budget& budget) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const bool equal, Equal(a[0], a[1], budget));
  return CelValue::Bool(equal);
}

absl::StatusOr<CelValue> NotEquals(Arguments a, Budget& budget) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const bool equal, Equal(a[0], a[1], budget));
  return CelValue::Bool(!equal);
}

// What can be ordered, by all four operators.
constexpr absl::string_view kOrdered[] = {
    "(bool, bool) -> bool",
    "(int, int) -> bool",
    "(int, double) -> bool",
    "(int, uint) -> bool",
    "(uint, uint) -> bool",
    "(uint, double) -> bool",
    "(uint, int) -> bool",
    "(double, double) -> bool",
    "(double, int) -> bool",
    "(double, uint) -> bool",
    "(string, string) -> bool",
    "(bytes, bytes) -> bool",
    "(timestamp, timestamp) -> bool",
    "(duration, duration) -> bool",
};

std::vector<FunctionRow> MakeRows() {
  std::vector<FunctionRow> rows = {{"_==_", "(A, A) -> bool", &Equals},
                                   {"_!=_", "(A, A) -> bool", &NotEquals}};
  for (const absl::string_view signature : kOrdered) {
    rows.push_back({"_<_", signature, &Less});
    rows.push_back({"_<=_", signature, &LessOrEqual});
    rows.push_back({"_>_", signature, &Greater});
    rows.push_back({"_>=_", signature, &GreaterOrEqual});
  }
  return rows;
}

}  // namespace

absl::Span<const FunctionRow> ComparisonFunctions() {
  static const auto& rows = *new std::vector<FunctionRow>(MakeRows());
  return rows;
}

}  // namespace lamplighter::dispatcher::cel
