// format(): '%s-%d'.format(['x', 3]).

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/status/macros.h"
#include "services/dispatcher/cel/functions.h"
#include "services/dispatcher/cel/number_text.h"
#include "services/dispatcher/cel/time_text.h"
#include "services/dispatcher/cel/utf8.h"

namespace lamplighter::dispatcher::cel {
namespace {

using Kind = CelValue::Kind;

constexpr int kMaxPrecision = 100;
constexpr int kDefaultPrecision = 6;

absl::Status NotFormattable(absl::string_view rule, Kind kind) {
  return absl::InvalidArgumentError(absl::StrCat(
      "error during formatting: ", rule, ", was given ", TypeName(kind)));
}

// Bytes may be no text.
std::string ReplaceInvalid(absl::string_view bytes) {
  std::string text;
  for (; !bytes.empty(); bytes.remove_prefix(DecodeFirst(bytes).length)) {
    AppendUtf8(DecodeFirst(bytes).value, text);
  }
  return text;
}

absl::StatusOr<std::string> Text(const CelValue& value, Budget& budget);

absl::StatusOr<std::string> ListText(const CelValue::List& list,
                                     Budget& budget) {
  std::string text = "[";
  for (const CelValue& element : list) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(const std::string next, Text(element, budget));
    absl::StrAppend(&text, text.size() > 1 ? ", " : "", next);
  }
  return text + "]";
}

absl::StatusOr<std::string> MapText(const CelValue::Map& map, Budget& budget) {
  std::vector<std::pair<std::string, std::string>> entries;
  for (const CelMapEntry& entry : map) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(std::string key, Text(entry.key, budget));
    LAMPLIGHTER_ASSIGN_OR_RETURN(std::string value, Text(entry.value, budget));
    entries.emplace_back(std::move(key), std::move(value));
  }
  // By the text of the key, which is not the map's own order.
  std::sort(entries.begin(), entries.end());
  std::string text = "{";
  for (const auto& [key, value] : entries) {
    absl::StrAppend(&text, text.size() > 1 ? ", " : "", key, ": ", value);
  }
  return text + "}";
}

absl::StatusOr<std::string> BareText(const CelValue& value, Budget& budget) {
  switch (value.kind()) {
    case Kind::kNull:
      return "null";
    case Kind::kBool:
      return value.bool_value() ? "true" : "false";
    case Kind::kInt:
      return absl::StrCat(value.int_value());
    case Kind::kUint:
      return absl::StrCat(value.uint_value());
    case Kind::kDouble:
      return PlainText(value.double_value());
    case Kind::kString:
      return value.string_value();
    case Kind::kBytes:
      return ReplaceInvalid(value.bytes_value());
    case Kind::kList:
      return ListText(value.list_value(), budget);
    case Kind::kMap:
      return MapText(value.map_value(), budget);
    case Kind::kTimestamp:
      return TimestampText(value.timestamp_value());
    case Kind::kDuration:
      return DurationText(value.duration_value());
    case Kind::kType:
      return std::string(TypeName(value.type_value()));
    case Kind::kOptional:
      break;
  }
  return NotFormattable(
      "string clause can only be used on strings, bools, bytes, ints, doubles, "
      "maps, lists, types, durations, and timestamps",
      value.kind());
}

absl::StatusOr<std::string> Text(const CelValue& value, Budget& budget) {
  LAMPLIGHTER_RETURN_IF_ERROR(budget.Spend(1));
  LAMPLIGHTER_ASSIGN_OR_RETURN(std::string text, BareText(value, budget));
  LAMPLIGHTER_RETURN_IF_ERROR(budget.Allocate(text.size()));
  return text;
}

absl::StatusOr<std::string> Decimal(const CelValue& value, Budget& budget) {
  if (value.IsNumber()) return BareText(value, budget);
  return NotFormattable(
      "decimal clause can only be used on ints, uints, and doubles",
      value.kind());
}

using Layout = std::string (*)(double value, int precision);

absl::StatusOr<std::string> Real(const CelValue& value, absl::string_view name,
                                 Layout layout, int precision) {
  switch (value.kind()) {
    case Kind::kInt:
      return layout(static_cast<double>(value.int_value()), precision);
    case Kind::kUint:
      return layout(static_cast<double>(value.uint_value()), precision);
    case Kind::kDouble:
      return layout(value.double_value(), precision);
    default:
      return NotFormattable(
          absl::StrCat(name,
                       " clause can only be used on ints, uints, and doubles"),
          value.kind());
  }
}

// In a base that is a power of two, with a minus where it is negative.
std::string Digits(uint64_t magnitude, bool negative, int bits) {
  std::string digits;
  do {
    digits.push_back("0123456789abcdef"[magnitude & ((1U << bits) - 1)]);
    magnitude >>= bits;
  } while (magnitude != 0);
  if (negative) digits.push_back('-');
  std::reverse(digits.begin(), digits.end());
  return digits;
}

absl::StatusOr<std::string> InBase(const CelValue& value,
                                   absl::string_view rule, int bits) {
  if (value.Is(Kind::kUint)) return Digits(value.uint_value(), false, bits);
  if (!value.Is(Kind::kInt)) return NotFormattable(rule, value.kind());
  const int64_t number = value.int_value();
  const auto magnitude = static_cast<uint64_t>(number);
  return Digits(number < 0 ? 0 - magnitude : magnitude, number < 0, bits);
}

absl::StatusOr<std::string> Hex(const CelValue& value) {
  if (value.Is(Kind::kString)) {
    return absl::BytesToHexString(value.string_value());
  }
  if (value.Is(Kind::kBytes)) {
    return absl::BytesToHexString(value.bytes_value());
  }
  return InBase(
      value, "only ints, uints, bytes, and strings can be formatted as hex", 4);
}

absl::StatusOr<std::string> Clause(char letter, int precision,
                                   const CelValue& value, Budget& budget) {
  switch (letter) {
    case 's':
      return Text(value, budget);
    case 'd':
      return Decimal(value, budget);
    case 'f':
      return Real(value, "fixed-point", &FixedText, precision);
    case 'e':
      return Real(value, "scientific", &ScientificText, precision);
    case 'b':
      if (value.Is(Kind::kBool)) return value.bool_value() ? "1" : "0";
      return InBase(
          value, "only ints, uints, and bools can be formatted as binary", 1);
    case 'o':
      return InBase(value, "octal clause can only be used on ints and uints",
                    3);
    case 'x':
      return Hex(value);
    case 'X': {
      LAMPLIGHTER_ASSIGN_OR_RETURN(const std::string hex, Hex(value));
      return absl::AsciiStrToUpper(hex);
    }
    default:
      return absl::InvalidArgumentError(
          absl::StrCat("could not parse formatting clause: unrecognized "
                       "formatting clause \"",
                       std::string(1, letter), "\""));
  }
}

// Takes ".12" off the front.
absl::StatusOr<int> ConsumePrecision(absl::string_view& format) {
  if (format[0] != '.') return kDefaultPrecision;
  format.remove_prefix(1);
  size_t length = 0;
  while (length < format.size() && absl::ascii_isdigit(format[length])) {
    ++length;
  }
  int precision = 0;
  if (length == format.size() || length > 3 ||
      !absl::SimpleAtoi(format.substr(0, length), &precision) ||
      precision > kMaxPrecision) {
    return absl::InvalidArgumentError(absl::StrCat(
        "could not parse formatting clause: the precision is no number of at "
        "most ",
        kMaxPrecision));
  }
  format.remove_prefix(length);
  return precision;
}

absl::StatusOr<CelValue> Format(Arguments a, Budget& budget) {
  absl::string_view format = a[0].string_value();
  const CelValue::List& values = a[1].list_value();
  LAMPLIGHTER_RETURN_IF_ERROR(budget.Allocate(format.size()));
  std::string text;
  size_t next = 0;
  while (!format.empty()) {
    const size_t plain = std::min(format.find('%'), format.size());
    text.append(format.data(), plain);
    format.remove_prefix(plain);
    if (format.empty()) break;
    format.remove_prefix(1);
    if (!format.empty() && format[0] == '%') {
      text.push_back('%');
      format.remove_prefix(1);
      continue;
    }
    if (next >= values.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("index ", next, " out of range"));
    }
    if (format.empty()) {
      return absl::InvalidArgumentError("unexpected end of string");
    }
    LAMPLIGHTER_ASSIGN_OR_RETURN(const int precision, ConsumePrecision(format));
    LAMPLIGHTER_ASSIGN_OR_RETURN(
        const std::string part,
        Clause(format[0], precision, values[next++], budget));
    format.remove_prefix(1);
    LAMPLIGHTER_RETURN_IF_ERROR(budget.Allocate(part.size()));
    text.append(part);
  }
  return CelValue::String(std::move(text));
}

constexpr FunctionRow kFunctions[] = {
    {"format", "string.(list(dyn)) -> string", &Format},
};

}  // namespace

absl::Span<const FunctionRow> FormatFunctions() { return kFunctions; }

}  // namespace lamplighter::dispatcher::cel
