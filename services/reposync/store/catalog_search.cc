#include "services/reposync/store/catalog_search.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/status/macros.h"
#include "services/reposync/store/entry_rows.h"
#include "services/reposync/store/repository_filter.h"
#include "services/reposync/store/search_condition.h"
#include "services/reposync/store/search_index.h"
#include "services/reposync/store/text.h"

namespace lamplighter::reposync {
namespace {

using v1::CatalogEntry;
using Kind = SearchAtom::Kind;

constexpr size_t kMaxQueryBytes = 256;
constexpr size_t kMaxWords = 8;
constexpr size_t kIndexed = 3;  // characters
constexpr int64_t kCandidates = 20'000;
constexpr int64_t kNarrowed = 500;  // by words that are not in the index
// What fewer match is had in one go and put in order here.
constexpr size_t kFew = 200;
constexpr int64_t kNearCandidates = 500;
constexpr double kNearEnough = 0.4;  // of the trigrams

// The words, folded, each once.
absl::StatusOr<std::vector<std::string>> WordsOf(const std::string& query) {
  if (query.size() > kMaxQueryBytes) {
    return absl::InvalidArgumentError("query: must be 256 bytes at most");
  }
  std::vector<std::string> words;
  for (absl::string_view word :
       absl::StrSplit(Fold(CleanText(query)), absl::ByAnyChar(" \t\r\n\v\f"),
                      absl::SkipEmpty())) {
    if (std::any_of(word.begin(), word.end(), absl::ascii_iscntrl)) continue;
    if (std::find(words.begin(), words.end(), word) == words.end()) {
      words.emplace_back(word);
    }
  }
  if (words.empty()) return absl::InvalidArgumentError("query: has no words");
  if (words.size() > kMaxWords) {
    return absl::InvalidArgumentError("query: must have 8 words at most");
  }
  return words;
}

// One clause: one of the words that are long enough is so in the name.
SearchClause OneOf(Kind kind, const std::vector<std::string>& words,
                   size_t at_least) {
  SearchClause clause;
  for (const std::string& word : words) {
    if (CountCharacters(word) >= at_least) clause.push_back({kind, word});
  }
  return clause;
}

// A clause for each word that is in the index.
std::vector<SearchClause> AllOf(Kind kind,
                                const std::vector<std::string>& words) {
  std::vector<SearchClause> clauses;
  for (const std::string& word : words) {
    if (CountCharacters(word) >= kIndexed) clauses.push_back({{kind, word}});
  }
  return clauses;
}

// What to look for, best first.
std::vector<std::vector<SearchClause>> Tiers(
    const std::vector<std::string>& words) {
  std::vector<std::vector<SearchClause>> tiers;
  const auto add = [&](SearchClause in_name) {
    if (in_name.empty()) return;
    tiers.push_back(AllOf(Kind::kNameOrPathHas, words));
    tiers.back().push_back(std::move(in_name));
  };
  add(OneOf(Kind::kNameIs, words, 1));
  add(OneOf(Kind::kNameBegins, words, 2));
  add(OneOf(Kind::kNameHas, words, kIndexed));
  tiers.push_back(AllOf(Kind::kNameOrPathHas, words));
  tiers.push_back(AllOf(Kind::kAnyHas, words));
  return tiers;
}

std::string TextOf(const v1::CatalogRepository& repository) {
  return Fold(absl::StrCat(repository.name(), "\n", repository.path(), "\n",
                           repository.description()));
}

// Which of Tiers() would have found it first, of one that the last would have.
int TierOf(const CatalogEntry& entry, const std::vector<std::string>& words) {
  const std::string name = Fold(entry.repository().name());
  const std::string path = Fold(entry.repository().path());
  bool in_path = true, is = false, begins = false, within = false;
  for (const std::string& word : words) {
    const size_t length = CountCharacters(word);
    in_path = in_path && (length < kIndexed || absl::StrContains(name, word) ||
                          absl::StrContains(path, word));
    is = is || name == word;
    begins = begins || (length >= 2 && absl::StartsWith(name, word));
    within = within || (length >= kIndexed && absl::StrContains(name, word));
  }
  if (!in_path) return 4;
  return is ? 0 : begins ? 1 : within ? 2 : 3;
}

// One search, with what it has found.
class Search {
 public:
  Search(Transaction& transaction, const v1::RepositoryFilter& filter,
         std::vector<std::string> words, size_t limit)
      : transaction_(transaction),
        filter_(transaction, filter),
        words_(std::move(words)),
        limit_(limit) {
    for (const std::string& word : words_) {
      if (CountCharacters(word) < kIndexed) short_words_.push_back(word);
    }
  }

  std::vector<CatalogEntry> Run() {
    if (!TakeFew()) {
      for (const std::vector<SearchClause>& tier : Tiers(words_)) {
        if (found_.size() >= limit_) break;
        if (tier.empty()) continue;  // of short words only
        Take(Load(tier, short_words_.empty() ? limit_ : kNarrowed));
      }
    }
    if (found_.empty()) TakeNear();
    LoadReachedBy(transaction_, found_);
    return std::move(found_);
  }

 private:
  // Takes all where they are few. False where they are not.
  bool TakeFew() {
    const std::vector<SearchClause> clauses = AllOf(Kind::kAnyHas, words_);
    if (clauses.empty()) return false;
    std::vector<CatalogEntry> all = Load(clauses, kFew);
    if (all.size() >= kFew) return false;
    // They are in order of the index.
    for (int tier = 0; tier <= 4; ++tier) {
      std::vector<CatalogEntry> of_tier;
      for (const CatalogEntry& entry : all) {
        if (TierOf(entry, words_) == tier) of_tier.push_back(entry);
      }
      Take(std::move(of_tier));
    }
    return true;
  }

  // Rows of the index in order of its key, joined with what they stand for.
  std::vector<CatalogEntry> Load(const std::vector<SearchClause>& clauses,
                                 int64_t most) {
    Bindings bindings = filter_.bindings();
    bindings.Number("most", most);
    const bool sqlite = transaction_.dialect == Dialect::kSqlite;
    const std::string condition =
        SearchSql(transaction_.dialect, clauses, bindings);
    if (sqlite) {
      bindings.Number("candidates", kCandidates);
      return LoadEntries(
          transaction_,
          absl::StrCat(
              "(SELECT rowid AS rank FROM repository_search WHERE ", condition,
              " ORDER BY rowid LIMIT :candidates) AS matches CROSS JOIN "
              "repositories ON repositories.id = matches.rank & ",
              kSearchIdMask, " WHERE 1 = 1", filter_.conditions(),
              " LIMIT :most"),
          bindings);
    }
    return LoadEntries(
        transaction_,
        absl::StrCat("repository_search JOIN repositories ON repositories.id = "
                     "repository_search.rank & ",
                     kSearchIdMask, " WHERE ", condition, filter_.conditions(),
                     " ORDER BY repository_search.rank LIMIT :most"),
        bindings);
  }

  void Take(std::vector<CatalogEntry> entries) {
    for (CatalogEntry& entry : entries) {
      if (found_.size() >= limit_) return;
      if (ids_.contains(entry.id()) || !HasShortWords(entry)) continue;
      ids_.insert(entry.id());
      found_.push_back(std::move(entry));
    }
  }

  bool HasShortWords(const CatalogEntry& entry) const {
    if (short_words_.empty()) return true;
    const std::string text = TextOf(entry.repository());
    return std::all_of(short_words_.begin(), short_words_.end(),
                       [&text](const std::string& word) {
                         return absl::StrContains(text, word);
                       });
  }

  void TakeNear();

  Transaction& transaction_;
  const FilterSql filter_;
  const std::vector<std::string> words_;
  const size_t limit_;
  std::vector<std::string> short_words_;
  std::vector<CatalogEntry> found_;
  absl::flat_hash_set<int64_t> ids_;
};

// Where characters of clean text begin, and its end.
std::vector<size_t> Beginnings(absl::string_view text) {
  std::vector<size_t> beginnings;
  for (size_t i = 0; i < text.size(); ++i) {
    if ((text[i] & 0xc0) != 0x80) beginnings.push_back(i);
  }
  beginnings.push_back(text.size());
  return beginnings;
}

// Parts of `size` characters.
std::vector<std::string> PartsOf(const std::string& word, size_t size,
                                 size_t step) {
  const std::vector<size_t> at = Beginnings(word);
  std::vector<std::string> parts;
  for (size_t i = 0; i + size < at.size(); i += step) {
    parts.push_back(word.substr(at[i], at[i + size] - at[i]));
  }
  return parts;
}

// Of a word with one thing wrong, a half is right; halves are laid at its
// beginning, middle and end.
SearchClause HalvesOf(const std::string& word) {
  const size_t length = CountCharacters(word);
  const size_t half = std::max(kIndexed, (length + 1) / 2);
  SearchClause clause;
  for (std::string& part :
       PartsOf(word, half, std::max<size_t>((length - half + 1) / 2, 1))) {
    clause.push_back({Kind::kAnyHas, std::move(part)});
  }
  return clause;
}

double Likeness(const std::vector<std::string>& trigrams,
                const CatalogEntry& entry) {
  const std::string text = TextOf(entry.repository());
  const auto shared = std::count_if(trigrams.begin(), trigrams.end(),
                                    [&text](const std::string& trigram) {
                                      return absl::StrContains(text, trigram);
                                    });
  return static_cast<double>(shared) / trigrams.size();
}

void Search::TakeNear() {
  std::vector<std::string> trigrams;
  std::vector<SearchClause> clauses;
  for (const std::string& word : words_) {
    if (CountCharacters(word) < kIndexed) continue;
    for (std::string& trigram : PartsOf(word, kIndexed, 1)) {
      trigrams.push_back(std::move(trigram));
    }
    clauses.push_back(HalvesOf(word));
  }
  if (clauses.empty()) return;
  std::vector<std::pair<double, CatalogEntry>> near;
  for (CatalogEntry& entry : Load(clauses, kNearCandidates)) {
    const double likeness = Likeness(trigrams, entry);
    if (likeness >= kNearEnough) near.emplace_back(likeness, std::move(entry));
  }
  std::sort(near.begin(), near.end(), [](const auto& a, const auto& b) {
    if (a.first != b.first) return a.first > b.first;
    return SearchRank(a.second.id(), a.second.repository()) <
           SearchRank(b.second.id(), b.second.repository());
  });
  std::vector<CatalogEntry> entries;
  for (auto& [likeness, entry] : near) entries.push_back(std::move(entry));
  Take(std::move(entries));
}

}  // namespace

absl::StatusOr<std::vector<CatalogEntry>> SearchEntries(
    Transaction& transaction, const v1::SearchRepositoriesRequest& request) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(std::vector<std::string> words,
                               WordsOf(request.query()));
  LAMPLIGHTER_ASSIGN_OR_RETURN(const int32_t limit,
                               PageSize(request.limit(), 20, 100));
  return Search(transaction, request.filter(), std::move(words), limit).Run();
}

}  // namespace lamplighter::reposync
