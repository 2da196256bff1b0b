#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "proto/lamplighter/v1/catalog.pb.h"
#include "services/reposync/store/database.h"

// The index that Search() reads: names, paths and descriptions, folded, keyed
// by the length of the path and then the id, so that what is read in order of
// the key comes best first and reading can stop early.
//
// Table repository_search has the texts. On PostgreSQL it has trigram indexes.
// On SQLite an FTS5 table beside it, repository_trigrams, knows of each trigram
// in which rows it is and nothing else. So that it knows of names, paths and
// descriptions each by themselves, names and descriptions are written to it in
// alphabets of their own. It keeps no text, so it has to be told what it had.

namespace lamplighter::reposync {

// Of which a row is made.
struct Searched {
  int64_t id = 0;
  v1::CatalogRepository repository;
};

// Parts of folded names and descriptions as SQLite's index has them. Of a name
// it has its beginning and end as characters, too.
constexpr char kNameBegins = '\x02';
constexpr char kNameEnds = '\x03';
std::string WholeName(absl::string_view name);
std::string IndexedName(absl::string_view part);
std::string IndexedDescription(absl::string_view part);

// Where in the index a repository is, and back.
int64_t SearchRank(int64_t id, const v1::CatalogRepository& repository);
constexpr int64_t kSearchIdMask = (int64_t{1} << 40) - 1;

// True if the two would not have the same row.
bool SearchDiffers(const v1::CatalogRepository& a,
                   const v1::CatalogRepository& b);

// Takes rows off, which must be as they were added, and adds others.
void UpdateSearchIndex(Transaction& transaction, std::vector<Searched> removed,
                       std::vector<Searched> added);

// Writes leave the index in many parts, all of which a search reads: this does
// a bounded part of putting them together. Returns whether anything is left to
// do; `is_first` where it was not called before, or returned false.
bool MergeSearchIndex(Transaction& transaction, bool is_first);

}  // namespace lamplighter::reposync
