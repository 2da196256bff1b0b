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
// (group_key, repository_search) would have to be written anew if this changed.
std::string Fold(absl::string_view text);

// How many characters clean text has.
size_t CountCharacters(absl::string_view text);

// Parts of clean text that have `size` characters, each beginning `step`
// characters after the one before.
std::vector<std::string> PartsOf(absl::string_view text, size_t size,
                                 size_t step);

// Clean text in another alphabet, of 960 characters from `first` on: each of
// ASCII becomes one of its own, others may become the same.
constexpr uint32_t kAlphabetSize = 960;
std::string InAlphabet(absl::string_view text, uint32_t first);

}  // namespace lamplighter::reposync
