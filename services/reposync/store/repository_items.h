#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "proto/lamplighter/v1/catalog.pb.h"
#include "services/reposync/store/database.h"
#include "services/reposync/store/repository_rows.h"

// What WriteRepositories() works on. Runs on the database's threads.

namespace lamplighter::reposync {

// A repository of the page, with what is known of it.
struct RepositoryItem {
  v1::CatalogEntry entry;  // as it will be
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

// Each once, clean, without what the catalog has of them. InvalidArgument where
// one has no id of the forge.
absl::StatusOr<std::vector<RepositoryItem>> ItemsOf(
    const Reacher& reacher, const std::vector<v1::CatalogRepository>& told);

// Loads what the catalog has of the items, in two statements for all, and says
// which differ from it.
void CompareWithCatalog(Transaction& transaction, const Reacher& reacher,
                        std::vector<RepositoryItem>& items);

// Gives new ones an id.
void NumberNew(Transaction& transaction, std::vector<RepositoryItem>& items);

}  // namespace lamplighter::reposync
