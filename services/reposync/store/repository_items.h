#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "proto/lamplighter/v1/catalog.pb.h"
#include "services/reposync/store/database.h"
#include "services/reposync/store/repository_rows.h"

// What WriteRepositories() works on. Runs on the database's threads.

namespace lamplighter::reposync {

// A repository that was told of, with what is known of it.
struct RepositoryItem {
  v1::CatalogEntry entry;  // as it will be
  size_t told_by = 0;      // which of those that told
  int64_t times = 1;       // that this one did
  absl::optional<int32_t> page;
  absl::optional<v1::CatalogRepository> before;
  v1::CatalogRepository::Access own_access =
      v1::CatalogRepository::ACCESS_UNSPECIFIED;
  bool was_removed = false;
  bool reached_before = false;
  v1::CatalogRepository::Access access_before =
      v1::CatalogRepository::ACCESS_UNSPECIFIED;
  absl::optional<int32_t> page_before;
  bool was_missing = false;
  bool differs = false;  // goes to the log
};

// Of all that told.
struct ToldItems {
  std::vector<RepositoryItem> items;  // each once, as it was told first
  std::vector<PageWritten> pages;     // one for each that told; seen_before
};

// Clean, without what the catalog has of them. InvalidArgument where one has no
// id of the forge.
absl::StatusOr<ToldItems> ItemsOf(const Reacher& reacher,
                                  const std::vector<Told>& told);

// Loads what the catalog has of the items, in two statements for all, and says
// which differ from it.
void CompareWithCatalog(Transaction& transaction, const Reacher& reacher,
                        std::vector<RepositoryItem>& items);

// Leaves out what pages before `first_page` have, the first of these, and
// counts it. What these had themselves says nothing: they were read again.
void LeaveOutSeen(int32_t first_page, ToldItems& told);

// Gives new ones an id.
void NumberNew(Transaction& transaction, std::vector<RepositoryItem>& items);

}  // namespace lamplighter::reposync
