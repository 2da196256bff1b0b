#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "proto/lamplighter/v1/catalog.pb.h"
#include "proto/lamplighter/v1/catalog_service.pb.h"
#include "services/reposync/store/database.h"
#include "services/reposync/store/repository_filter.h"
#include "services/reposync/store/search_query.h"
#include "services/reposync/store/search_text.h"

namespace lamplighter::reposync {

// A repository that the index finds and the filter lets through.
struct Candidate {
  int64_t rank;
  SearchText text;
  v1::CatalogEntry entry;  // without reached_by
};

// Reads what queries find, for one search.
class SearchReader {
 public:
  SearchReader(Transaction& transaction, const v1::RepositoryFilter& filter);

  // The first that come after a rank, in order, `most` at most, of 2,000 that
  // the query finds and the filter may leave out. On PostgreSQL
  // they are the first of 200 of a shelf, or as many as are asked for: which,
  // where there are more, nobody says.
  std::vector<Candidate> Find(const IndexQuery& query, int64_t after,
                              size_t most);

 private:
  Transaction& transaction_;
  const FilterSql filter_;
  const std::string from_;  // what follows FROM to find them
};

}  // namespace lamplighter::reposync
