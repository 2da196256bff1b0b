#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "proto/lamplighter/v1/catalog.pb.h"
#include "services/reposync/store/database.h"
#include "services/reposync/store/row_batch.h"
#include "services/reposync/store/search_text.h"
#include "services/reposync/store/search_words.h"

// The index that Search() reads: lists of repositories, each of one word
// (search_words.h) at one place, in order of the length of the path and then
// the id. What is read in that order comes best first, and reading can stop
// early.
//
// On SQLite the table repository_words has them, FTS5's, which keeps no text,
// so that it has to be told what it had. PostgreSQL's GIN index gives all that
// it finds, in no order; so there it is an index of repositories themselves,
// and these are on shelves by rank, each with an index of its own, of which
// those that are not needed are not read.

namespace lamplighter::reposync {

// Of which a row is made. The repository stays the caller's.
struct Searched {
  int64_t id;
  const v1::CatalogRepository* repository;
};

// What a list is of. A path ends with the name.
enum class ListKind : char {
  kName = 'a',  // names that are this
  kNameWord = 'n',
  kNameFirst = 'f',  // names whose first word it is
  kNameHead = 'h',   // of these, those that have more after it
  kNameLater = 'o',  // names that have it after something else
  kNameSign = 'g',   // of no word: names that begin with a character of none
  kPathWord = 'p',
  kDescriptionWord = 'd',
  // Of two words, one after the other with no space between: both, the last
  // character of one and the first of the other, and two of each.
  kPathPair = 'q',
  kPathSeam = 's',
  kPathSeamOfTwo = 't',
  kDescriptionPair = 'e',
  kDescriptionSeam = 'u',
  kDescriptionSeamOfTwo = 'v',
};

std::string ListOf(ListKind kind, absl::string_view word);
// The characters of seams are the words' own.
std::string ListOf(ListKind kind, absl::string_view word, Seam seam,
                   absl::string_view next);
std::string NameListOf(absl::string_view name);
// Those that a repository is in.
std::vector<std::string> ListsOf(const SearchText& text);

// Where in the index a repository is, and back.
int64_t SearchRank(int64_t id, const v1::CatalogRepository& repository);
constexpr int kSearchIdBits = 40;
constexpr int64_t kSearchIdMask = (int64_t{1} << kSearchIdBits) - 1;

// From 1 on, in order of rank.
constexpr int kShelves = 6;

// True if the two would not have the same row.
bool SearchDiffers(const v1::CatalogRepository& a,
                   const v1::CatalogRepository& b);

// Adds PostgreSQL's columns of the index to rows that are to be written, those
// of `entries`. Nothing on SQLite.
void AddSearchColumns(Transaction& transaction,
                      const std::vector<const v1::CatalogEntry*>& entries,
                      RowBatch& repositories);

// Takes rows off SQLite's index, which must be as they were added, and adds
// others. Nothing on PostgreSQL, where they come and go with the repositories.
void UpdateSearchIndex(Transaction& transaction,
                       const std::vector<Searched>& removed,
                       const std::vector<Searched>& added);

// Writes leave the index in many parts, all of which a search reads: this does
// a bounded part of putting them together. Returns whether anything is left to
// do; `is_first` where it was not called before, or returned false.
bool MergeSearchIndex(Transaction& transaction, bool is_first);

}  // namespace lamplighter::reposync
