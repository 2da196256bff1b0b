#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "proto/lamplighter/v1/provider.pb.h"
#include "services/reposync/store/database.h"
#include "services/reposync/store/listing_store.h"

// Pages of a listing, within a transaction. For ListingStore.
namespace lamplighter::reposync {

struct PagesApplied {
  Listing listing;                   // with the pages
  std::vector<PageWritten> written;  // of each
  bool wrote = false;                // anything at all
  bool logged = false;               // a change was appended
};

// Writes pages that follow on `listing`, in order. Those that are not_modified
// are counted and need no transaction that may write. The first of these that
// is no longer known, as somebody changed what it held, has to be read: those
// before it were written, or, where there are none, it is Unavailable.
//
// What holds afterwards: where a page has an ETag, the repositories that the
// forge showed with it are those whose reach has its number.
absl::StatusOr<PagesApplied> ApplyPages(
    Transaction& transaction, Listing listing,
    const std::vector<v1::ListRepositoriesResponse>& pages, absl::Time now);

}  // namespace lamplighter::reposync
