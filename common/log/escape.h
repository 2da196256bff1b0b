#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace lamplighter::log_internal {

// Appends `value` with control characters, quotes and backslashes escaped as
// JSON has them, so that it cannot end its line or its string. Bytes that are
// not UTF-8 become U+FFFD.
void AppendEscaped(absl::string_view value, std::string& out);

// The same within quotes: a JSON string.
void AppendQuoted(absl::string_view value, std::string& out);

// Whether `value` would be misread as it is in a line of key=value.
bool NeedsQuotes(absl::string_view value);

}  // namespace lamplighter::log_internal
