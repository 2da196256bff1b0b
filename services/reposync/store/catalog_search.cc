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
#include "services/reposync/store/search_ranks.h"
#include "services/reposync/store/search_text.h"
#include "services/reposync/store/statements.h"
#include "services/reposync/store/text.h"
#include "soci/soci.h"

namespace lamplighter::reposync {
namespace {

using v1::CatalogEntry;

// On SQLite, rows of the index are had in turns, each four times the one before
// at most, until enough match.
constexpr size_t kLastTurn = 5000;
constexpr size_t kCandidates = 20'000;
// On PostgreSQL in one turn: of names that begin so, which are in order of the
// name, and of all else.
constexpr size_t kNames = 200;
constexpr size_t kNamesOfEach = 10;  // that is wanted
constexpr size_t kAtOnce = 5000;
// What fewer match is had in one go and put in order here; on SQLite where no
// more than so many of the sample may match.
constexpr size_t kFew = 200;
constexpr size_t kFewOfSample = 4;
constexpr size_t kNear = 500;
constexpr double kNearEnough = 0.4;  // of the trigrams

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
        tiers_(SearchTiers(words_)),
        are_indexed_(absl::c_all_of(words_,
                                    [](const std::string& word) {
                                      return CountCharacters(word) >=
                                             kIndexedCharacters;
                                    })),
        limit_(limit) {}

  std::vector<CatalogEntry> Run() {
    common_ = sample_.Find(tiers_.back());
    // The last finds most. Of the first whose matches are few, all are taken;
    // what those before it find is among them.
    size_t tier = tiers_.size();
    while (tier > 0 && !TakeFew(tier - 1)) --tier;
    for (; tier < tiers_.size() && ids_.size() < limit_; ++tier) TakeTier(tier);
    if (ids_.empty()) TakeNear();
    return LoadTaken();
  }

 private:
  bool IsSqlite() const { return transaction_.dialect == Dialect::kSqlite; }

  static bool IsOfName(const SearchClauses& clauses, SearchAtom::Kind last) {
    return clauses[0][0].kind <= last;
  }

  // How many of the sample match, or on SQLite may.
  size_t CountSampled(const SearchClauses& clauses) const {
    if (IsSqlite()) return CountCandidates(clauses, sample_);
    return absl::c_count_if(common_, [&](const SearchSample::Row* row) {
      return Matches(row->text, clauses);
    });
  }

  // Takes all that the tier and those before it match, where these are few.
  // False where they are not, or there is no knowing.
  bool TakeFew(size_t last) {
    const SearchClauses& clauses = tiers_[last];
    // In a name, words count that are too short for the tiers after it.
    if (IsOfName(clauses, SearchAtom::Kind::kNameBegins) ||
        (IsOfName(clauses, SearchAtom::Kind::kNameHas) && !are_indexed_) ||
        CountSampled(clauses) >= (IsSqlite() ? kFewOfSample : limit_)) {
      return false;
    }
    const size_t few = IsSqlite() ? kFew : kAtOnce;
    const SearchRanks found = FindRanks(transaction_, clauses, sample_, 0, few);
    if (!found.indexed || found.ranks.size() >= few) return false;
    std::vector<Match> all;
    ReadMatches(IdsOf(found.ranks), clauses, all);
    std::sort(all.begin(), all.end(), RanksBefore);
    for (size_t tier = 0; tier <= last; ++tier) Take(all, tiers_[tier]);
    return true;
  }

  void TakeTier(size_t tier) {
    const SearchClauses& clauses = tiers_[tier];
    const bool by_name = IsOfName(clauses, SearchAtom::Kind::kNameBegins);
    if (IsSqlite() || by_name || !TakeCommon(clauses)) {
      Take(IsSqlite()
               ? FindInTurns(clauses, limit_)
               : FindAtOnce(clauses,
                            by_name ? std::max(kNames, kNamesOfEach * limit_)
                                    : kAtOnce),
           clauses);
    }
  }

  // Takes what the sample has, where that is enough.
  bool TakeCommon(const SearchClauses& clauses) {
    std::vector<int64_t> ids;
    for (const SearchSample::Row* row : common_) {
      if (Matches(row->text, clauses)) ids.push_back(row->id);
    }
    if (ids.size() < limit_) return false;
    std::vector<Match> matches;
    ReadMatches(ids, clauses, matches);
    if (matches.size() < limit_) return false;  // the filter leaves out many
    std::sort(matches.begin(), matches.end(), RanksBefore);
    Take(matches, clauses);
    return true;
  }

  // What matches, best first, `enough` or some more of them.
  std::vector<Match> FindInTurns(const SearchClauses& clauses, size_t enough) {
    std::vector<Match> matches;
    int64_t after = 0;
    size_t turn = enough;
    for (size_t seen = 0; seen < kCandidates && matches.size() < enough;
         seen += turn, turn = std::min(4 * turn, kLastTurn)) {
      const SearchRanks found =
          FindRanks(transaction_, clauses, sample_, after, turn);
      ReadMatches(IdsOf(found.ranks), clauses, matches);
      if (found.ranks.size() < turn) break;
      after = found.ranks.back();
    }
    std::sort(matches.begin(), matches.end(), RanksBefore);
    return matches;
  }

  // Of `most` that may match, those that do, best first.
  std::vector<Match> FindAtOnce(const SearchClauses& clauses, size_t most) {
    std::vector<Match> matches;
    ReadMatches(IdsOf(FindRanks(transaction_, clauses, sample_, 0, most).ranks),
                clauses, matches);
    std::sort(matches.begin(), matches.end(), RanksBefore);
    return matches;
  }

  void ReadMatches(const std::vector<int64_t>& ids,
                   const SearchClauses& clauses, std::vector<Match>& matches) {
    if (ids.empty()) return;
    Bindings bindings = filter_.bindings();
    bindings.Text("ids", ArrayOf(transaction_.dialect, ids));
    soci::statement& statement = transaction_.prepared.Get(absl::StrCat(
        "SELECT id, name, path, description FROM repositories",
        IsSqlite() ? " NOT INDEXED" : "", " WHERE id ",
        InNumbers(transaction_.dialect, "ids"), filter_.conditions()));
    int64_t id = 0;
    v1::CatalogRepository repository;
    statement.exchange(soci::into(id));
    for (std::string* text :
         {repository.mutable_name(), repository.mutable_path(),
          repository.mutable_description()}) {
      statement.exchange(soci::into(*text));
    }
    bindings.Exchange(statement);
    statement.define_and_bind();
    statement.execute();
    while (statement.fetch()) {
      SearchText text = SearchTextOf(repository);
      if (!Matches(text, clauses)) continue;
      matches.push_back({SearchRank(id, repository), std::move(text)});
    }
    statement.bind_clean_up();
  }

  void Take(const std::vector<Match>& matches, const SearchClauses& clauses) {
    for (const Match& match : matches) {
      if (ids_.size() >= limit_) return;
      const int64_t id = match.rank & kSearchIdMask;
      if (!Matches(match.text, clauses) || !taken_.insert(id).second) continue;
      ids_.push_back(id);
    }
  }

  void TakeNear();

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
  const std::vector<SearchClauses> tiers_;
  const bool are_indexed_;  // all words
  const size_t limit_;
  std::vector<const SearchSample::Row*> common_;  // that match
  std::vector<int64_t> ids_;
  absl::flat_hash_set<int64_t> taken_;
};

double Likeness(const std::vector<std::string>& trigrams,
                const SearchText& text) {
  const auto shared = std::count_if(
      trigrams.begin(), trigrams.end(), [&text](const std::string& trigram) {
        return absl::StrContains(text.path, trigram) ||
               absl::StrContains(text.description, trigram);
      });
  return static_cast<double>(shared) / trigrams.size();
}

void Search::TakeNear() {
  std::vector<std::string> trigrams;
  const SearchClauses clauses = NearClauses(words_, trigrams);
  if (clauses.empty()) return;
  std::vector<std::pair<double, Match>> near;
  for (Match& match : FindAtOnce(clauses, kNear)) {
    const double likeness = Likeness(trigrams, match.text);
    if (likeness >= kNearEnough) near.emplace_back(likeness, std::move(match));
  }
  std::sort(near.begin(), near.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first
                              : RanksBefore(a.second, b.second);
  });
  std::vector<Match> matches;
  for (auto& [likeness, match] : near) matches.push_back(std::move(match));
  Take(matches, clauses);
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
