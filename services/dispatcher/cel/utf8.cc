#include "services/dispatcher/cel/utf8.h"

#include <string>

namespace lamplighter::dispatcher::cel {

CodePoint DecodeFirst(absl::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return {first, 1};
  const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) {
    return {kReplacement, 1};
  }
  uint32_t value = first & (0xFF >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xC0) != 0x80) return {kReplacement, 1};
    value = (value << 6) | (byte & 0x3F);
  }
  constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (value < kSmallest[length] || !IsScalarValue(value)) {
    return {kReplacement, 1};
  }
  return {value, length};
}

bool IsValidUtf8(absl::string_view text) {
  while (!text.empty()) {
    const CodePoint next = DecodeFirst(text);
    // A real U+FFFD is three bytes long.
    if (next.value == kReplacement && next.length == 1) return false;
    text.remove_prefix(next.length);
  }
  return true;
}

bool IsScalarValue(uint32_t code_point) {
  return code_point < 0xD800 || (code_point > 0xDFFF && code_point <= 0x10FFFF);
}

void AppendUtf8(uint32_t code_point, std::string& out) {
  if (code_point < 0x80) {
    out.push_back(static_cast<char>(code_point));
    return;
  }
  if (code_point < 0x800) {
    out.push_back(static_cast<char>(0xC0 | (code_point >> 6)));
  } else {
    if (code_point < 0x10000) {
      out.push_back(static_cast<char>(0xE0 | (code_point >> 12)));
    } else {
      out.push_back(static_cast<char>(0xF0 | (code_point >> 18)));
      out.push_back(static_cast<char>(0x80 | ((code_point >> 12) & 0x3F)));
    }
    out.push_back(static_cast<char>(0x80 | ((code_point >> 6) & 0x3F)));
  }
  out.push_back(static_cast<char>(0x80 | (code_point & 0x3F)));
}

size_t CountCodePoints(absl::string_view text) {
  size_t count = 0;
  for (; !text.empty(); ++count) text.remove_prefix(DecodeFirst(text).length);
  return count;
}

size_t OffsetOf(absl::string_view text, size_t index) {
  size_t offset = 0;
  for (; index > 0 && offset < text.size(); --index) {
    offset += DecodeFirst(text.substr(offset)).length;
  }
  return offset;
}

}  // namespace lamplighter::dispatcher::cel
