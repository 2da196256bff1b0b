#pragma once

#include "absl/status/statusor.h"
#include "proto/lamplighter/v1/catalog_service.pb.h"
#include "services/reposync/store/catalog_store.h"
#include "services/reposync/store/database.h"

// What CatalogStore does to list. Runs on the database's threads.

namespace lamplighter::reposync {

absl::StatusOr<EntryPage> ListEntries(Transaction& transaction,
                                      const v1::ListCatalogRequest& request);
absl::StatusOr<v1::ListGroupsResponse> ListGroupsOf(
    Transaction& transaction, const v1::ListGroupsRequest& request);

}  // namespace lamplighter::reposync
