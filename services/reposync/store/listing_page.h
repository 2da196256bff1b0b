#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "proto/lamplighter/v1/provider.pb.h"
#include "services/reposync/store/database.h"
#include "services/reposync/store/listing_store.h"

// A page of a listing, within a transaction. For ListingStore.
//
// What holds after each of these: where a page has an ETag, the repositories
// that the forge showed with it are those whose reach has its number.
namespace lamplighter::reposync {

struct PageApplied {
  Listing listing;  // with the page
  PageWritten written;
  bool wrote = false;   // anything at all
  bool logged = false;  // a change was appended
};

// One that was read: in a transaction that may write.
absl::StatusOr<PageApplied> WriteReadPage(
    Transaction& transaction, Listing listing,
    const v1::ListRepositoriesResponse& page, absl::Time now);

// One that is not_modified. Writes nothing. Unavailable where it is no longer
// known: somebody changed what it held, and it has to be read.
absl::StatusOr<PageApplied> CountKnownPage(
    Transaction& transaction, Listing listing,
    const v1::ListRepositoriesResponse& page);

}  // namespace lamplighter::reposync
