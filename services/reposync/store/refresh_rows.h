#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "proto/lamplighter/v1/catalog_service.pb.h"
#include "services/reposync/store/database.h"
#include "services/reposync/store/listing_store.h"

// Rows of refreshes, within a transaction.
namespace lamplighter::reposync {

struct RefreshRow {
  Listing listing;
  int64_t lease_until = 0;  // milliseconds since 1970
};

// Which rows; what is unset matches all.
struct RefreshQuery {
  std::string connection;
  int64_t before = 0;  // of smaller ids
  v1::Refresh::State state = v1::Refresh::STATE_UNSPECIFIED;
  int64_t limit = 1;
};

// Newest first.
std::vector<RefreshRow> LoadRefreshes(Transaction& transaction,
                                      RefreshQuery query);

// Sets the id.
void InsertRefresh(Transaction& transaction, RefreshRow& row);

// Aborted where the lease of a listing that is under way was lost.
absl::Status CheckLease(Transaction& transaction, const Listing& listing);
absl::Status RenewLease(Transaction& transaction, const Listing& listing,
                        absl::Time until);
// Counts and position, and state, error and finished_at.
absl::Status SaveRefresh(Transaction& transaction, const Listing& listing);

}  // namespace lamplighter::reposync
