#include "services/reposync/store/search_ranks.h"

#include <iterator>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/reposync/store/statements.h"
#include "services/reposync/store/text.h"
#include "soci/soci.h"

namespace lamplighter::reposync {
namespace {

using Kind = SearchAtom::Kind;

// PostgreSQL reads all rows to put them in order: of no more of the sample.
constexpr size_t kInOrder = 40;
// Lists of more pairs of words are not asked for.
constexpr size_t kMostPairs = 200;

// True if two characters at the seam of words are known, or that there is one.
bool KnowsTwo(const WordPart& part) {
  return (part.begins && part.ends) || CountCharacters(part.text) >= 2;
}

// In which lists of names the first part may be: of those that begin with
// `word`, or have it.
std::vector<ListKind> FirstOfName(const std::string& word,
                                  const std::vector<WordPart>& parts,
                                  bool begins) {
  std::vector<ListKind> lists;
  if (!begins) lists.push_back(ListKind::kNameWord);
  if (!IsOfWord(word[0])) {
    lists.push_back(ListKind::kNameSign);
    return lists;
  }
  lists.push_back(ListKind::kNameFirst);
  if (parts.size() == 1 && !parts[0].ends) lists.push_back(ListKind::kName);
  return lists;
}

std::vector<std::string> ListsOf(const std::vector<ListKind>& kinds,
                                 const FoundWords& found) {
  std::vector<std::string> lists;
  for (const std::string& word : found.words) {
    for (const ListKind kind : kinds) lists.push_back(ListOf(kind, word));
  }
  return lists;
}

}  // namespace

const RankFinder::PairKinds RankFinder::kInPath = {
    ListKind::kPathPair, ListKind::kPathSeam, ListKind::kPathSeamOfTwo};
const RankFinder::PairKinds RankFinder::kInDescription = {
    ListKind::kDescriptionPair, ListKind::kDescriptionSeam,
    ListKind::kDescriptionSeamOfTwo};

RankFinder::RankFinder(Transaction& transaction, const SearchSample& sample)
    : transaction_(transaction), sample_(sample) {
  // SQLite: a search reads here and there; pages that the system has in memory
  // are looked at in place. They count as resident, and can be had back.
  // PostgreSQL: all is found soonest by an index, whatever the planner thinks
  // of a value that it does not know.
  transaction.sql << (transaction.dialect == Dialect::kSqlite
                          ? "PRAGMA mmap_size = 1073741824"
                          : "SET LOCAL enable_seqscan = off");
}

const FoundWords& RankFinder::WordsWith(const WordPart& part) {
  const auto [place, is_new] = found_.try_emplace(
      absl::StrCat(part.begins ? "^" : "", part.text, part.ends ? "$" : ""));
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
    found = FindWords(transaction_, part);
  }
  return found;
}

absl::optional<IndexQuery> RankFinder::QueryOfPair(const PairKinds& pairs,
                                                   const WordPart& part,
                                                   const WordPart& next) {
  if (!part.ends || !next.begins) return absl::nullopt;  // it was cut
  const FoundWords& words = WordsWith(part);
  const FoundWords& nexts = WordsWith(next);
  std::vector<std::string> lists;
  if (words.are_all && nexts.are_all &&
      words.words.size() * nexts.words.size() <= kMostPairs) {
    for (const std::string& word : words.words) {
      for (const std::string& after : nexts.words) {
        lists.push_back(ListOf(pairs.words, word, next.seam, after));
      }
    }
  } else {
    lists.push_back(ListOf(
        KnowsTwo(part) && KnowsTwo(next) ? pairs.seam_of_two : pairs.seam,
        part.text, next.seam, next.text));
  }
  return InLists(transaction_.dialect, sample_, lists);
}

absl::optional<IndexQuery> RankFinder::QueryOf(
    const std::vector<WordPart>& parts, const std::vector<ListKind>& first,
    ListKind others, const PairKinds& pairs) {
  std::vector<IndexQuery> queries;
  for (size_t i = 0; i < parts.size(); ++i) {
    const FoundWords& found = WordsWith(parts[i]);
    if (!found.words.empty() || found.are_all) {
      queries.push_back(InLists(
          transaction_.dialect, sample_,
          ListsOf(i == 0 ? first : std::vector<ListKind>{others}, found)));
      queries.back().finds_all = found.are_all;
    }
    if (i == 0) continue;
    if (auto pair = QueryOfPair(pairs, parts[i - 1], parts[i])) {
      queries.push_back(*std::move(pair));
    }
  }
  if (queries.empty()) return absl::nullopt;
  return AllOf(transaction_.dialect, std::move(queries));
}

absl::optional<IndexQuery> RankFinder::QueryOf(const SearchAtom& atom) {
  if (atom.kind == Kind::kNameIs) {
    return InLists(transaction_.dialect, sample_, {NameListOf(atom.word)});
  }
  const bool begins = atom.kind == Kind::kNameBegins;
  const std::vector<WordPart> parts = WordPartsOf(atom.word, begins);
  if (begins || atom.kind == Kind::kNameHas) {
    return QueryOf(parts, FirstOfName(atom.word, parts, begins),
                   ListKind::kNameWord, kInPath);
  }
  absl::optional<IndexQuery> path =
      QueryOf(parts, {ListKind::kPathWord}, ListKind::kPathWord, kInPath);
  if (!path.has_value() || atom.kind == Kind::kPathHas) return path;
  absl::optional<IndexQuery> description =
      QueryOf(parts, {ListKind::kDescriptionWord}, ListKind::kDescriptionWord,
              kInDescription);
  if (!description.has_value()) return absl::nullopt;
  return AnyOf(transaction_.dialect,
               {*std::move(path), *std::move(description)});
}

absl::optional<IndexQuery> RankFinder::QueryOf(const SearchClause& clause) {
  std::vector<IndexQuery> atoms;
  for (const SearchAtom& atom : clause) {
    absl::optional<IndexQuery> query = QueryOf(atom);
    if (!query.has_value()) return absl::nullopt;
    atoms.push_back(*std::move(query));
  }
  return AnyOf(transaction_.dialect, std::move(atoms));
}

absl::optional<IndexQuery> RankFinder::QueryOf(const SearchClauses& clauses) {
  std::vector<IndexQuery> queries;
  for (const SearchClause& clause : clauses) {
    if (auto query = QueryOf(clause)) queries.push_back(*std::move(query));
  }
  if (queries.empty()) return absl::nullopt;
  return AllOf(transaction_.dialect, std::move(queries));
}

IndexQuery RankFinder::QueryOf(const std::vector<NearWord>& words) const {
  std::vector<std::string> lists;
  for (const NearWord& near : words) {
    lists.push_back(ListOf(ListKind::kPathWord, near.word));
  }
  return InLists(transaction_.dialect, sample_, lists);
}

std::vector<int64_t> RankFinder::Find(const IndexQuery& query, int64_t after,
                                      int64_t most) {
  std::vector<int64_t> ranks;
  if (query.match.empty()) return ranks;
  int64_t rank = 0;
  ForEachRow(
      transaction_,
      transaction_.dialect == Dialect::kSqlite
          ? "SELECT rowid FROM repository_words WHERE repository_words MATCH "
            ":match AND rowid > :after ORDER BY rowid LIMIT :most"
          // An index in order of the rank would be read to its end.
          : absl::StrCat("SELECT rank FROM repository_words WHERE "
                         "array_to_tsvector(string_to_array(lists, ' ')) @@ "
                         "CAST(:match AS TSQUERY) AND rank + 0 > :after",
                         IsInOrder(query) ? " ORDER BY rank + 0" : "",
                         " LIMIT :most"),
      [&] { ranks.push_back(rank); }, soci::use(query.match, "match"),
      soci::use(after, "after"), soci::use(most, "most"), soci::into(rank));
  return ranks;
}

bool RankFinder::IsInOrder(const IndexQuery& query) const {
  return transaction_.dialect == Dialect::kSqlite ||
         query.sampled.size() <= kInOrder;
}

}  // namespace lamplighter::reposync
