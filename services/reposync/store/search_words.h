#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "services/reposync/store/database.h"

// The words of the catalog. The index of repositories knows whole words; parts
// of words are looked for among all the words there are, of which even a large
// catalog has few. Table search_words has them, with an index of trigrams: FTS5
// on SQLite, which has where a word begins and ends as characters, too; pg_trgm
// on PostgreSQL. A word stays when the last repository that had it is gone.

namespace lamplighter::reposync {

// Trigrams are of so many characters.
constexpr size_t kTrigram = 3;

// True for letters and digits, among which are + and # ("c++", "c#") and all
// that is not ASCII.
bool IsOfWord(char c);

// Where a word meets the one before.
enum class Seam : char {
  kNone = 0,     // at a space, or not at all
  kSlash = '#',  // at a slash
  kOther = '+',  // at other characters
};

// A word of a text: of these in a row.
struct Word {
  // One, but of more than 64 characters several that overlap by a half.
  std::vector<std::string> parts;
  Seam seam = Seam::kNone;
};

// Words of folded text, in order.
std::vector<Word> WordsOf(absl::string_view text);

// What a word of the catalog is to have.
struct WordPart {
  std::string text;
  bool begins = false;  // the word
  bool ends = false;
  Seam seam = Seam::kNone;
};

// What words have, one after another, of any text that has this one, which is
// folded and without spaces; or of one that begins with it.
std::vector<WordPart> WordPartsOf(absl::string_view text, bool begins);

// Words of the catalog, the oldest first: these are the most common ones.
struct FoundWords {
  std::vector<std::string> words;
  // False: there are more, or the part is too short to be looked for.
  bool are_all = false;
};
// Of each part.
std::vector<FoundWords> FindWords(Transaction& transaction,
                                  const std::vector<WordPart>& parts);

// Words of the catalog that may have been meant, the likest first, 8 at most.
struct NearWord {
  std::string word;
  double likeness;  // up to 1, the word itself
};
// Of each word.
std::vector<std::vector<NearWord>> FindNearWords(
    Transaction& transaction, const std::vector<std::string>& words);

// Adds those that are new. In a transaction that may write.
void AddWords(Transaction& transaction, std::vector<std::string> words);

}  // namespace lamplighter::reposync
