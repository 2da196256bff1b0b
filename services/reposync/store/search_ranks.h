#pragma once

#include <cstdint>
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

// Finds rows of the index for one search, in its transaction.
class RankFinder {
 public:
  RankFinder(Transaction& transaction, const SearchSample& sample);

  // FindWords(), once for each part.
  const FoundWords& WordsWith(const WordPart& part);

  // What to ask for the clauses. None where the index has nothing for any of
  // them, as all their words are too short.
  absl::optional<IndexQuery> QueryOf(const SearchClauses& clauses);

  // What to ask for paths that have one of the words.
  IndexQuery QueryOf(const std::vector<NearWord>& words) const;

  // Keys of rows that a query finds, in order, after `after`, `most` at most.
  // Of very many PostgreSQL gives some, in no order.
  std::vector<int64_t> Find(const IndexQuery& query, int64_t after,
                            int64_t most);
  bool IsInOrder(const IndexQuery& query) const;

 private:
  struct PairKinds {
    ListKind words, seam, seam_of_two;
  };
  static const PairKinds kInPath, kInDescription;

  absl::optional<IndexQuery> QueryOf(const SearchAtom& atom);
  absl::optional<IndexQuery> QueryOf(const SearchClause& clause);
  // Of text of which these are the parts: lists of the first, of the others, of
  // pairs.
  absl::optional<IndexQuery> QueryOf(const std::vector<WordPart>& parts,
                                     const std::vector<ListKind>& first,
                                     ListKind others, const PairKinds& pairs);
  absl::optional<IndexQuery> QueryOfPair(const PairKinds& pairs,
                                         const WordPart& part,
                                         const WordPart& next);

  Transaction& transaction_;
  const SearchSample& sample_;
  absl::node_hash_map<std::string, FoundWords> found_;  // by part
};

}  // namespace lamplighter::reposync
