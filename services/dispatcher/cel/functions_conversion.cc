#include <cmath>
#include <cstdint>
#include <string>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/charconv.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/status/macros.h"
#include "services/dispatcher/cel/functions.h"
#include "services/dispatcher/cel/number_text.h"
#include "services/dispatcher/cel/time_range.h"
#include "services/dispatcher/cel/time_text.h"
#include "services/dispatcher/cel/utf8.h"

namespace lamplighter::dispatcher::cel {
namespace {

using Kind = CelValue::Kind;

absl::Status NoConversion(Kind from, Kind to) {
  return absl::InvalidArgumentError(absl::StrCat("type conversion error from '",
                                                 TypeName(from), "' to '",
                                                 TypeName(to), "'"));
}

// Digits, behind a sign where `sign` allows one.
bool IsDigits(absl::string_view text, absl::string_view signs) {
  if (!text.empty() && absl::StrContains(signs, text[0])) text.remove_prefix(1);
  return !text.empty() &&
         text.find_first_not_of("0123456789") == absl::string_view::npos;
}

absl::StatusOr<CelValue> Same(Arguments a, Budget&) { return a[0]; }

absl::StatusOr<CelValue> TypeOf(Arguments a, Budget&) {
  return CelValue::Type(a[0].kind());
}

absl::StatusOr<CelValue> BoolOfString(Arguments a, Budget&) {
  const std::string& text = a[0].string_value();
  for (const absl::string_view yes : {"1", "t", "T", "TRUE", "true", "True"}) {
    if (text == yes) return CelValue::Bool(true);
  }
  for (const absl::string_view no :
       {"0", "f", "F", "FALSE", "false", "False"}) {
    if (text == no) return CelValue::Bool(false);
  }
  return NoConversion(Kind::kString, Kind::kBool);
}

absl::StatusOr<CelValue> BytesOfString(Arguments a, Budget& budget) {
  LAMPLIGHTER_RETURN_IF_ERROR(budget.Allocate(a[0].string_value().size()));
  return CelValue::Bytes(a[0].string_value());
}

absl::StatusOr<CelValue> DoubleOfInt(Arguments a, Budget&) {
  return CelValue::Double(static_cast<double>(a[0].int_value()));
}

absl::StatusOr<CelValue> DoubleOfUint(Arguments a, Budget&) {
  return CelValue::Double(static_cast<double>(a[0].uint_value()));
}

absl::StatusOr<CelValue> DoubleOfString(Arguments a, Budget&) {
  absl::string_view text = a[0].string_value();
  if (absl::StartsWith(text, "+") && !absl::StartsWith(text, "+-")) {
    text.remove_prefix(1);
  }
  double value = 0;
  const absl::from_chars_result result =
      absl::from_chars(text.data(), text.data() + text.size(), value);
  const bool too_big =
      result.ec == std::errc::result_out_of_range && std::abs(value) > 1;
  if (result.ec == std::errc::invalid_argument || too_big ||
      result.ptr != text.data() + text.size()) {
    return NoConversion(Kind::kString, Kind::kDouble);
  }
  return CelValue::Double(value);
}

absl::StatusOr<CelValue> IntOfDouble(Arguments a, Budget&) {
  const double value = a[0].double_value();
  if (value > -0x1p63 && value < 0x1p63) {
    return CelValue::Int(static_cast<int64_t>(value));
  }
  return absl::InvalidArgumentError("integer overflow");
}

absl::StatusOr<CelValue> IntOfUint(Arguments a, Budget&) {
  if (a[0].uint_value() <= uint64_t{INT64_MAX}) {
    return CelValue::Int(static_cast<int64_t>(a[0].uint_value()));
  }
  return absl::InvalidArgumentError("integer overflow");
}

absl::StatusOr<CelValue> IntOfString(Arguments a, Budget&) {
  int64_t value = 0;
  if (IsDigits(a[0].string_value(), "+-") &&
      absl::SimpleAtoi(a[0].string_value(), &value)) {
    return CelValue::Int(value);
  }
  return NoConversion(Kind::kString, Kind::kInt);
}

absl::StatusOr<CelValue> IntOfTimestamp(Arguments a, Budget&) {
  return CelValue::Int(absl::ToUnixSeconds(a[0].timestamp_value()));
}

absl::StatusOr<CelValue> IntOfDuration(Arguments a, Budget&) {
  return CelValue::Int(absl::ToInt64Nanoseconds(a[0].duration_value()));
}

absl::StatusOr<CelValue> UintOfDouble(Arguments a, Budget&) {
  const double value = a[0].double_value();
  if (value >= 0 && value < 0x1p64) {
    return CelValue::Uint(static_cast<uint64_t>(value));
  }
  return absl::InvalidArgumentError("unsigned integer overflow");
}

absl::StatusOr<CelValue> UintOfInt(Arguments a, Budget&) {
  if (a[0].int_value() >= 0) {
    return CelValue::Uint(static_cast<uint64_t>(a[0].int_value()));
  }
  return absl::InvalidArgumentError("unsigned integer overflow");
}

absl::StatusOr<CelValue> UintOfString(Arguments a, Budget&) {
  uint64_t value = 0;
  if (IsDigits(a[0].string_value(), "") &&
      absl::SimpleAtoi(a[0].string_value(), &value)) {
    return CelValue::Uint(value);
  }
  return NoConversion(Kind::kString, Kind::kUint);
}

absl::StatusOr<CelValue> StringOfBool(Arguments a, Budget&) {
  return CelValue::String(a[0].bool_value() ? "true" : "false");
}

absl::StatusOr<CelValue> StringOfBytes(Arguments a, Budget& budget) {
  const std::string& bytes = a[0].bytes_value();
  LAMPLIGHTER_RETURN_IF_ERROR(budget.Allocate(bytes.size()));
  if (IsValidUtf8(bytes)) return CelValue::String(bytes);
  return absl::InvalidArgumentError(
      "invalid UTF-8 in bytes, cannot convert to string");
}

absl::StatusOr<CelValue> StringOfDouble(Arguments a, Budget&) {
  return CelValue::String(ShortestText(a[0].double_value()));
}

absl::StatusOr<CelValue> StringOfInt(Arguments a, Budget&) {
  return CelValue::String(absl::StrCat(a[0].int_value()));
}

absl::StatusOr<CelValue> StringOfUint(Arguments a, Budget&) {
  return CelValue::String(absl::StrCat(a[0].uint_value()));
}

absl::StatusOr<CelValue> StringOfTimestamp(Arguments a, Budget&) {
  return CelValue::String(TimestampText(a[0].timestamp_value()));
}

absl::StatusOr<CelValue> StringOfDuration(Arguments a, Budget&) {
  return CelValue::String(DurationText(a[0].duration_value()));
}

absl::StatusOr<CelValue> TimestampOfInt(Arguments a, Budget&) {
  return InRange(absl::FromUnixSeconds(a[0].int_value()));
}

absl::StatusOr<CelValue> TimestampOfString(Arguments a, Budget&) {
  return ParseTimestamp(a[0].string_value());
}

absl::StatusOr<CelValue> DurationOfString(Arguments a, Budget&) {
  return ParseDuration(a[0].string_value());
}

constexpr FunctionRow kFunctions[] = {
    {"type", "(A) -> type(A)", &TypeOf},
    {"dyn", "(A) -> dyn", &Same},
    {"bool", "(bool) -> bool", &Same},
    {"bool", "(string) -> bool", &BoolOfString},
    {"bytes", "(bytes) -> bytes", &Same},
    {"bytes", "(string) -> bytes", &BytesOfString},
    {"double", "(double) -> double", &Same},
    {"double", "(int) -> double", &DoubleOfInt},
    {"double", "(string) -> double", &DoubleOfString},
    {"double", "(uint) -> double", &DoubleOfUint},
    {"int", "(int) -> int", &Same},
    {"int", "(double) -> int", &IntOfDouble},
    {"int", "(duration) -> int", &IntOfDuration},
    {"int", "(string) -> int", &IntOfString},
    {"int", "(timestamp) -> int", &IntOfTimestamp},
    {"int", "(uint) -> int", &IntOfUint},
    {"uint", "(uint) -> uint", &Same},
    {"uint", "(double) -> uint", &UintOfDouble},
    {"uint", "(int) -> uint", &UintOfInt},
    {"uint", "(string) -> uint", &UintOfString},
    {"string", "(string) -> string", &Same},
    {"string", "(bool) -> string", &StringOfBool},
    {"string", "(bytes) -> string", &StringOfBytes},
    {"string", "(double) -> string", &StringOfDouble},
    {"string", "(duration) -> string", &StringOfDuration},
    {"string", "(int) -> string", &StringOfInt},
    {"string", "(timestamp) -> string", &StringOfTimestamp},
    {"string", "(uint) -> string", &StringOfUint},
    {"timestamp", "(timestamp) -> timestamp", &Same},
    {"timestamp", "(int) -> timestamp", &TimestampOfInt},
    {"timestamp", "(string) -> timestamp", &TimestampOfString},
    {"duration", "(duration) -> duration", &Same},
    {"duration", "(string) -> duration", &DurationOfString},
};

}  // namespace

absl::Span<const FunctionRow> ConversionFunctions() { return kFunctions; }

}  // namespace lamplighter::dispatcher::cel
