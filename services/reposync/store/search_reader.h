#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "proto/lamplighter/v1/catalog_service.pb.h"
#include "services/reposync/store/database.h"
#include "services/reposync/store/repository_filter.h"
#include "services/reposync/store/search_query.h"
#include "services/reposync/store/search_text.h"

namespace lamplighter::reposync {

// A repository that the index finds and the filter lets through.
struct Candidate {
  int64_t rank;  // which has the id
  SearchText text;
};

// Reads what queries find, for one search.
class SearchReader {
 public:
  // What to find: of what the query finds, what matches the clauses. They stay
  // the caller's.
  struct Asked {
    const IndexQuery& query;
    const SearchClauses& clauses;
  };

  SearchReader(Transaction& transaction, const v1::RepositoryFilter& filter);

  // Of each, the first in order, `most` at most; beyond English perhaps some
  // that do not match. Of what a query finds, 1,500 are looked at, and of a
  // narrow filter ten times as many. On PostgreSQL a sixth of these on each
  // shelf, of which 200 that match are put in order: which, where a shelf has
  // more, nobody says.
  std::vector<std::vector<Candidate>> Find(const std::vector<Asked>& all,
                                           size_t most);

 private:
  std::vector<std::vector<Candidate>> FindInOrder(const std::vector<Asked>& all,
                                                  size_t most);
  std::vector<std::vector<Candidate>> FindOnShelves(
      const std::vector<Asked>& all, size_t most);

  Transaction& transaction_;
  const FilterSql filter_;
  const int looked_at_;
};

}  // namespace lamplighter::reposync
