#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

// Text as both databases take and compare it.

namespace lamplighter::reposync {

// `text` in UTF-8 without what PostgreSQL refuses: NULs are left out, and bytes
// that are no UTF-8 become U+FFFD.
std::string CleanText(absl::string_view text);

// Clean text without case: of Latin, Greek and Cyrillic letters. The same
// everywhere, whatever the locale of the database. What is stored folded
// (group_key, words) would have to be written anew if this changed.
std::string Fold(absl::string_view text);

// How many characters clean text has.
size_t CountCharacters(absl::string_view text);

// The first and the last characters of clean text, `count` at most.
absl::string_view FirstCharacters(absl::string_view text, size_t count);
absl::string_view LastCharacters(absl::string_view text, size_t count);

// Parts of clean text that have `size` characters, each beginning `step`
// characters after the one before.
std::vector<std::string> PartsOf(absl::string_view text, size_t size,
                                 size_t step);

}  // namespace lamplighter::reposync
