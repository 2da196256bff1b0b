#pragma once

#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace lamplighter::dispatcher::cel {

// An InvalidArgument that names a place in an expression:
// "line:column: what is wrong", both from 1, columns in code points.
template <typename... Text>
absl::Status ErrorAt(absl::string_view source, size_t offset,
                     const Text&... text) {
  size_t line = 1;
  size_t column = 1;
  for (const char c : source.substr(0, offset)) {
    if (c == '\n') {
      ++line;
      column = 1;
    } else if ((c & 0xC0) != 0x80) {  // not in the middle of a code point
      ++column;
    }
  }
  return absl::InvalidArgumentError(
      absl::StrCat(line, ":", column, ": ", text...));
}

}  // namespace lamplighter::dispatcher::cel
