#include "services/reposync/store/catalog_search.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/types/optional.h"
#include "common/status/macros.h"
#include "services/reposync/store/entry_rows.h"
#include "services/reposync/store/repository_filter.h"
#include "services/reposync/store/search_index.h"
#include "services/reposync/store/search_planner.h"
#include "services/reposync/store/search_query.h"
#include "services/reposync/store/search_reader.h"
#include "services/reposync/store/search_text.h"
#include "services/reposync/store/search_words.h"
#include "services/reposync/store/text.h"

namespace lamplighter::reposync {
namespace {

using v1::CatalogEntry;

// What fewer match is had in one go and put in order here, where no more are
// expected.
constexpr size_t kFew = 200;
constexpr double kExpectedFew = 100;
// Where the index finds too much, no more is looked at for a tier.
constexpr size_t kLookedAt = 400;
constexpr size_t kNear = 100;

// One search, with what it has found.
class Search {
 public:
  Search(Transaction& transaction, const v1::RepositoryFilter& filter,
         const SearchSample& sample, std::vector<std::string> words,
         size_t limit)
      : transaction_(transaction),
        words_(std::move(words)),
        planner_(transaction, sample, words_),
        reader_(transaction, filter),
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
    for (; tier < tiers_.size() && !IsDone(); ++tier) TakeTier(tier);
    if (taken_.empty() && !TakeNear(false)) TakeNear(true);
    LoadReachedBy(transaction_, taken_);
    return std::move(taken_);
  }

 private:
  bool IsDone() const { return taken_.size() >= limit_; }

  static bool IsOfName(const SearchClauses& clauses, SearchAtom::Kind last) {
    return clauses[0][0].kind <= last;
  }

  // What to ask for a tier, made once. Until the next one is made.
  const absl::optional<IndexQuery>& QueryOf(size_t tier) {
    const auto [place, is_new] = queries_.try_emplace(tier);
    if (is_new) place->second = planner_.QueryOf(tiers_[tier]);
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
    if (!query.has_value() || !query->finds_all || query->rows > kExpectedFew) {
      return false;
    }
    std::vector<Candidate> all = reader_.Find(*query, 0, kFew);
    if (all.size() >= kFew) return false;
    for (size_t tier = 0; tier <= last; ++tier) Take(all, tiers_[tier]);
    return true;
  }

  // Takes what matches, best first.
  void TakeTier(size_t tier) {
    const SearchClauses& clauses = tiers_[tier];
    const absl::optional<IndexQuery>& query = QueryOf(tier);
    if (!query.has_value()) return;
    int64_t after = 0;
    size_t turn = limit_;
    for (size_t seen = 0; seen < kLookedAt && !IsDone();
         seen += turn, turn *= 4) {
      std::vector<Candidate> found = reader_.Find(*query, after, turn);
      if (found.empty()) return;
      after = found.back().rank;
      Take(found, clauses);
      if (found.size() < turn) return;
    }
  }

  // Takes those that match and were not taken, in their order.
  void Take(std::vector<Candidate>& candidates, const SearchClauses& clauses) {
    for (Candidate& candidate : candidates) {
      if (IsDone()) return;
      if (!Matches(candidate.text, clauses) ||
          !ids_.insert(candidate.rank & kSearchIdMask).second) {
        continue;
      }
      taken_.push_back(std::move(candidate.entry));
    }
  }

  // Takes what has words like those that no repository has; with `all`, like
  // any of the words. Returns whether there is anything.
  bool TakeNear(bool all);

  Transaction& transaction_;
  const std::vector<std::string> words_;
  SearchPlanner planner_;
  SearchReader reader_;
  const std::vector<SearchClauses> tiers_;
  const bool are_indexed_;  // all words
  const size_t limit_;
  absl::flat_hash_map<size_t, absl::optional<IndexQuery>> queries_;  // by tier
  std::vector<CatalogEntry> taken_;
  absl::flat_hash_set<int64_t> ids_;  // of these
};

// How near the nearest words in the path are to all parts of the query's words;
// 0 where one is near none.
double Likeness(const std::vector<NearPart>& parts, const SearchText& text) {
  std::vector<std::string> words;
  for (const Word& word : WordsOf(text.path)) {
    words.insert(words.end(), word.parts.begin(), word.parts.end());
  }
  double likeness = 0;
  for (const NearPart& part : parts) {
    // The likest are first.
    const auto found = absl::c_find_if(part.words, [&](const NearWord& near) {
      return absl::c_linear_search(words, near.word);
    });
    if (found == part.words.end()) return 0;
    likeness += found->likeness;
  }
  return likeness;
}

bool Search::TakeNear(bool all) {
  std::vector<NearPart> parts;
  for (const std::string& word : words_) {
    bool follows = false;
    for (const WordPart& part : WordPartsOf(word, false)) {
      const Seam seam = follows ? part.seam : Seam::kNone;
      follows = CountCharacters(part.text) >= kTrigram;
      if (!follows) continue;
      std::vector<NearWord> near;
      if (!all) {
        for (const std::string& known : planner_.WordsWith(part).words) {
          near.push_back({known, 1});
        }
      }
      if (near.empty()) near = FindNearWords(transaction_, part.text);
      parts.push_back({std::move(near), seam});
    }
  }
  if (parts.empty()) return false;
  std::vector<Candidate> near;
  absl::flat_hash_map<int64_t, double> likeness;  // by rank
  for (Candidate& found : reader_.Find(planner_.QueryOf(parts), 0, kNear)) {
    const double like = Likeness(parts, found.text);
    if (like == 0) continue;
    likeness[found.rank] = like;
    near.push_back(std::move(found));
  }
  absl::c_sort(near, [&likeness](const Candidate& a, const Candidate& b) {
    return std::pair(-likeness[a.rank], a.rank) <
           std::pair(-likeness[b.rank], b.rank);
  });
  Take(near, {});
  return !taken_.empty();
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
