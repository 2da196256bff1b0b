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
// It is read best first, and no further than is needed, so that words which a
// great part of the catalog has cost little. On PostgreSQL, where more than 200
// of about one length match in the same way, it is not always the shortest of
// these that come first. Of what the index finds, 1,500 are looked at for each
// kind of match, and 15,000 where the filter is about more than what was
// removed, archived or forked: on PostgreSQL a sixth of these of each length.
// More than match are found where a word is to end or begin at a sign, as in
// "end-".
//
// A part of which more than 100 words of the catalog are made finds what the
// oldest of these words do, and narrows down what other words find; but how a
// name begins PostgreSQL finds of all words. Words of less than three
// characters find names that they are or, from two on, begin, and narrow down,
// too. One without a letter or digit does nothing else.
//
// Where nothing matches, words that the catalog has not are taken for others
// that share a half with them and most trigrams, the likest first.
absl::StatusOr<std::vector<v1::CatalogEntry>> SearchEntries(
    Transaction& transaction, const SearchSample& sample,
    const v1::SearchRepositoriesRequest& request);

}  // namespace lamplighter::reposync
