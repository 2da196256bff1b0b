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
  double rows = 0;     // about how many it finds
  double read = 0;     // about how many entries the lists have
  size_t lists = 0;
  bool finds_all = true;  // that it should; it may find more
};

// Makes queries. The sample stays the caller's.
class IndexQueries {
 public:
  IndexQueries(Dialect dialect, const SearchSample& sample)
      : dialect_(dialect), sample_(sample) {}

  // Rows in one of the lists.
  IndexQuery InLists(const std::vector<std::string>& lists) const;

  // Rows in lists that begin with `prefix`, of which `known` are some, or all.
  // SQLite's index would read these to their ends before the first row: there
  // it is rows in those that are known.
  IndexQuery InListsThatBegin(const std::string& prefix,
                              const std::vector<std::string>& known,
                              bool are_all) const;

  // Rows that one of the queries finds.
  IndexQuery AnyOf(std::vector<IndexQuery> queries) const;

  // Rows that all of the queries find, of which there is one at least. Those
  // that leave out little for what they cost to read are not asked; nor are
  // those that do not find all, unless none does.
  IndexQuery AllOf(std::vector<IndexQuery> queries) const;

 private:
  // True if it is worth while to ask `query`, too, which leaves `after` rows of
  // `before`.
  bool IsWorth(double before, double after, const IndexQuery& query) const;
  double RowsOf(const SampleRows& sampled) const;

  const Dialect dialect_;
  const SearchSample& sample_;
};

}  // namespace lamplighter::reposync
