#include "common/log/escape.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "absl/strings/str_format.h"

namespace lamplighter::log_internal {
namespace {

// The length of the UTF-8 sequence that `text` begins with, 0 if it is none.
size_t Utf8Length(absl::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(0);
  const size_t length = first < 0x80                    ? 1
                        : first >= 0xC2 && first < 0xE0 ? 2
                        : first >= 0xE0 && first < 0xF0 ? 3
                        : first >= 0xF0 && first < 0xF5 ? 4
                                                        : 0;
  if (length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xC0) != 0x80) return 0;
  // Overlong forms, surrogates and what lies beyond U+10FFFF.
  if ((first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) > 0x9F) ||
      (first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) > 0x8F)) {
    return 0;
  }
  return length;
}

bool IsControl(char c) { return static_cast<uint8_t>(c) < 0x20 || c == 0x7F; }

void AppendAscii(char c, std::string& out) {
  if (c == '\n') {
    out += "\\n";
  } else if (IsControl(c)) {
    absl::StrAppendFormat(&out, "\\u%04x", static_cast<uint8_t>(c));
  } else {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
}

}  // namespace

void AppendEscaped(absl::string_view value, std::string& out) {
  while (!value.empty()) {
    const size_t length = Utf8Length(value);
    if (length == 0) {
      out += "\xEF\xBF\xBD";
    } else if (length == 1) {
      AppendAscii(value.front(), out);
    } else {
      out.append(value.data(), length);
    }
    value.remove_prefix(std::max<size_t>(length, 1));
  }
}

void AppendQuoted(absl::string_view value, std::string& out) {
  out += '"';
  AppendEscaped(value, out);
  out += '"';
}

bool NeedsQuotes(absl::string_view value) {
  return value.empty() || std::any_of(value.begin(), value.end(), [](char c) {
           return IsControl(c) || c == ' ' || c == '"' || c == '=' ||
                  c == '\\' || static_cast<uint8_t>(c) >= 0x80;
         });
}

}  // namespace lamplighter::log_internal
