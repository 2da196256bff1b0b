#include "services/reposync/store/search_planner.h"

#include <iterator>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/reposync/store/text.h"

namespace lamplighter::reposync {
namespace {

using Kind = SearchAtom::Kind;

// Lists of more pairs of words are not asked for.
constexpr size_t kMostPairs = 60;

// True if two characters at the seam of words are known, or that there is one.
bool KnowsTwo(const WordPart& part) {
  return (part.begins && part.ends) || CountCharacters(part.text) >= 2;
}

// True if nothing was cut off between them.
bool AreSideBySide(const WordPart& part, const WordPart& next) {
  return part.ends && next.begins;
}

std::string KeyOf(const WordPart& part) {
  return absl::StrCat(part.begins ? "^" : "", part.text, part.ends ? "$" : "");
}

}  // namespace

const SearchPlanner::PairKinds SearchPlanner::kInPath = {
    ListKind::kPathPair, ListKind::kPathSeam, ListKind::kPathSeamOfTwo};
const SearchPlanner::PairKinds SearchPlanner::kInDescription = {
    ListKind::kDescriptionPair, ListKind::kDescriptionSeam,
    ListKind::kDescriptionSeamOfTwo};

SearchPlanner::SearchPlanner(Transaction& transaction,
                             const SearchSample& sample,
                             const std::vector<std::string>& words)
    : transaction_(transaction), queries_(transaction.dialect, sample) {
  std::vector<WordPart> parts;
  for (const std::string& word : words) {
    for (WordPart& part : WordPartsOf(word, false)) {
      // Many words have it: those that begin with it will be asked for, too.
      if (!part.begins && CountCharacters(part.text) <= kTrigram) {
        parts.push_back(part);
        parts.back().begins = true;
      }
      parts.push_back(std::move(part));
    }
  }
  std::vector<FoundWords> found = FindWords(transaction, parts);
  for (size_t i = 0; i < parts.size(); ++i) {
    found_[KeyOf(parts[i])] = std::move(found[i]);
  }
}

const FoundWords& SearchPlanner::WordsWith(const WordPart& part) {
  const auto [place, is_new] = found_.try_emplace(KeyOf(part));
  if (!is_new) return place->second;
  FoundWords& found = place->second;
  const auto within = found_.find(part.text);
  if (part.begins && !part.ends && within != found_.end() &&
      within->second.are_all) {
    found.are_all = true;
    absl::c_copy_if(within->second.words, std::back_inserter(found.words),
                    [&part](const std::string& word) {
                      return absl::StartsWith(word, part.text);
                    });
  } else {
    found = FindWords(transaction_, {part})[0];
  }
  return found;
}

bool SearchPlanner::IsOfFewPairs(const WordPart& part, const WordPart& next) {
  if (!AreSideBySide(part, next)) return false;
  const FoundWords& words = WordsWith(part);
  const FoundWords& nexts = WordsWith(next);
  return words.are_all && nexts.are_all &&
         words.words.size() * nexts.words.size() <= kMostPairs;
}

std::vector<std::string> SearchPlanner::ListsOfPair(const PairKinds& pairs,
                                                    const WordPart& part,
                                                    const WordPart& next) {
  if (!IsOfFewPairs(part, next)) {
    return {ListOf(
        KnowsTwo(part) && KnowsTwo(next) ? pairs.seam_of_two : pairs.seam,
        part.text, next.seam, next.text)};
  }
  std::vector<std::string> lists;
  for (const std::string& word : WordsWith(part).words) {
    for (const std::string& after : WordsWith(next).words) {
      lists.push_back(ListOf(pairs.words, word, next.seam, after));
    }
  }
  return lists;
}

absl::optional<IndexQuery> SearchPlanner::QueryOf(
    const std::vector<WordPart>& parts, ListKind first, ListKind others,
    const PairKinds& pairs) {
  std::vector<IndexQuery> queries;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0 && AreSideBySide(parts[i - 1], parts[i])) {
      queries.push_back(
          queries_.InLists(ListsOfPair(pairs, parts[i - 1], parts[i])));
    }
    // What has a pair has its words, but perhaps not in the name.
    if (others != ListKind::kNameLater &&
        ((i > 0 && IsOfFewPairs(parts[i - 1], parts[i])) ||
         (i + 1 < parts.size() && IsOfFewPairs(parts[i], parts[i + 1])))) {
      continue;
    }
    const FoundWords& found = WordsWith(parts[i]);
    if (found.words.empty() && !found.are_all) continue;
    std::vector<std::string> lists;
    for (const std::string& word : found.words) {
      lists.push_back(ListOf(i == 0 ? first : others, word));
    }
    if (parts.size() == 1 && parts[i].begins) {
      return queries_.InListsThatBegin(ListOf(first, parts[i].text), lists,
                                       found.are_all);
    }
    queries.push_back(queries_.InLists(lists));
    queries.back().finds_all = found.are_all;
  }
  if (queries.empty()) return absl::nullopt;
  return queries_.AllOf(std::move(queries));
}

absl::optional<IndexQuery> SearchPlanner::QueryOf(const SearchAtom& atom) {
  if (atom.kind == Kind::kNameIs) {
    return queries_.InLists({NameListOf(atom.word)});
  }
  const bool begins = atom.kind == Kind::kNameBegins;
  const std::vector<WordPart> parts = WordPartsOf(atom.word, begins);
  if (parts.empty()) return absl::nullopt;
  if (begins && IsOfWord(atom.word[0])) {
    return QueryOf(parts,
                   parts[0].ends ? ListKind::kNameHead : ListKind::kNameFirst,
                   ListKind::kNameLater, kInPath);
  }
  if (begins || atom.kind == Kind::kNameHas) {
    absl::optional<IndexQuery> name = QueryOf(
        parts, parts[0].begins ? ListKind::kNameLater : ListKind::kNameWord,
        ListKind::kNameLater, kInPath);
    if (!begins || !name.has_value()) return name;
    return queries_.AllOf({*std::move(name), queries_.InLists({ListOf(
                                                 ListKind::kNameSign, "")})});
  }
  absl::optional<IndexQuery> path =
      QueryOf(parts, ListKind::kPathWord, ListKind::kPathWord, kInPath);
  if (!path.has_value() || atom.kind != Kind::kAnyHas) return path;
  absl::optional<IndexQuery> description =
      QueryOf(parts, ListKind::kDescriptionWord, ListKind::kDescriptionWord,
              kInDescription);
  if (!description.has_value()) return absl::nullopt;
  return queries_.AnyOf({*std::move(path), *std::move(description)});
}

absl::optional<IndexQuery> SearchPlanner::QueryOf(const SearchClause& clause) {
  std::vector<IndexQuery> atoms;
  for (const SearchAtom& atom : clause) {
    absl::optional<IndexQuery> query = QueryOf(atom);
    if (!query.has_value()) return absl::nullopt;
    atoms.push_back(*std::move(query));
  }
  return queries_.AnyOf(std::move(atoms));
}

absl::optional<IndexQuery> SearchPlanner::QueryOf(
    const SearchClauses& clauses) {
  std::vector<IndexQuery> queries;
  for (const SearchClause& clause : clauses) {
    if (auto query = QueryOf(clause)) queries.push_back(*std::move(query));
  }
  if (queries.empty()) return absl::nullopt;
  return queries_.AllOf(std::move(queries));
}

IndexQuery SearchPlanner::QueryOf(const std::vector<NearPart>& parts) const {
  std::vector<IndexQuery> queries;
  for (size_t i = 0; i < parts.size(); ++i) {
    std::vector<std::string> lists, pairs;
    for (const NearWord& near : parts[i].words) {
      lists.push_back(ListOf(ListKind::kPathWord, near.word));
      if (parts[i].seam == Seam::kNone) continue;
      for (const NearWord& before : parts[i - 1].words) {
        pairs.push_back(
            ListOf(ListKind::kPathPair, before.word, parts[i].seam, near.word));
      }
    }
    queries.push_back(queries_.InLists(lists));
    if (!pairs.empty() && pairs.size() <= kMostPairs) {
      queries.push_back(queries_.InLists(pairs));
    }
  }
  return queries_.AllOf(std::move(queries));
}

}  // namespace lamplighter::reposync
