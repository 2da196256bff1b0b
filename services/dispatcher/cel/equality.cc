#include "services/dispatcher/cel/equality.h"

#include "common/status/macros.h"

namespace lamplighter::dispatcher::cel {
namespace {

using Kind = CelValue::Kind;

absl::StatusOr<bool> EqualTexts(const std::string& a, const std::string& b,
                                Budget& budget) {
  if (a.size() != b.size()) return false;
  LAMPLIGHTER_RETURN_IF_ERROR(budget.Spend(a.size() / kBytesAStep));
  return a == b;
}

absl::StatusOr<bool> EqualLists(const CelValue::List& a,
                                const CelValue::List& b, Budget& budget) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(const bool equal, Equal(a[i], b[i], budget));
    if (!equal) return false;
  }
  return true;
}

// Both are in the order of their keys.
absl::StatusOr<bool> EqualMaps(const CelValue::Map& a, const CelValue::Map& b,
                               Budget& budget) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(bool equal, Equal(a[i].key, b[i].key, budget));
    if (!equal) return false;
    LAMPLIGHTER_ASSIGN_OR_RETURN(equal, Equal(a[i].value, b[i].value, budget));
    if (!equal) return false;
  }
  return true;
}

absl::StatusOr<bool> EqualOptionals(const CelValue* a, const CelValue* b,
                                    Budget& budget) {
  if (a == nullptr || b == nullptr) return a == b;
  return Equal(*a, *b, budget);
}

}  // namespace

absl::StatusOr<bool> Equal(const CelValue& a, const CelValue& b,
                           Budget& budget) {
  // Values that share parts can take far more steps than they have parts.
  LAMPLIGHTER_RETURN_IF_ERROR(budget.Spend(1));
  if (a.IsNumber() && b.IsNumber()) return CompareNumbers(a, b) == 0;
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::kBool:
      return a.bool_value() == b.bool_value();
    case Kind::kString:
      return EqualTexts(a.string_value(), b.string_value(), budget);
    case Kind::kBytes:
      return EqualTexts(a.bytes_value(), b.bytes_value(), budget);
    case Kind::kList:
      return EqualLists(a.list_value(), b.list_value(), budget);
    case Kind::kMap:
      return EqualMaps(a.map_value(), b.map_value(), budget);
    case Kind::kTimestamp:
      return a.timestamp_value() == b.timestamp_value();
    case Kind::kDuration:
      return a.duration_value() == b.duration_value();
    case Kind::kType:
      return a.type_value() == b.type_value();
    case Kind::kOptional:
      return EqualOptionals(a.optional_value(), b.optional_value(), budget);
    default:
      return true;  // null
  }
}

absl::StatusOr<bool> Contains(const CelValue::List& list,
                              const CelValue& wanted, Budget& budget) {
  for (const CelValue& element : list) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(const bool equal,
                                 Equal(element, wanted, budget));
    if (equal) return true;
  }
  return false;
}

}  // namespace lamplighter::dispatcher::cel
