#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace lamplighter::dispatcher::cel {

// What U+FFFD stands for: a byte that belongs to no code point.
constexpr uint32_t kReplacement = 0xFFFD;

struct CodePoint {
  uint32_t value;  // kReplacement where the bytes are not UTF-8
  size_t length;   // in bytes; 1 where the bytes are not UTF-8
};

// The code point that `text`, which is not empty, begins with.
CodePoint DecodeFirst(absl::string_view text);
bool IsValidUtf8(absl::string_view text);
// Whether UTF-8 can say it: no surrogate, not beyond U+10FFFF.
bool IsScalarValue(uint32_t code_point);
void AppendUtf8(uint32_t code_point, std::string& out);
size_t CountCodePoints(absl::string_view text);
// In bytes, of the code point with this index; the length of `text` where it
// has no more than that.
size_t OffsetOf(absl::string_view text, size_t index);

}  // namespace lamplighter::dispatcher::cel
