// Lists, maps and sets.

#include <cstdint>

#include "common/status/macros.h"
#include "services/dispatcher/cel/equality.h"
#include "services/dispatcher/cel/functions.h"
#include "services/dispatcher/cel/utf8.h"

namespace lamplighter::dispatcher::cel {
namespace {

absl::StatusOr<CelValue> SizeOfString(Arguments a, Budget& budget) {
  const std::string& text = a[0].string_value();
  LAMPLIGHTER_RETURN_IF_ERROR(budget.Spend(text.size() / kBytesAStep));
  return CelValue::Int(static_cast<int64_t>(CountCodePoints(text)));
}

absl::StatusOr<CelValue> SizeOfBytes(Arguments a, Budget&) {
  return CelValue::Int(static_cast<int64_t>(a[0].bytes_value().size()));
}

absl::StatusOr<CelValue> SizeOfList(Arguments a, Budget&) {
  return CelValue::Int(static_cast<int64_t>(a[0].list_value().size()));
}

absl::StatusOr<CelValue> SizeOfMap(Arguments a, Budget&) {
  return CelValue::Int(static_cast<int64_t>(a[0].map_value().size()));
}

absl::StatusOr<CelValue> InList(Arguments a, Budget& budget) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const bool found,
                               Contains(a[1].list_value(), a[0], budget));
  return CelValue::Bool(found);
}

absl::StatusOr<CelValue> InMap(Arguments a, Budget&) {
  return CelValue::Bool(a[1].Find(a[0]) != nullptr);
}

absl::StatusOr<bool> ContainsAll(const CelValue::List& set,
                                 const CelValue::List& wanted, Budget& budget) {
  for (const CelValue& element : wanted) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(const bool found,
                                 Contains(set, element, budget));
    if (!found) return false;
  }
  return true;
}

absl::StatusOr<CelValue> SetContains(Arguments a, Budget& budget) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      const bool all,
      ContainsAll(a[0].list_value(), a[1].list_value(), budget));
  return CelValue::Bool(all);
}

absl::StatusOr<CelValue> SetEquivalent(Arguments a, Budget& budget) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      bool all, ContainsAll(a[0].list_value(), a[1].list_value(), budget));
  if (all) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(
        all, ContainsAll(a[1].list_value(), a[0].list_value(), budget));
  }
  return CelValue::Bool(all);
}

absl::StatusOr<CelValue> SetIntersects(Arguments a, Budget& budget) {
  for (const CelValue& element : a[0].list_value()) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(const bool found,
                                 Contains(a[1].list_value(), element, budget));
    if (found) return CelValue::Bool(true);
  }
  return CelValue::Bool(false);
}

constexpr FunctionRow kFunctions[] = {
    // Run by the evaluator itself, which takes indices of any kind of number.
    {"_[_]", "(list(A), int) -> A", nullptr},
    {"_[_]", "(map(A, B), A) -> B", nullptr},
    {"_[_]", "(optional_type(list(A)), int) -> optional_type(A)", nullptr},
    {"_[_]", "(optional_type(map(A, B)), A) -> optional_type(B)", nullptr},
    {"_?_:_", "(bool, A, A) -> A", nullptr},
    {"@in", "(A, list(A)) -> bool", &InList},
    {"@in", "(A, map(A, B)) -> bool", &InMap},
    {"size", "(bytes) -> int", &SizeOfBytes},
    {"size", "bytes.() -> int", &SizeOfBytes},
    {"size", "(list(A)) -> int", &SizeOfList},
    {"size", "list(A).() -> int", &SizeOfList},
    {"size", "(map(A, B)) -> int", &SizeOfMap},
    {"size", "map(A, B).() -> int", &SizeOfMap},
    {"size", "(string) -> int", &SizeOfString},
    {"size", "string.() -> int", &SizeOfString},
    {"sets.contains", "(list(A), list(A)) -> bool", &SetContains},
    {"sets.equivalent", "(list(A), list(A)) -> bool", &SetEquivalent},
    {"sets.intersects", "(list(A), list(A)) -> bool", &SetIntersects},
};

}  // namespace

absl::Span<const FunctionRow> CollectionFunctions() { return kFunctions; }

}  // namespace lamplighter::dispatcher::cel
