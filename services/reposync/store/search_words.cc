#include "services/reposync/store/search_words.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <tuple>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/reposync/store/each_once.h"
#include "services/reposync/store/row_batch.h"
#include "services/reposync/store/statements.h"
#include "services/reposync/store/text.h"
#include "soci/soci.h"

namespace lamplighter::reposync {
namespace {

// A part of up to so many characters is within one of the words that a long
// word becomes.
constexpr size_t kOverlap = 32;

// A part that more words have is common, and is left to what else there is.
constexpr size_t kMostWords = 100;
constexpr size_t kNearCandidates = 1000;  // of each half
constexpr size_t kNearWords = 8;
constexpr double kNearEnough = 0.3;

// Characters of SQLite's index that no text has.
constexpr char kBegins[] = "\x02";
constexpr char kEnds[] = "\x03";

// Characters of a word in a row.
struct Run {
  absl::string_view text;
  Seam seam;
};

std::vector<Run> RunsOf(absl::string_view text) {
  std::vector<Run> runs;
  const char* const end = text.end();
  for (const char* at = text.begin(); at != end;) {
    const char* const begin = std::find_if(at, end, &IsOfWord);
    if (begin == end) break;
    const Seam seam =
        runs.empty() || std::any_of(at, begin, absl::ascii_isspace)
            ? Seam::kNone
        : std::find(at, begin, '/') != begin ? Seam::kSlash
                                             : Seam::kOther;
    at = std::find_if_not(begin, end, &IsOfWord);
    runs.push_back({absl::string_view(begin, at - begin), seam});
  }
  return runs;
}

// What LIKE takes: words have none of its own characters.
std::string PatternOf(const WordPart& part) {
  return absl::StrCat(part.begins ? "" : "%", part.text, part.ends ? "" : "%");
}

// As SQLite's index has it.
std::string Marked(const WordPart& part) {
  return absl::StrCat(part.begins ? kBegins : "", part.text,
                      part.ends ? kEnds : "");
}

bool HasTrigrams(const WordPart& part) {
  return CountCharacters(Marked(part)) >= kTrigram;
}

// Side by side: those between would leave out little more.
std::string TrigramsOf(const WordPart& part) {
  const std::string marked = Marked(part);
  std::vector<std::string> trigrams = PartsOf(marked, kTrigram, kTrigram);
  trigrams.emplace_back(LastCharacters(marked, kTrigram));
  return absl::StrCat("\"", absl::StrJoin(trigrams, "\" AND \""), "\"");
}

// What finds words with each of the parts, which all have trigrams: its number,
// and the words, the oldest first.
std::string LookUpSql(Dialect dialect, size_t parts) {
  if (dialect == Dialect::kPostgresql) {
    // An index in order of the id would be read to its end.
    return "SELECT told.number - 1, found.word FROM "
           "unnest(CAST(:patterns AS TEXT[])) WITH ORDINALITY AS told(pattern, "
           "number) CROSS JOIN LATERAL (SELECT word FROM search_words WHERE "
           "word LIKE told.pattern ORDER BY id + 0 LIMIT :most) AS found";
  }
  std::vector<std::string> selects;
  for (size_t i = 0; i < parts; ++i) {
    selects.push_back(absl::StrCat(
        "SELECT ", i,
        ", word FROM (SELECT search_words.word FROM search_trigrams CROSS JOIN "
        "search_words ON search_words.id = search_trigrams.rowid WHERE "
        "search_trigrams MATCH :trigrams",
        i, " AND search_words.word LIKE :pattern", i,
        " ORDER BY search_trigrams.rowid LIMIT :most)"));
  }
  return absl::StrJoin(selects, " UNION ALL ");
}

// Of each part, `most` at most.
std::vector<std::vector<std::string>> LookUp(Transaction& transaction,
                                             const std::vector<WordPart>& parts,
                                             int64_t most) {
  std::vector<std::vector<std::string>> words(parts.size());
  if (parts.empty()) return words;
  std::vector<std::string> patterns;
  for (const WordPart& part : parts) patterns.push_back(PatternOf(part));
  Bindings bindings;
  bindings.Number("most", most);
  if (transaction.dialect == Dialect::kPostgresql) {
    bindings.Text("patterns", ArrayOf(transaction.dialect, patterns));
  } else {
    for (size_t i = 0; i < parts.size(); ++i) {
      bindings.Text(absl::StrCat("trigrams", i), TrigramsOf(parts[i]))
          .Text(absl::StrCat("pattern", i), patterns[i]);
    }
  }
  int64_t number = 0;
  std::string word;
  ForEachRow(
      transaction, LookUpSql(transaction.dialect, parts.size()),
      [&] { words[number].push_back(word); }, soci::into(number),
      soci::into(word), bindings);
  return words;
}

using Trigrams = std::vector<uint32_t>;

// In order, each once; those of where it begins and ends, too.
Trigrams PaddedTrigrams(const std::string& word) {
  const std::string padded = absl::StrCat("  ", word, " ");
  Trigrams trigrams;
  uint32_t last = 0;  // bytes
  for (const char c : padded) {
    last = (last << 8 | static_cast<unsigned char>(c)) & 0xffffff;
    if (last > 0xffff) trigrams.push_back(last);
  }
  SortEachOnce(trigrams);
  return trigrams;
}

// Of the trigrams that either has, how many both have: as pg_trgm has it.
double Likeness(const Trigrams& a, const Trigrams& b) {
  Trigrams both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(),
                        std::back_inserter(both));
  return static_cast<double>(both.size()) / (a.size() + b.size() - both.size());
}

}  // namespace

bool IsOfWord(char c) {
  return absl::ascii_isalnum(c) || !absl::ascii_isascii(c) || c == '+' ||
         c == '#';
}

std::vector<Word> WordsOf(absl::string_view text) {
  std::vector<Word> words;
  for (Run run : RunsOf(text)) {
    Word& word = words.emplace_back();
    word.seam = run.seam;
    while (CountCharacters(run.text) > 2 * kOverlap) {
      word.parts.emplace_back(FirstCharacters(run.text, 2 * kOverlap));
      run.text.remove_prefix(FirstCharacters(run.text, kOverlap).size());
    }
    word.parts.emplace_back(run.text);
  }
  return words;
}

std::vector<WordPart> WordPartsOf(absl::string_view text, bool begins) {
  std::vector<WordPart> parts;
  for (const Run& run : RunsOf(text)) {
    const absl::string_view first = FirstCharacters(run.text, kOverlap);
    parts.push_back(
        {std::string(first), begins || run.text.begin() != text.begin(),
         run.text.end() != text.end() && first.size() == run.text.size(),
         run.seam});
  }
  return parts;
}

std::vector<FoundWords> FindWords(Transaction& transaction,
                                  const std::vector<WordPart>& parts) {
  std::vector<FoundWords> found(parts.size());
  std::vector<WordPart> all;
  std::vector<size_t> places;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].begins && parts[i].ends) {
      found[i] = {{parts[i].text}, true};
    } else if (HasTrigrams(parts[i])) {
      all.push_back(parts[i]);
      places.push_back(i);
    }
  }
  auto words = LookUp(transaction, all, kMostWords + 1);
  for (size_t i = 0; i < words.size(); ++i) {
    const bool are_all = words[i].size() <= kMostWords;
    found[places[i]] = {std::move(words[i]), are_all};
  }
  return found;
}

std::vector<std::vector<NearWord>> FindNearWords(
    Transaction& transaction, const std::vector<std::string>& words) {
  std::vector<WordPart> halves;
  std::vector<size_t> of_word;
  for (size_t i = 0; i < words.size(); ++i) {
    const size_t length = CountCharacters(words[i]);
    if (length < kTrigram) continue;
    // Of a word with one thing wrong, a half is right; halves are laid at its
    // beginning, middle and end.
    const size_t half = std::max(kTrigram, (length + 1) / 2);
    for (std::string& text : PartsOf(
             words[i], half, std::max<size_t>((length - half + 1) / 2, 1))) {
      halves.push_back({std::move(text)});
      of_word.push_back(i);
    }
  }
  std::vector<Trigrams> trigrams;
  for (const std::string& word : words) {
    trigrams.push_back(PaddedTrigrams(word));
  }
  std::vector<std::vector<NearWord>> all(words.size());
  auto others = LookUp(transaction, halves, kNearCandidates);
  for (size_t i = 0; i < others.size(); ++i) {
    for (std::string& other : others[i]) {
      const double likeness =
          Likeness(trigrams[of_word[i]], PaddedTrigrams(other));
      if (likeness < kNearEnough) continue;
      all[of_word[i]].push_back({std::move(other), likeness});
    }
  }
  for (std::vector<NearWord>& near : all) {
    std::sort(
        near.begin(), near.end(), [](const NearWord& a, const NearWord& b) {
          return std::tie(b.likeness, a.word) < std::tie(a.likeness, b.word);
        });
    near.erase(std::unique(near.begin(), near.end(),
                           [](const NearWord& a, const NearWord& b) {
                             return a.word == b.word;
                           }),
               near.end());
    if (near.size() > kNearWords) near.resize(kNearWords);
  }
  return all;
}

void AddWords(Transaction& transaction, std::vector<std::string> words) {
  SortEachOnce(words);  // in order of the index
  if (transaction.dialect == Dialect::kPostgresql) {
    RowBatch batch;
    batch.Text("word") = std::move(words);
    batch.Insert(transaction, "search_words", "ON CONFLICT(word) DO NOTHING");
    return;
  }
  // Most are there.
  int64_t last = 0;
  Execute(transaction, "SELECT COALESCE(MAX(id), 0) FROM search_words",
          soci::into(last));
  const std::string begins = kBegins, ends = kEnds;
  const std::string array = ArrayOf(transaction.dialect, words);
  Execute(transaction,
          "INSERT INTO search_words(word) SELECT value FROM json_each(:words) "
          "WHERE NOT EXISTS (SELECT 1 FROM search_words WHERE word = value)",
          soci::use(array, "words"));
  Execute(transaction,
          "INSERT INTO search_trigrams(rowid, word) SELECT id, :begins || word "
          "|| :ends FROM search_words WHERE id > :last",
          soci::use(begins, "begins"), soci::use(ends, "ends"),
          soci::use(last, "last"));
}

}  // namespace lamplighter::reposync
