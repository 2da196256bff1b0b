#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/status/macros.h"
#include "services/dispatcher/cel/functions.h"

namespace lamplighter::dispatcher::cel {
namespace {

using Kind = CelValue::Kind;

bool IsZero(const CelValue& value) {
  switch (value.kind()) {
    case Kind::kNull:
      return true;
    case Kind::kBool:
      return !value.bool_value();
    case Kind::kInt:
      return value.int_value() == 0;
    case Kind::kUint:
      return value.uint_value() == 0;
    case Kind::kDouble:
      return value.double_value() == 0;
    case Kind::kString:
      return value.string_value().empty();
    case Kind::kBytes:
      return value.bytes_value().empty();
    case Kind::kList:
      return value.list_value().empty();
    case Kind::kMap:
      return value.map_value().empty();
    case Kind::kDuration:
      return value.duration_value() == absl::ZeroDuration();
    default:
      return false;
  }
}

absl::StatusOr<CelValue> Of(Arguments a, Budget&) {
  return CelValue::OptionalOf(a[0]);
}

absl::StatusOr<CelValue> OfNonZeroValue(Arguments a, Budget&) {
  return IsZero(a[0]) ? CelValue::OptionalNone() : CelValue::OptionalOf(a[0]);
}

absl::StatusOr<CelValue> None(Arguments, Budget&) {
  return CelValue::OptionalNone();
}

absl::StatusOr<CelValue> Value(Arguments a, Budget&) {
  if (a[0].optional_value() != nullptr) return *a[0].optional_value();
  return absl::InvalidArgumentError("optional.none() dereference");
}

absl::StatusOr<CelValue> HasValue(Arguments a, Budget&) {
  return CelValue::Bool(a[0].optional_value() != nullptr);
}

absl::StatusOr<CelValue> First(Arguments a, Budget&) {
  const CelValue::List& list = a[0].list_value();
  return list.empty() ? CelValue::OptionalNone()
                      : CelValue::OptionalOf(list.front());
}

absl::StatusOr<CelValue> Last(Arguments a, Budget&) {
  const CelValue::List& list = a[0].list_value();
  return list.empty() ? CelValue::OptionalNone()
                      : CelValue::OptionalOf(list.back());
}

absl::StatusOr<CelValue> Unwrap(Arguments a, Budget& budget) {
  const CelValue::List& list = a[0].list_value();
  LAMPLIGHTER_RETURN_IF_ERROR(budget.Allocate(list.size() * sizeof(CelValue)));
  CelValue::List unwrapped;
  for (const CelValue& element : list) {
    if (!element.Is(Kind::kOptional)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "a value of type ", TypeName(element.kind()), " is not optional"));
    }
    if (element.optional_value() != nullptr) {
      unwrapped.push_back(*element.optional_value());
    }
  }
  return CelValue::MakeList(std::move(unwrapped));
}

constexpr FunctionRow kFunctions[] = {
    {"optional.of", "(A) -> optional_type(A)", &Of},
    {"optional.ofNonZeroValue", "(A) -> optional_type(A)", &OfNonZeroValue},
    {"optional.none", "() -> optional_type(A)", &None},
    {"value", "optional_type(A).() -> A", &Value},
    {"hasValue", "optional_type(A).() -> bool", &HasValue},
    {"first", "list(A).() -> optional_type(A)", &First},
    {"last", "list(A).() -> optional_type(A)", &Last},
    {"optional.unwrap", "(list(optional_type(A))) -> list(A)", &Unwrap},
    {"unwrapOpt", "list(optional_type(A)).() -> list(A)", &Unwrap},
    // Run by the evaluator itself: the other side only where it is needed.
    {"or", "optional_type(A).(optional_type(A)) -> optional_type(A)", nullptr},
    {"orValue", "optional_type(A).(A) -> A", nullptr},
    {"_[?_]", "(list(A), int) -> optional_type(A)", nullptr},
    {"_[?_]", "(optional_type(list(A)), int) -> optional_type(A)", nullptr},
    {"_[?_]", "(map(A, B), A) -> optional_type(B)", nullptr},
    {"_[?_]", "(optional_type(map(A, B)), A) -> optional_type(B)", nullptr},
};

}  // namespace

absl::Span<const FunctionRow> OptionalFunctions() { return kFunctions; }

}  // namespace lamplighter::dispatcher::cel
