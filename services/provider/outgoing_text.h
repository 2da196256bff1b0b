#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace lamplighter::provider {

// What every text goes through before it leaves the worker, for a forge or in
// an error. Pure functions; `text` must be valid UTF-8 for the result to be.

// One line: control characters become spaces, none are left at the ends.
std::string CleanLine(absl::string_view text);

// At most `max` characters (not bytes); a text that is cut ends in "…".
std::string CutCharacters(absl::string_view text, size_t max);

// Stars in place of `secrets`, passwords in URLs and what looks like a forge's
// token. Secrets under six bytes are left: they would be found in any text.
std::string MaskSecrets(absl::string_view text,
                        const std::vector<std::string>& secrets);

// The number of characters in `text`.
size_t CountCharacters(absl::string_view text);

}  // namespace lamplighter::provider
