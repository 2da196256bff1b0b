#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "boost/asio/awaitable.hpp"
#include "common/time/clock.h"
#include "proto/lamplighter/v1/catalog_service.pb.h"
#include "proto/lamplighter/v1/provider.pb.h"
#include "services/reposync/store/catalog_store.h"
#include "services/reposync/store/database.h"
#include "services/reposync/store/repository_rows.h"

namespace lamplighter::reposync {

// A refresh that this process runs: a row, leased to it.
struct Listing {
  v1::Refresh refresh;
  std::string owner;  // of the lease
  // Where to go on: number and token of the page to read next; 0 and empty at
  // the start.
  int32_t next_page = 0;
  std::string next_page_token;
};

// What a complete listing lacks.
struct Missing {
  int64_t reached = 0;  // repositories of the connection, with those it added
  int64_t missing = 0;  // of these, not in the listing
  // Of these, missing since an earlier listing that is at least so old as was
  // asked: confirmed.
  int64_t confirmed = 0;
  // Groups with three or more repositories of which none is left.
  std::vector<std::string> lost_groups;  // ten at most
};

// Refreshes, one row each, and how a listing becomes the catalog. On the loop
// only.
//
// Pages are numbered from 0. Each repository that a connection reaches has the
// number of the page that listed it; so a page that the forge says is the same
// costs no write, and what is missing at the end is what has no page, or one
// beyond the last. A page that lacks what it had before takes the page from
// that; whichever page lists it next, gives it its own. What a look-up wrote
// since the listing began is never missing.
class ListingStore {
 public:
  // All must outlive the store.
  ListingStore(Database& database, CatalogStore& catalog, const Clock& clock);

  // Begins a refresh, leased to `owner` for `lease`; or goes on with the last
  // one where that failed within `resume_within`: with its counts, start and
  // position, as a new row. Aborted where one is under way, with its number and
  // owner in the message; a row whose lease ran out is one that failed.
  boost::asio::awaitable<absl::StatusOr<Listing>> Begin(
      std::string connection, v1::Refresh::Trigger trigger, std::string owner,
      absl::Duration lease, absl::Duration resume_within);

  // Pages as they were when last read, by number; for GitHub's ETags.
  boost::asio::awaitable<absl::StatusOr<std::vector<v1::KnownPage>>> KnownPages(
      std::string connection);

  // Writes pages, the next ones in order, with everything that follows from
  // them, in one transaction, and renews the lease: all of them or, where it
  // fails, none. A page that is not_modified counts what it held as seen, and
  // writes nothing but, where `save_position`, the row of the refresh; so does
  // one that holds what it held. `listing` is brought up to date: position and
  // counts. Aborted where the lease was lost.
  //
  // Returns what came of each. These are fewer than were given where one that
  // is not_modified is no longer known, as somebody changed what it held: it
  // has to be read, and those before it were written. Where it is the first,
  // that is Unavailable.
  boost::asio::awaitable<absl::StatusOr<std::vector<PageWritten>>> WritePages(
      Listing& listing, std::vector<v1::ListRepositoriesResponse> pages,
      bool save_position, absl::Duration lease);

  // Renews the lease, while no page comes. Aborted where it was lost.
  boost::asio::awaitable<absl::Status> Renew(const Listing& listing,
                                             absl::Duration lease);

  // What the listing, all of whose pages were written, lacks.
  boost::asio::awaitable<absl::StatusOr<Missing>> CountMissing(
      const Listing& listing, absl::Duration confirm_after);

  // Of what is missing, removes up to 500; where `confirmed_only`, of what is
  // confirmed. Returns how many; call again until 0.
  boost::asio::awaitable<absl::StatusOr<int64_t>> RemoveMissing(
      Listing& listing, bool confirmed_only, absl::Duration confirm_after);

  // Notes since when what is missing is missing, where that is not known yet.
  boost::asio::awaitable<absl::Status> NoteMissing(const Listing& listing);

  // Ends the refresh as `listing.refresh` says: state, error, counts. Forgets
  // pages beyond the last where it is DONE or HELD. Gives the lease back.
  boost::asio::awaitable<absl::Status> End(Listing& listing);

  // Newest first.
  boost::asio::awaitable<absl::StatusOr<v1::ListRefreshesResponse>> List(
      v1::ListRefreshesRequest request);
  // The newest of a connection, and the newest that is DONE.
  struct Newest {
    absl::optional<v1::Refresh> refresh;
    absl::optional<v1::Refresh> done;
  };
  boost::asio::awaitable<absl::StatusOr<Newest>> FindNewest(
      std::string connection);
  // Keeps the newest 100 rows of each connection.
  boost::asio::awaitable<absl::StatusOr<int64_t>> DropOld();

 private:
  Database& database_;
  CatalogStore& catalog_;
  const Clock& clock_;
};

}  // namespace lamplighter::reposync
