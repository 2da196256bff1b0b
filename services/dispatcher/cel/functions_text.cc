#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/status/macros.h"
#include "services/dispatcher/cel/functions.h"
#include "services/dispatcher/cel/regex.h"
#include "services/dispatcher/cel/utf8.h"

namespace lamplighter::dispatcher::cel {
namespace {

using Kind = CelValue::Kind;

absl::Status OutOfRange(int64_t index) {
  return absl::InvalidArgumentError(
      absl::StrCat("index out of range: ", index));
}

// Pays for walking over a text.
absl::Status Walk(absl::string_view text, Budget& budget) {
  return budget.Spend(static_cast<int64_t>(1 + text.size() / kBytesAStep));
}

absl::StatusOr<CelValue> Made(std::string text, Budget& budget) {
  LAMPLIGHTER_RETURN_IF_ERROR(budget.Allocate(text.size()));
  return CelValue::String(std::move(text));
}

absl::StatusOr<CelValue> Contains(Arguments a, Budget& budget) {
  LAMPLIGHTER_RETURN_IF_ERROR(Walk(a[0].string_value(), budget));
  return CelValue::Bool(
      absl::StrContains(a[0].string_value(), a[1].string_value()));
}

absl::StatusOr<CelValue> StartsWith(Arguments a, Budget&) {
  return CelValue::Bool(
      absl::StartsWith(a[0].string_value(), a[1].string_value()));
}

absl::StatusOr<CelValue> EndsWith(Arguments a, Budget&) {
  return CelValue::Bool(
      absl::EndsWith(a[0].string_value(), a[1].string_value()));
}

// Where the expression was not known beforehand.
absl::StatusOr<CelValue> Matches(Arguments a, Budget& budget) {
  // To read one costs far more than to use it.
  constexpr int64_t kStepsToCompile = 500;
  LAMPLIGHTER_RETURN_IF_ERROR(budget.Spend(kStepsToCompile));
  LAMPLIGHTER_RETURN_IF_ERROR(Walk(a[0].string_value(), budget));
  LAMPLIGHTER_ASSIGN_OR_RETURN(const std::unique_ptr<const RE2> regex,
                               CompileRegex(a[1].string_value()));
  return CelValue::Bool(RE2::PartialMatch(a[0].string_value(), *regex));
}

absl::StatusOr<CelValue> CharAt(Arguments a, Budget& budget) {
  const absl::string_view text = a[0].string_value();
  const int64_t index = a[1].int_value();
  LAMPLIGHTER_RETURN_IF_ERROR(Walk(text, budget));
  const auto size = static_cast<int64_t>(CountCodePoints(text));
  if (index < 0 || index > size) return OutOfRange(index);
  if (index == size) return CelValue::String("");
  const absl::string_view rest = text.substr(OffsetOf(text, index));
  return CelValue::String(
      std::string(rest.substr(0, DecodeFirst(rest).length)));
}

// The index of the code point at a byte of the text; -1 for no byte.
CelValue IndexAt(absl::string_view text, size_t byte) {
  if (byte == absl::string_view::npos) return CelValue::Int(-1);
  return CelValue::Int(
      static_cast<int64_t>(CountCodePoints(text.substr(0, byte))));
}

absl::StatusOr<CelValue> IndexOf(Arguments a, Budget& budget) {
  const absl::string_view text = a[0].string_value();
  const absl::string_view wanted = a[1].string_value();
  const int64_t offset = a.size() > 2 ? a[2].int_value() : 0;
  LAMPLIGHTER_RETURN_IF_ERROR(Walk(text, budget));
  if (offset < 0) return OutOfRange(offset);
  const auto size = static_cast<int64_t>(CountCodePoints(text));
  if (wanted.empty()) return CelValue::Int(std::min(offset, size));
  if (offset >= size) return CelValue::Int(-1);
  return IndexAt(text, text.find(wanted, OffsetOf(text, offset)));
}

absl::StatusOr<CelValue> LastIndexOf(Arguments a, Budget& budget) {
  const absl::string_view text = a[0].string_value();
  const absl::string_view wanted = a[1].string_value();
  LAMPLIGHTER_RETURN_IF_ERROR(Walk(text, budget));
  const auto size = static_cast<int64_t>(CountCodePoints(text));
  if (a.size() == 2) {
    return wanted.empty() ? CelValue::Int(size)
                          : IndexAt(text, text.rfind(wanted));
  }
  const int64_t offset = a[2].int_value();
  if (offset < 0) return OutOfRange(offset);
  if (wanted.empty()) return CelValue::Int(std::min(offset, size));
  if (offset >= size) return CelValue::Int(-1);
  return IndexAt(text, text.rfind(wanted, OffsetOf(text, offset)));
}

absl::StatusOr<CelValue> Lower(Arguments a, Budget& budget) {
  return Made(absl::AsciiStrToLower(a[0].string_value()), budget);
}

absl::StatusOr<CelValue> Upper(Arguments a, Budget& budget) {
  return Made(absl::AsciiStrToUpper(a[0].string_value()), budget);
}

// Where the next piece ends: at `separator`, or behind one code point where
// that is empty.
size_t PieceEnd(absl::string_view rest, absl::string_view separator) {
  if (!separator.empty()) return rest.find(separator);
  return rest.empty() ? absl::string_view::npos : DecodeFirst(rest).length;
}

absl::StatusOr<CelValue> Replace(Arguments a, Budget& budget) {
  absl::string_view rest = a[0].string_value();
  const absl::string_view old = a[1].string_value();
  const std::string& with = a[2].string_value();
  int64_t left = a.size() > 3 ? a[3].int_value() : -1;
  LAMPLIGHTER_RETURN_IF_ERROR(Walk(rest, budget));
  std::string text;
  // An empty text is found before every code point and at the end.
  for (bool first = old.empty(); left != 0; first = false, --left) {
    const size_t end = first ? 0 : PieceEnd(rest, old);
    if (end == absl::string_view::npos) break;
    LAMPLIGHTER_RETURN_IF_ERROR(budget.Allocate(end + with.size()));
    text.append(rest.data(), end).append(with);
    rest.remove_prefix(end + old.size());
  }
  LAMPLIGHTER_RETURN_IF_ERROR(budget.Allocate(rest.size()));
  return CelValue::String(text.append(rest.data(), rest.size()));
}

absl::StatusOr<CelValue> Split(Arguments a, Budget& budget) {
  absl::string_view rest = a[0].string_value();
  const absl::string_view separator = a[1].string_value();
  int64_t left = a.size() > 2 ? a[2].int_value() : -1;
  CelValue::List pieces;
  if (left == 0 || (rest.empty() && separator.empty())) {
    return CelValue::MakeList(std::move(pieces));
  }
  LAMPLIGHTER_RETURN_IF_ERROR(Walk(rest, budget));
  for (; left != 1; --left) {
    const size_t end = PieceEnd(rest, separator);
    if (end == absl::string_view::npos) break;
    // The last code point is the rest.
    if (separator.empty() && end == rest.size()) break;
    LAMPLIGHTER_RETURN_IF_ERROR(budget.Allocate(sizeof(CelValue) + end));
    pieces.push_back(CelValue::String(std::string(rest.substr(0, end))));
    rest.remove_prefix(end + separator.size());
  }
  LAMPLIGHTER_RETURN_IF_ERROR(budget.Allocate(sizeof(CelValue) + rest.size()));
  pieces.push_back(CelValue::String(std::string(rest)));
  return CelValue::MakeList(std::move(pieces));
}

absl::StatusOr<CelValue> Substring(Arguments a, Budget& budget) {
  const absl::string_view text = a[0].string_value();
  LAMPLIGHTER_RETURN_IF_ERROR(Walk(text, budget));
  const auto size = static_cast<int64_t>(CountCodePoints(text));
  const int64_t start = a[1].int_value();
  const int64_t end = a.size() > 2 ? a[2].int_value() : size;
  if (a.size() > 2 && start > end) {
    return absl::InvalidArgumentError(absl::StrCat(
        "invalid substring range. start: ", start, ", end: ", end));
  }
  if (start < 0 || start > size) return OutOfRange(start);
  if (end < 0 || end > size) return OutOfRange(end);
  const size_t first = OffsetOf(text, start);
  const size_t last = OffsetOf(text, end);
  return Made(std::string(text.substr(first, last - first)), budget);
}

bool IsSpace(uint32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 ||
         c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

absl::StatusOr<CelValue> Trim(Arguments a, Budget& budget) {
  const absl::string_view text = a[0].string_value();
  LAMPLIGHTER_RETURN_IF_ERROR(Walk(text, budget));
  size_t begin = absl::string_view::npos;
  size_t end = 0;
  for (size_t at = 0; at < text.size();) {
    const CodePoint next = DecodeFirst(text.substr(at));
    if (!IsSpace(next.value)) {
      begin = std::min(begin, at);
      end = at + next.length;
    }
    at += next.length;
  }
  if (end == 0) return CelValue::String("");
  return Made(std::string(text.substr(begin, end - begin)), budget);
}

absl::StatusOr<CelValue> Reverse(Arguments a, Budget& budget) {
  absl::string_view rest = a[0].string_value();
  LAMPLIGHTER_RETURN_IF_ERROR(Walk(rest, budget));
  LAMPLIGHTER_RETURN_IF_ERROR(budget.Allocate(rest.size()));
  std::string reversed(rest.size(), '\0');
  size_t end = rest.size();
  while (!rest.empty()) {
    const size_t length = DecodeFirst(rest).length;
    end -= length;
    reversed.replace(end, length, rest.data(), length);
    rest.remove_prefix(length);
  }
  return CelValue::String(std::move(reversed));
}

absl::StatusOr<CelValue> Join(Arguments a, Budget& budget) {
  std::string joined;
  absl::string_view separator;
  for (const CelValue& element : a[0].list_value()) {
    if (!element.Is(Kind::kString)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "join: invalid input of type ", TypeName(element.kind())));
    }
    const std::string& text = element.string_value();
    LAMPLIGHTER_RETURN_IF_ERROR(budget.Spend(1));
    LAMPLIGHTER_RETURN_IF_ERROR(
        budget.Allocate(separator.size() + text.size()));
    absl::StrAppend(&joined, separator, text);
    if (a.size() > 1) separator = a[1].string_value();
  }
  return CelValue::String(std::move(joined));
}

absl::StatusOr<CelValue> Quote(Arguments a, Budget& budget) {
  constexpr absl::string_view kEscaped = "\a\b\f\n\r\t\v\\\"";
  constexpr absl::string_view kLetters = "abfnrtv\\\"";
  absl::string_view rest = a[0].string_value();
  LAMPLIGHTER_RETURN_IF_ERROR(Walk(rest, budget));
  std::string quoted = "\"";
  while (!rest.empty()) {
    const CodePoint next = DecodeFirst(rest);
    const size_t escaped = kEscaped.find(rest[0]);
    if (escaped != absl::string_view::npos) {
      quoted.append({'\\', kLetters[escaped]});
    } else {
      AppendUtf8(next.value, quoted);
    }
    rest.remove_prefix(next.length);
  }
  quoted.push_back('"');
  return Made(std::move(quoted), budget);
}

constexpr FunctionRow kFunctions[] = {
    {"contains", "string.(string) -> bool", &Contains},
    {"startsWith", "string.(string) -> bool", &StartsWith},
    {"endsWith", "string.(string) -> bool", &EndsWith},
    {"matches", "(string, string) -> bool", &Matches},
    {"matches", "string.(string) -> bool", &Matches},
    {"charAt", "string.(int) -> string", &CharAt},
    {"indexOf", "string.(string) -> int", &IndexOf},
    {"indexOf", "string.(string, int) -> int", &IndexOf},
    {"lastIndexOf", "string.(string) -> int", &LastIndexOf},
    {"lastIndexOf", "string.(string, int) -> int", &LastIndexOf},
    {"lowerAscii", "string.() -> string", &Lower},
    {"upperAscii", "string.() -> string", &Upper},
    {"replace", "string.(string, string) -> string", &Replace},
    {"replace", "string.(string, string, int) -> string", &Replace},
    {"split", "string.(string) -> list(string)", &Split},
    {"split", "string.(string, int) -> list(string)", &Split},
    {"substring", "string.(int) -> string", &Substring},
    {"substring", "string.(int, int) -> string", &Substring},
    {"trim", "string.() -> string", &Trim},
    {"reverse", "string.() -> string", &Reverse},
    {"join", "list(string).() -> string", &Join},
    {"join", "list(string).(string) -> string", &Join},
    {"strings.quote", "(string) -> string", &Quote},
};

}  // namespace

absl::Span<const FunctionRow> TextFunctions() { return kFunctions; }

}  // namespace lamplighter::dispatcher::cel
