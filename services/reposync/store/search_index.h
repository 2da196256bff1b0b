#pragma once

#include <cstdint>
#include <vector>

#include "proto/lamplighter/v1/catalog.pb.h"
#include "services/reposync/store/database.h"

// The index that Search() reads: folded names, paths and descriptions, keyed by
// the length of the path and then the id, so that what is read in order of the
// key comes best first and reading can stop early. SQLite keeps no text but
// that of the trigrams, so it has to be told what it had.

namespace lamplighter::reposync {

// Of which a row is made.
struct Searched {
  int64_t id = 0;
  v1::CatalogRepository repository;
};

// Of a name, the index has its beginning and end as characters, too.
constexpr char kNameBegins = '\x02';
constexpr char kNameEnds = '\x03';

// Where in the index a repository is, and back.
int64_t SearchRank(int64_t id, const v1::CatalogRepository& repository);
constexpr int64_t kSearchIdMask = (int64_t{1} << 40) - 1;

// True if the two would not have the same row.
bool SearchDiffers(const v1::CatalogRepository& a,
                   const v1::CatalogRepository& b);

// Takes rows off, which must be as they were added, and adds others.
void UpdateSearchIndex(Transaction& transaction, std::vector<Searched> removed,
                       std::vector<Searched> added);

}  // namespace lamplighter::reposync
