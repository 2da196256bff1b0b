#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "proto/lamplighter/v1/catalog_service.pb.h"
#include "services/reposync/store/database.h"
#include "services/reposync/store/search_sample.h"

namespace lamplighter::reposync {

// What CatalogStore::Search() does. Runs on the database's threads.
//
// A repository matches where each word is part of its path, of which the name
// is the end, or of its description, without case. Best first are those that
// have all words in the path, and of these where a word is the name, begins it,
// is part of it; then any of these; then what has a word in the description
// only. Within each, shorter paths first.
//
// No more of the index is read than is needed, so that words which a great part
// of the catalog has cost little. SQLite reads it in order. PostgreSQL cannot:
// where more than some 2,000 of a million match in the same way, those that
// come first are some that `sample` has. Before them come names that a word is
// or begins, all the same; of very many that it begins, the first in order of
// the name. Where a filter leaves out most of what words match, 20,000 matches
// of each kind are looked at, at most; on PostgreSQL 5,000.
//
// Words of less than three characters are in no index: one finds names that it
// is or, from two on, begins, and narrows down what longer words beside it
// find. So does, on PostgreSQL, a word without three letters or digits in a
// row.
//
// Where nothing matches, what has a half of each word in its path and most of
// their trigrams is near enough, the likest first.
absl::StatusOr<std::vector<v1::CatalogEntry>> SearchEntries(
    Transaction& transaction, const SearchSample& sample,
    const v1::SearchRepositoriesRequest& request);

}  // namespace lamplighter::reposync
