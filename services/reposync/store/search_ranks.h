#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "services/reposync/store/database.h"
#include "services/reposync/store/search_sample.h"
#include "services/reposync/store/search_text.h"

namespace lamplighter::reposync {

// Keys of rows of the search index, `most` at most, that match. False for
// `indexed` where the index knows nothing about any of the clauses, as words
// are too short.
//
// SQLite: those that do, in order, after `after`. It reads the lists of the
// trigrams that leave out most side by side, and no further than needed; of
// what is in these, it looks at the text of 100,000 at most.
//
// PostgreSQL: the first it finds; `after` is not heeded. Where the first clause
// is about how names begin, it is that alone, in order of the name.
struct SearchRanks {
  bool indexed = false;
  std::vector<int64_t> ranks;
};
SearchRanks FindRanks(Transaction& transaction, const SearchClauses& clauses,
                      const SearchSample& sample, int64_t after, int64_t most);

// How many of the sample may match, as far as SQLite's index knows.
size_t CountCandidates(const SearchClauses& clauses,
                       const SearchSample& sample);

}  // namespace lamplighter::reposync
