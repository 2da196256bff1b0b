#include "services/reposync/store/catalog_search.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/node_hash_map.h"
#include "absl/types/optional.h"
#include "common/status/macros.h"
#include "services/reposync/store/entry_rows.h"
#include "services/reposync/store/repository_filter.h"
#include "services/reposync/store/row_batch.h"
#include "services/reposync/store/search_index.h"
#include "services/reposync/store/search_planner.h"
#include "services/reposync/store/search_query.h"
#include "services/reposync/store/search_reader.h"
#include "services/reposync/store/search_text.h"
#include "services/reposync/store/search_words.h"
#include "services/reposync/store/statements.h"
#include "services/reposync/store/text.h"

namespace lamplighter::reposync {
namespace {

using v1::CatalogEntry;

// What fewer match is had in one go and put in order here, where no more are
// expected.
constexpr size_t kFew = 200;
constexpr double kExpectedFew = 100;
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
    while (tier < tiers_.size() && !IsDone()) tier = TakeTiers(tier);
    if (taken_.empty() && !TakeNear(false)) TakeNear(true);
    return Entries();
  }

 private:
  bool IsDone() const { return taken_.size() >= limit_; }

  static bool IsOfName(const SearchClauses& clauses, SearchAtom::Kind last) {
    return clauses[0][0].kind <= last;
  }

  // What to ask for a tier, made once.
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
    std::vector<Candidate> all = reader_.Find({{*query, clauses}}, kFew)[0];
    if (all.size() < kFew) {
      for (size_t tier = 0; tier <= last; ++tier) Take(all, tiers_[tier]);
      return true;
    }
    many_[last] = std::move(all);
    return false;
  }

  // Takes what matches the tier, best first, and those after it that are likely
  // to be needed, too. Returns the one after these.
  size_t TakeTiers(size_t tier) {
    if (const auto many = many_.find(tier); many != many_.end()) {
      Take(many->second, tiers_[tier]);
      return tier + 1;
    }
    std::vector<SearchReader::Asked> asked;
    auto expected = static_cast<double>(taken_.size());
    for (; tier < tiers_.size() && !many_.contains(tier) &&
           expected < static_cast<double>(limit_);
         ++tier) {
      const absl::optional<IndexQuery>& query = QueryOf(tier);
      if (!query.has_value()) continue;
      asked.push_back({*query, tiers_[tier]});
      expected += query->rows;
    }
    const auto found = reader_.Find(asked, limit_);
    for (size_t i = 0; i < asked.size(); ++i) Take(found[i], asked[i].clauses);
    return tier;
  }

  // Takes those that match and were not taken, in their order.
  void Take(const std::vector<Candidate>& candidates,
            const SearchClauses& clauses) {
    for (const Candidate& candidate : candidates) {
      if (IsDone()) return;
      if (!Matches(candidate.text, clauses)) continue;
      taken_.try_emplace(candidate.rank & kSearchIdMask, taken_.size());
    }
  }

  // Takes what has words like those that no repository has; with `all`, like
  // any of the words. Returns whether there is anything.
  bool TakeNear(bool all);

  // What was taken. One that has gone in the meantime is left out.
  std::vector<CatalogEntry> Entries() {
    if (taken_.empty()) return {};
    std::vector<int64_t> ids;
    for (const auto& [id, place] : taken_) ids.push_back(id);
    Bindings bindings;
    bindings.Text("ids", ArrayOf(transaction_.dialect, ids));
    std::vector<CatalogEntry> entries =
        LoadWholeEntries(transaction_,
                         EachNumber(transaction_.dialect, "ids", "repositories",
                                    "repositories.id = told.key"),
                         bindings);
    absl::c_sort(entries, [this](const CatalogEntry& a, const CatalogEntry& b) {
      return taken_[a.id()] < taken_[b.id()];
    });
    return entries;
  }

  Transaction& transaction_;
  const std::vector<std::string> words_;
  SearchPlanner planner_;
  SearchReader reader_;
  const std::vector<SearchClauses> tiers_;
  const bool are_indexed_;  // all words
  const size_t limit_;
  absl::node_hash_map<size_t, absl::optional<IndexQuery>> queries_;  // by tier
  // By tier, what was too much to be all.
  absl::flat_hash_map<size_t, std::vector<Candidate>> many_;
  absl::flat_hash_map<int64_t, size_t> taken_;  // ids, and their places
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
  std::vector<std::string> unknown;
  std::vector<size_t> places;  // of these
  for (const std::string& word : words_) {
    bool follows = false;
    for (const WordPart& part : WordPartsOf(word, false)) {
      const Seam seam = follows ? part.seam : Seam::kNone;
      follows = CountCharacters(part.text) >= kTrigram;
      if (!follows) continue;
      NearPart& near = parts.emplace_back();
      near.seam = seam;
      if (!all) {
        for (const std::string& known : planner_.WordsWith(part).words) {
          near.words.push_back({known, 1});
        }
      }
      if (!near.words.empty()) continue;
      unknown.push_back(part.text);
      places.push_back(parts.size() - 1);
    }
  }
  if (parts.empty()) return false;
  auto near_words = FindNearWords(transaction_, unknown);
  for (size_t i = 0; i < places.size(); ++i) {
    parts[places[i]].words = std::move(near_words[i]);
  }
  std::vector<Candidate> near;
  absl::flat_hash_map<int64_t, double> likeness;  // by rank
  const IndexQuery query = planner_.QueryOf(parts);
  const SearchClauses none;
  auto found = reader_.Find({{query, none}}, kNear);
  for (Candidate& candidate : found[0]) {
    const double like = Likeness(parts, candidate.text);
    if (like == 0) continue;
    likeness[candidate.rank] = like;
    near.push_back(std::move(candidate));
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
