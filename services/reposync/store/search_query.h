#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "services/reposync/store/database.h"
#include "services/reposync/store/search_sample.h"

// What the index is asked: in which lists a row is to be. A sample tells what
// is rare, and so is worth being asked.

namespace lamplighter::reposync {

struct IndexQuery {
  std::string match;   // as FTS5 or a tsquery; empty: nothing matches
  SampleRows sampled;  // rows of the sample that it finds
  size_t lists = 0;
  size_t read = 0;        // entries of the sample in the lists
  bool finds_all = true;  // that it should; it may find more
};

// Rows in one of the lists.
IndexQuery InLists(Dialect dialect, const SearchSample& sample,
                   const std::vector<std::string>& lists);

// Rows that one of the queries finds.
IndexQuery AnyOf(Dialect dialect, std::vector<IndexQuery> queries);

// Rows that all of the queries find, of which there is one at least. Those that
// leave out little for what they cost to read are not asked; nor are those that
// do not find all, unless none does.
IndexQuery AllOf(Dialect dialect, std::vector<IndexQuery> queries);

}  // namespace lamplighter::reposync
