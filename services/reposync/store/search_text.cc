#include "services/reposync/store/search_text.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "services/reposync/store/search_words.h"
#include "services/reposync/store/text.h"

namespace lamplighter::reposync {
namespace {

using Kind = SearchAtom::Kind;

constexpr size_t kMaxQueryBytes = 256;
constexpr size_t kMaxWords = 8;
constexpr size_t kMaxDescription = 4096;  // characters

bool Has(const SearchText& text, const SearchAtom& atom) {
  switch (atom.kind) {
    case Kind::kNameIs:
      return text.name == atom.word;
    case Kind::kNameBegins:
      return absl::StartsWith(text.name, atom.word);
    case Kind::kNameHas:
      return absl::StrContains(text.name, atom.word);
    case Kind::kPathHas:
      return absl::StrContains(text.path, atom.word);
    case Kind::kAnyHas:
      return absl::StrContains(text.path, atom.word) ||
             absl::StrContains(text.description, atom.word);
  }
  return false;
}

// A clause for each word.
SearchClauses AllOf(Kind kind, const std::vector<std::string>& words) {
  SearchClauses clauses;
  for (const std::string& word : words) clauses.push_back({{kind, word}});
  return clauses;
}

// Of the words that are long enough, one.
SearchClause OneOf(Kind kind, const std::vector<std::string>& words,
                   size_t at_least) {
  SearchClause clause;
  for (const std::string& word : words) {
    if (CountCharacters(word) >= at_least) clause.push_back({kind, word});
  }
  return clause;
}

}  // namespace

SearchText SearchTextOf(const v1::CatalogRepository& repository) {
  return {Fold(repository.name()), Fold(repository.path()),
          Fold(FirstCharacters(repository.description(), kMaxDescription))};
}

bool Matches(const SearchText& text, const SearchClauses& clauses) {
  return std::all_of(
      clauses.begin(), clauses.end(), [&text](const SearchClause& clause) {
        return std::any_of(
            clause.begin(), clause.end(),
            [&text](const SearchAtom& atom) { return Has(text, atom); });
      });
}

absl::StatusOr<std::vector<std::string>> SearchWords(const std::string& query) {
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

std::vector<SearchClauses> SearchTiers(const std::vector<std::string>& words) {
  std::vector<SearchClauses> tiers;
  for (const auto& [kind, at_least] : {std::pair(Kind::kNameIs, size_t{1}),
                                       std::pair(Kind::kNameBegins, size_t{2}),
                                       std::pair(Kind::kNameHas, kTrigram)}) {
    SearchClause in_name = OneOf(kind, words, at_least);
    if (in_name.empty()) continue;
    SearchClauses& tier = tiers.emplace_back();
    tier.push_back(std::move(in_name));
    if (words.size() == 1) continue;  // what is in the name is in the path
    for (SearchClause& in_path : AllOf(Kind::kPathHas, words)) {
      tier.push_back(std::move(in_path));
    }
  }
  tiers.push_back(AllOf(Kind::kPathHas, words));
  tiers.push_back(AllOf(Kind::kAnyHas, words));
  return tiers;
}

}  // namespace lamplighter::reposync
