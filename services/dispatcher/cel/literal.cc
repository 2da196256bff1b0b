#include "services/dispatcher/cel/literal.h"

#include <cstdint>
#include <string>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/charconv.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "common/status/macros.h"
#include "services/dispatcher/cel/utf8.h"

namespace lamplighter::dispatcher::cel {
namespace {

// Decimal, or hexadecimal behind 0x.
template <typename T>
bool ParseInteger(absl::string_view text, Sign sign, T* value) {
  const absl::string_view minus = sign == Sign::kMinus ? "-" : "";
  if (absl::ConsumePrefix(&text, "0x")) {
    return absl::SimpleHexAtoi(absl::StrCat(minus, text), value);
  }
  return absl::SimpleAtoi(absl::StrCat(minus, text), value);
}

absl::StatusOr<CelValue> Integer(absl::string_view text, Sign sign) {
  int64_t value = 0;
  if (ParseInteger(text, sign, &value)) return CelValue::Int(value);
  return absl::InvalidArgumentError("invalid int literal");
}

absl::StatusOr<CelValue> Unsigned(absl::string_view text) {
  text.remove_suffix(1);  // u
  uint64_t value = 0;
  if (ParseInteger(text, Sign::kPlus, &value)) return CelValue::Uint(value);
  return absl::InvalidArgumentError("invalid uint literal");
}

absl::StatusOr<CelValue> Double(absl::string_view text, Sign sign) {
  double value = 0;
  const absl::from_chars_result result =
      absl::from_chars(text.data(), text.data() + text.size(), value);
  // What is too small is zero, or as near to it as can be.
  if (result.ec == std::errc() ||
      (result.ec == std::errc::result_out_of_range && value < 1)) {
    return CelValue::Double(sign == Sign::kMinus ? -value : value);
  }
  return absl::InvalidArgumentError("invalid double literal");
}

// The value of so many digits, which are taken off the front of `text`.
absl::StatusOr<uint32_t> ConsumeDigits(absl::string_view& text, size_t count,
                                       uint32_t base) {
  uint32_t value = 0;
  for (size_t i = 0; i < count; ++i) {
    const char c = i < text.size() ? absl::ascii_tolower(text[i]) : '\0';
    const uint32_t digit = absl::ascii_isdigit(c)    ? c - '0'
                           : absl::ascii_isxdigit(c) ? c - 'a' + 10
                                                     : base;
    if (digit >= base) {
      return absl::InvalidArgumentError("bad digits in an escape sequence");
    }
    value = value * base + digit;
  }
  text.remove_prefix(count);
  return value;
}

// Appends what stands behind a backslash, which is taken off `text`.
absl::Status ConsumeEscape(absl::string_view& text, Token::Kind kind,
                           std::string& out) {
  constexpr absl::string_view kLetters = "abfnrtv\\'\"`?";
  constexpr absl::string_view kMeanings = "\a\b\f\n\r\t\v\\'\"`?";
  if (text.empty()) return absl::InvalidArgumentError("nothing behind a \\");
  const char letter = text[0];
  if (const size_t i = kLetters.find(letter); i != kLetters.npos) {
    text.remove_prefix(1);
    out.push_back(kMeanings[i]);
    return absl::OkStatus();
  }
  const bool bytes = kind == Token::Kind::kBytes;
  uint32_t value = 0;
  if (letter >= '0' && letter <= '3') {
    LAMPLIGHTER_ASSIGN_OR_RETURN(value, ConsumeDigits(text, 3, 8));
  } else {
    text.remove_prefix(1);
    const size_t digits = letter == 'x' || letter == 'X' ? 2
                          : letter == 'u' && !bytes      ? 4
                          : letter == 'U' && !bytes      ? 8
                                                         : 0;
    if (digits == 0) {
      return absl::InvalidArgumentError(
          "unknown escape sequence; write \\\\ for a backslash");
    }
    LAMPLIGHTER_ASSIGN_OR_RETURN(value, ConsumeDigits(text, digits, 16));
  }
  if (bytes) {
    out.push_back(static_cast<char>(value));
    return absl::OkStatus();
  }
  if (!IsScalarValue(value)) {
    return absl::InvalidArgumentError("an escape sequence is no code point");
  }
  AppendUtf8(value, out);
  return absl::OkStatus();
}

absl::StatusOr<std::string> Unquote(const Token& token) {
  absl::string_view text = token.text;
  bool raw = false;
  for (; text[0] != '"' && text[0] != '\''; text.remove_prefix(1)) {
    raw = raw || absl::ascii_tolower(text[0]) == 'r';
  }
  const bool triple =
      text.size() >= 6 && text[1] == text[0] && text[2] == text[0];
  const size_t width = triple ? 3 : 1;
  text = text.substr(width, text.size() - 2 * width);
  const std::string lines =
      absl::StrReplaceAll(text, {{"\r\n", "\n"}, {"\r", "\n"}});
  if (raw) return lines;
  std::string out;
  text = lines;
  while (!text.empty()) {
    const char c = text[0];
    text.remove_prefix(1);
    if (c != '\\') {
      out.push_back(c);
      continue;
    }
    LAMPLIGHTER_RETURN_IF_ERROR(ConsumeEscape(text, token.kind, out));
  }
  return out;
}

}  // namespace

absl::StatusOr<CelValue> LiteralValue(const Token& token, Sign sign) {
  switch (token.kind) {
    case Token::Kind::kInt:
      return Integer(token.text, sign);
    case Token::Kind::kUint:
      return Unsigned(token.text);
    case Token::Kind::kDouble:
      return Double(token.text, sign);
    case Token::Kind::kString: {
      LAMPLIGHTER_ASSIGN_OR_RETURN(std::string text, Unquote(token));
      return CelValue::String(std::move(text));
    }
    case Token::Kind::kBytes: {
      LAMPLIGHTER_ASSIGN_OR_RETURN(std::string bytes, Unquote(token));
      return CelValue::Bytes(std::move(bytes));
    }
    default:
      return absl::InternalError("not a literal");
  }
}

}  // namespace lamplighter::dispatcher::cel
