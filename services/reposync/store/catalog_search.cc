#include "services/reposync/store/catalog_search.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/status/macros.h"
#include "services/reposync/store/entry_rows.h"
#include "services/reposync/store/repository_filter.h"
#include "services/reposync/store/row_batch.h"
#include "services/reposync/store/search_index.h"
#include "services/reposync/store/search_query.h"
#include "services/reposync/store/search_ranks.h"
#include "services/reposync/store/search_text.h"
#include "services/reposync/store/search_words.h"
#include "services/reposync/store/statements.h"
#include "services/reposync/store/text.h"
#include "soci/soci.h"

namespace lamplighter::reposync {
namespace {

using v1::CatalogEntry;

// Rows of the index are had in turns, each four times the one before at most,
// until enough match.
constexpr size_t kFirstTurn = 20;
constexpr size_t kReadAtOnce = 50;
constexpr size_t kFirstTurnOfPostgresql = 200;  // which costs hardly more there
constexpr size_t kLastTurn = 1000;
constexpr size_t kCandidates = 2000;
// What fewer match is had in one go and put in order here; where no more than
// so many of the sample may match.
constexpr size_t kFew = 200;
constexpr size_t kFewOfSample = 4;
constexpr size_t kNear = 200;

// A repository that matches.
struct Match {
  int64_t rank;
  SearchText text;
};

std::vector<int64_t> IdsOf(std::vector<int64_t> ranks) {
  for (int64_t& rank : ranks) rank &= kSearchIdMask;
  return ranks;
}

bool RanksBefore(const Match& a, const Match& b) { return a.rank < b.rank; }

// One search, with what it has found.
class Search {
 public:
  Search(Transaction& transaction, const v1::RepositoryFilter& filter,
         const SearchSample& sample, std::vector<std::string> words,
         size_t limit)
      : transaction_(transaction),
        filter_(transaction, filter),
        sample_(sample),
        words_(std::move(words)),
        index_(transaction, sample),
        tiers_(SearchTiers(words_)),
        are_indexed_(absl::c_all_of(words_,
                                    [](const std::string& word) {
                                      return CountCharacters(word) >= kTrigram;
                                    })),
        limit_(limit) {}

  std::vector<CatalogEntry> Run() {
    // The last finds most. Of the first whose matches are few, all are taken;
    // what those before it find is among them.
    size_t tier = tiers_.size();
    while (tier > 0 && !TakeFew(tier - 1)) --tier;
    for (; tier < tiers_.size() && ids_.size() < limit_; ++tier) {
      TakeTier(tier);
    }
    if (ids_.empty() && !TakeNear(false)) TakeNear(true);
    return LoadTaken();
  }

 private:
  bool IsSqlite() const { return transaction_.dialect == Dialect::kSqlite; }

  static bool IsOfName(const SearchClauses& clauses, SearchAtom::Kind last) {
    return clauses[0][0].kind <= last;
  }

  // What to ask for a tier, made once. Until the next one is made.
  const absl::optional<IndexQuery>& QueryOf(size_t tier) {
    const auto [place, is_new] = queries_.try_emplace(tier);
    if (is_new) place->second = index_.QueryOf(tiers_[tier]);
    return place->second;
  }

  // Takes all that the tier and those before it match, where these are few.
  // False where they are not, or there is no knowing.
  bool TakeFew(size_t last) {
    const SearchClauses& clauses = tiers_[last];
    // In a name, words count that are too short for the tiers after it.
    if (IsOfName(clauses, SearchAtom::Kind::kNameBegins) ||
        (IsOfName(clauses, SearchAtom::Kind::kNameHas) && !are_indexed_)) {
      return false;
    }
    const absl::optional<IndexQuery>& query = QueryOf(last);
    if (!query.has_value() || !query->finds_all ||
        query->sampled.size() >= kFewOfSample) {
      return false;
    }
    const std::vector<int64_t> ranks = index_.Find(*query, 0, kFew);
    if (ranks.size() >= kFew) return false;
    std::vector<Match> all;
    ReadMatches(ranks, clauses, all);
    std::sort(all.begin(), all.end(), RanksBefore);
    for (size_t tier = 0; tier <= last; ++tier) Take(all, tiers_[tier]);
    return true;
  }

  void TakeTier(size_t tier) {
    const SearchClauses& clauses = tiers_[tier];
    const absl::optional<IndexQuery>& query = QueryOf(tier);
    if (!query.has_value() || TakeCommon(clauses, *query)) return;
    TakeInTurns(clauses, *query);
  }

  // Takes what the sample has, where that is enough.
  bool TakeCommon(const SearchClauses& clauses, const IndexQuery& query) {
    if (query.sampled.size() < limit_) return false;
    std::vector<Match> matches;
    FindMatches(RanksOfSample(clauses, query), clauses, matches);
    if (matches.size() < limit_) return false;  // the filter leaves out many
    Take(matches, clauses);
    return true;
  }

  // Of the sample, rows that match, best first.
  std::vector<int64_t> RanksOfSample(const SearchClauses& clauses,
                                     const IndexQuery& query) const {
    std::vector<int64_t> ranks;
    if (sample_.rows().empty()) return ranks;
    for (const uint16_t number : query.sampled) {
      const SearchSample::Row& row = sample_.rows()[number];
      if (Matches(row.text, clauses)) ranks.push_back(row.rank);
    }
    std::sort(ranks.begin(), ranks.end());
    return ranks;
  }

  // Takes what matches, best first.
  void TakeInTurns(const SearchClauses& clauses, const IndexQuery& query) {
    const bool is_in_order = index_.IsInOrder(query);
    std::vector<Match> matches;
    int64_t after = 0;
    size_t turn = !is_in_order ? kLastTurn
                  : IsSqlite() ? std::max(limit_, kFirstTurn)
                               : kFirstTurnOfPostgresql;
    for (size_t seen = 0; seen < kCandidates && matches.size() < limit_;
         seen += turn, turn = std::min(4 * turn, kLastTurn)) {
      std::vector<int64_t> ranks = index_.Find(query, after, turn);
      FindMatches(ranks, clauses, matches);
      if (ranks.size() < turn || !is_in_order) break;
      after = ranks.back();
    }
    Take(matches, clauses);
  }

  // Reads rows until enough match.
  void FindMatches(const std::vector<int64_t>& ranks,
                   const SearchClauses& clauses, std::vector<Match>& matches) {
    for (size_t at = 0; at < ranks.size() && matches.size() < limit_;
         at += kReadAtOnce) {
      const auto begin = ranks.begin() + at;
      const auto end = begin + std::min(kReadAtOnce, ranks.size() - at);
      ReadMatches({begin, end}, clauses, matches);
    }
    std::sort(matches.begin(), matches.end(), RanksBefore);
  }

  void ReadMatches(const std::vector<int64_t>& ranks,
                   const SearchClauses& clauses, std::vector<Match>& matches) {
    const std::vector<int64_t> ids = IdsOf(ranks);
    Read(ids);
    for (const int64_t id : ids) {
      const absl::optional<Match>& match = read_[id];
      if (match.has_value() && Matches(match->text, clauses)) {
        matches.push_back(*match);
      }
    }
  }

  // What was not read before.
  void Read(const std::vector<int64_t>& ids) {
    std::vector<int64_t> unread;
    for (const int64_t id : ids) {
      if (read_.try_emplace(id).second) unread.push_back(id);
    }
    if (unread.empty()) return;
    Bindings bindings = filter_.bindings();
    bindings.Text("ids", ArrayOf(transaction_.dialect, unread));
    int64_t id = 0;
    v1::CatalogRepository repository;
    ForEachRow(
        transaction_,
        absl::StrCat("SELECT id, name, path, description FROM repositories",
                     IsSqlite() ? " NOT INDEXED" : "", " WHERE id ",
                     InNumbers(transaction_.dialect, "ids"),
                     filter_.conditions()),
        [&] {
          read_[id] = {SearchRank(id, repository), SearchTextOf(repository)};
        },
        soci::into(id), soci::into(*repository.mutable_name()),
        soci::into(*repository.mutable_path()),
        soci::into(*repository.mutable_description()), bindings);
  }

  void Take(const std::vector<Match>& matches, const SearchClauses& clauses) {
    for (const Match& match : matches) {
      if (ids_.size() >= limit_) return;
      const int64_t id = match.rank & kSearchIdMask;
      if (!Matches(match.text, clauses) || !taken_.insert(id).second) continue;
      ids_.push_back(id);
    }
  }

  // Takes what has words like those that no repository has; with `all`, like
  // any of the words. Returns whether there is anything.
  bool TakeNear(bool all);

  std::vector<CatalogEntry> LoadTaken() {
    Bindings bindings;
    bindings.Text("ids", ArrayOf(transaction_.dialect, ids_));
    absl::flat_hash_map<int64_t, CatalogEntry> by_id;
    for (CatalogEntry& entry :
         LoadEntries(transaction_,
                     absl::StrCat("repositories WHERE id ",
                                  InNumbers(transaction_.dialect, "ids")),
                     bindings)) {
      const int64_t id = entry.id();
      by_id[id] = std::move(entry);
    }
    std::vector<CatalogEntry> entries;
    for (const int64_t id : ids_) entries.push_back(std::move(by_id[id]));
    LoadReachedBy(transaction_, entries);
    return entries;
  }

  Transaction& transaction_;
  const FilterSql filter_;
  const SearchSample& sample_;
  const std::vector<std::string> words_;
  RankFinder index_;
  const std::vector<SearchClauses> tiers_;
  const bool are_indexed_;  // all words
  const size_t limit_;
  absl::flat_hash_map<size_t, absl::optional<IndexQuery>> queries_;  // by tier
  // By id; none where the filter leaves it out.
  absl::flat_hash_map<int64_t, absl::optional<Match>> read_;
  std::vector<int64_t> ids_;
  absl::flat_hash_set<int64_t> taken_;
};

// How near the nearest words in the path are to all parts of the query's words;
// 0 where one is near none.
double Likeness(const std::vector<std::vector<NearWord>>& parts,
                const SearchText& text) {
  std::vector<std::string> words;
  for (const Word& word : WordsOf(text.path)) {
    words.insert(words.end(), word.parts.begin(), word.parts.end());
  }
  double likeness = 0;
  for (const std::vector<NearWord>& near : parts) {
    // The likest are first.
    const auto found = absl::c_find_if(near, [&words](const NearWord& one) {
      return absl::c_linear_search(words, one.word);
    });
    if (found == near.end()) return 0;
    likeness += found->likeness;
  }
  return likeness;
}

bool Search::TakeNear(bool all) {
  std::vector<std::vector<NearWord>> parts;
  std::vector<IndexQuery> queries;
  for (const std::string& word : words_) {
    for (const WordPart& part : WordPartsOf(word, false)) {
      if (CountCharacters(part.text) < kTrigram) continue;
      std::vector<NearWord>& near = parts.emplace_back();
      if (!all) {
        for (const std::string& known : index_.WordsWith(part).words) {
          near.push_back({known, 1});
        }
      }
      if (near.empty()) near = FindNearWords(transaction_, part.text);
      queries.push_back(index_.QueryOf(near));
    }
  }
  if (queries.empty()) return false;
  const IndexQuery query = AllOf(transaction_.dialect, std::move(queries));
  std::vector<int64_t> ranks = RanksOfSample({}, query);
  if (ranks.size() < limit_) ranks = index_.Find(query, 0, kNear);
  if (ranks.size() > kNear) ranks.resize(kNear);
  std::vector<Match> found;
  ReadMatches(ranks, {}, found);
  std::vector<std::pair<double, Match>> near;
  for (Match& match : found) {
    const double likeness = Likeness(parts, match.text);
    if (likeness > 0) near.emplace_back(likeness, std::move(match));
  }
  std::sort(near.begin(), near.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first
                              : RanksBefore(a.second, b.second);
  });
  for (auto& [likeness, match] : near) Take({std::move(match)}, {});
  return !ids_.empty();
}

}  // namespace

absl::StatusOr<std::vector<CatalogEntry>> SearchEntries(
    Transaction& transaction, const SearchSample& sample,
    const v1::SearchRepositoriesRequest& request) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(std::vector<std::string> words,
                               SearchWords(request.query()));
  LAMPLIGHTER_ASSIGN_OR_RETURN(const int32_t limit,
                               PageSize(request.limit(), 20, 100));
  return Search(transaction, request.filter(), sample, std::move(words), limit)
      .Run();
}

}  // namespace lamplighter::reposync
