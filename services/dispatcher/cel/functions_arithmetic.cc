#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/status/macros.h"
#include "services/dispatcher/cel/functions.h"
#include "services/dispatcher/cel/time_range.h"

namespace lamplighter::dispatcher::cel {
namespace {

using Kind = CelValue::Kind;

absl::Status Overflow(Kind kind) {
  return absl::InvalidArgumentError(
      kind == Kind::kInt ? "integer overflow" : "unsigned integer overflow");
}

absl::StatusOr<CelValue> AddInts(Arguments a, Budget&) {
  int64_t sum = 0;
  if (__builtin_add_overflow(a[0].int_value(), a[1].int_value(), &sum)) {
    return Overflow(Kind::kInt);
  }
  return CelValue::Int(sum);
}

absl::StatusOr<CelValue> AddUints(Arguments a, Budget&) {
  uint64_t sum = 0;
  if (__builtin_add_overflow(a[0].uint_value(), a[1].uint_value(), &sum)) {
    return Overflow(Kind::kUint);
  }
  return CelValue::Uint(sum);
}

absl::StatusOr<CelValue> AddDoubles(Arguments a, Budget&) {
  return CelValue::Double(a[0].double_value() + a[1].double_value());
}

absl::StatusOr<CelValue> AddStrings(Arguments a, Budget& budget) {
  const std::string& left = a[0].string_value();
  const std::string& right = a[1].string_value();
  LAMPLIGHTER_RETURN_IF_ERROR(budget.Allocate(left.size() + right.size()));
  return CelValue::String(absl::StrCat(left, right));
}

absl::StatusOr<CelValue> AddBytes(Arguments a, Budget& budget) {
  const std::string& left = a[0].bytes_value();
  const std::string& right = a[1].bytes_value();
  LAMPLIGHTER_RETURN_IF_ERROR(budget.Allocate(left.size() + right.size()));
  return CelValue::Bytes(absl::StrCat(left, right));
}

absl::StatusOr<CelValue> AddLists(Arguments a, Budget& budget) {
  const CelValue::List& left = a[0].list_value();
  const CelValue::List& right = a[1].list_value();
  LAMPLIGHTER_RETURN_IF_ERROR(
      budget.Allocate((left.size() + right.size()) * sizeof(CelValue)));
  CelValue::List both;
  both.reserve(left.size() + right.size());
  both.insert(both.end(), left.begin(), left.end());
  both.insert(both.end(), right.begin(), right.end());
  return CelValue::MakeList(std::move(both));
}

absl::StatusOr<CelValue> AddDurations(Arguments a, Budget&) {
  return InRange(a[0].duration_value() + a[1].duration_value());
}

absl::StatusOr<CelValue> AddTimeAndDuration(Arguments a, Budget&) {
  return InRange(a[0].timestamp_value() + a[1].duration_value());
}

absl::StatusOr<CelValue> AddDurationAndTime(Arguments a, Budget&) {
  return InRange(a[1].timestamp_value() + a[0].duration_value());
}

absl::StatusOr<CelValue> SubtractInts(Arguments a, Budget&) {
  int64_t difference = 0;
  if (__builtin_sub_overflow(a[0].int_value(), a[1].int_value(), &difference)) {
    return Overflow(Kind::kInt);
  }
  return CelValue::Int(difference);
}

absl::StatusOr<CelValue> SubtractUints(Arguments a, Budget&) {
  uint64_t difference = 0;
  if (__builtin_sub_overflow(a[0].uint_value(), a[1].uint_value(),
                             &difference)) {
    return Overflow(Kind::kUint);
  }
  return CelValue::Uint(difference);
}

absl::StatusOr<CelValue> SubtractDoubles(Arguments a, Budget&) {
  return CelValue::Double(a[0].double_value() - a[1].double_value());
}

absl::StatusOr<CelValue> SubtractDurations(Arguments a, Budget&) {
  return InRange(a[0].duration_value() - a[1].duration_value());
}

absl::StatusOr<CelValue> SubtractDurationFromTime(Arguments a, Budget&) {
  return InRange(a[0].timestamp_value() - a[1].duration_value());
}

absl::StatusOr<CelValue> SubtractTimes(Arguments a, Budget&) {
  return InRange(a[0].timestamp_value() - a[1].timestamp_value());
}

absl::StatusOr<CelValue> MultiplyInts(Arguments a, Budget&) {
  int64_t product = 0;
  if (__builtin_mul_overflow(a[0].int_value(), a[1].int_value(), &product)) {
    return Overflow(Kind::kInt);
  }
  return CelValue::Int(product);
}

absl::StatusOr<CelValue> MultiplyUints(Arguments a, Budget&) {
  uint64_t product = 0;
  if (__builtin_mul_overflow(a[0].uint_value(), a[1].uint_value(), &product)) {
    return Overflow(Kind::kUint);
  }
  return CelValue::Uint(product);
}

absl::StatusOr<CelValue> MultiplyDoubles(Arguments a, Budget&) {
  return CelValue::Double(a[0].double_value() * a[1].double_value());
}

absl::StatusOr<CelValue> DivideInts(Arguments a, Budget&) {
  const int64_t divisor = a[1].int_value();
  if (divisor == 0) return absl::InvalidArgumentError("division by zero");
  // The one quotient that is too big.
  if (divisor == -1 && a[0].int_value() == INT64_MIN) {
    return Overflow(Kind::kInt);
  }
  return CelValue::Int(a[0].int_value() / divisor);
}

absl::StatusOr<CelValue> DivideUints(Arguments a, Budget&) {
  const uint64_t divisor = a[1].uint_value();
  if (divisor == 0) return absl::InvalidArgumentError("division by zero");
  return CelValue::Uint(a[0].uint_value() / divisor);
}

absl::StatusOr<CelValue> DivideDoubles(Arguments a, Budget&) {
  return CelValue::Double(a[0].double_value() / a[1].double_value());
}

absl::StatusOr<CelValue> ModuloInts(Arguments a, Budget&) {
  const int64_t divisor = a[1].int_value();
  if (divisor == 0) return absl::InvalidArgumentError("modulus by zero");
  if (divisor == -1 && a[0].int_value() == INT64_MIN) {
    return Overflow(Kind::kInt);
  }
  return CelValue::Int(a[0].int_value() % divisor);
}

absl::StatusOr<CelValue> ModuloUints(Arguments a, Budget&) {
  const uint64_t divisor = a[1].uint_value();
  if (divisor == 0) return absl::InvalidArgumentError("modulus by zero");
  return CelValue::Uint(a[0].uint_value() % divisor);
}

absl::StatusOr<CelValue> NegateInt(Arguments a, Budget&) {
  if (a[0].int_value() == INT64_MIN) return Overflow(Kind::kInt);
  return CelValue::Int(-a[0].int_value());
}

absl::StatusOr<CelValue> NegateDouble(Arguments a, Budget&) {
  return CelValue::Double(-a[0].double_value());
}

absl::StatusOr<CelValue> Not(Arguments a, Budget&) {
  return CelValue::Bool(!a[0].bool_value());
}

constexpr FunctionRow kFunctions[] = {
    {"_+_", "(bytes, bytes) -> bytes", &AddBytes},
    {"_+_", "(double, double) -> double", &AddDoubles},
    {"_+_", "(duration, duration) -> duration", &AddDurations},
    {"_+_", "(duration, timestamp) -> timestamp", &AddDurationAndTime},
    {"_+_", "(timestamp, duration) -> timestamp", &AddTimeAndDuration},
    {"_+_", "(int, int) -> int", &AddInts},
    {"_+_", "(list(A), list(A)) -> list(A)", &AddLists},
    {"_+_", "(string, string) -> string", &AddStrings},
    {"_+_", "(uint, uint) -> uint", &AddUints},
    {"_-_", "(double, double) -> double", &SubtractDoubles},
    {"_-_", "(duration, duration) -> duration", &SubtractDurations},
    {"_-_", "(int, int) -> int", &SubtractInts},
    {"_-_", "(timestamp, duration) -> timestamp", &SubtractDurationFromTime},
    {"_-_", "(timestamp, timestamp) -> duration", &SubtractTimes},
    {"_-_", "(uint, uint) -> uint", &SubtractUints},
    {"_*_", "(double, double) -> double", &MultiplyDoubles},
    {"_*_", "(int, int) -> int", &MultiplyInts},
    {"_*_", "(uint, uint) -> uint", &MultiplyUints},
    {"_/_", "(double, double) -> double", &DivideDoubles},
    {"_/_", "(int, int) -> int", &DivideInts},
    {"_/_", "(uint, uint) -> uint", &DivideUints},
    {"_%_", "(int, int) -> int", &ModuloInts},
    {"_%_", "(uint, uint) -> uint", &ModuloUints},
    {"-_", "(double) -> double", &NegateDouble},
    {"-_", "(int) -> int", &NegateInt},
    {"!_", "(bool) -> bool", &Not},
};

}  // namespace

absl::Span<const FunctionRow> ArithmeticFunctions() { return kFunctions; }

}  // namespace lamplighter::dispatcher::cel
