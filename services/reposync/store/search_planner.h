#pragma once

#include <string>
#include <vector>

#include "absl/container/node_hash_map.h"
#include "absl/types/optional.h"
#include "services/reposync/store/database.h"
#include "services/reposync/store/search_index.h"
#include "services/reposync/store/search_query.h"
#include "services/reposync/store/search_sample.h"
#include "services/reposync/store/search_text.h"
#include "services/reposync/store/search_words.h"

namespace lamplighter::reposync {

// What may have been meant by a part of a word of a query: one of these, the
// likest first.
struct NearPart {
  std::vector<NearWord> words;
  Seam seam = Seam::kNone;  // where it meets the part before
};

// Plans what the index is asked, for one search.
class SearchPlanner {
 public:
  // For these words, folded.
  SearchPlanner(Transaction& transaction, const SearchSample& sample,
                const std::vector<std::string>& words);

  // FindWords(), once for each part.
  const FoundWords& WordsWith(const WordPart& part);

  // What to ask for the clauses. None where the index has nothing for any of
  // them, as all their words are too short.
  absl::optional<IndexQuery> QueryOf(const SearchClauses& clauses);

  // What to ask for paths that have the parts. There is one at least.
  IndexQuery QueryOf(const std::vector<NearPart>& parts) const;

 private:
  struct PairKinds {
    ListKind words, seam, seam_of_two;
  };
  static const PairKinds kInPath, kInDescription;

  absl::optional<IndexQuery> QueryOf(const SearchAtom& atom);
  absl::optional<IndexQuery> QueryOf(const SearchClause& clause);
  // Of text of which these are the parts: in lists of the first, of the others,
  // of pairs.
  absl::optional<IndexQuery> QueryOf(const std::vector<WordPart>& parts,
                                     ListKind first, ListKind others,
                                     const PairKinds& pairs);
  // True if the words that may be these, side by side, are known and few.
  bool IsOfFewPairs(const WordPart& part, const WordPart& next);
  // Of two parts side by side.
  std::vector<std::string> ListsOfPair(const PairKinds& pairs,
                                       const WordPart& part,
                                       const WordPart& next);

  Transaction& transaction_;
  const IndexQueries queries_;
  absl::node_hash_map<std::string, FoundWords> found_;  // by part
};

}  // namespace lamplighter::reposync
