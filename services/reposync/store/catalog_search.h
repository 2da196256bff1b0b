#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "proto/lamplighter/v1/catalog_service.pb.h"
#include "services/reposync/store/database.h"

namespace lamplighter::reposync {

// What CatalogStore::Search() does. Runs on the database's threads.
//
// A repository matches where each word is part of its name, path or
// description, without case. Best first are those that have all words in name
// or path, and of these where a word is the name, begins it, is part of it;
// then any of these; then what has a word in the description only. Within each,
// shorter paths first.
//
// The index is read in that order and only as far as needed, so that words
// which a great part of the catalog has cost little. Where a filter leaves out
// most of what words match, 20,000 matches of each kind are looked at, at most.
//
// Words of less than three characters are not in the index: one finds names
// that it is or, from two on, begins; beside longer words it narrows down the
// first 500 that these match.
//
// Where nothing matches, what has a half of a word and most of its trigrams is
// near enough, the likest first.
absl::StatusOr<std::vector<v1::CatalogEntry>> SearchEntries(
    Transaction& transaction, const v1::SearchRepositoriesRequest& request);

}  // namespace lamplighter::reposync
