#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "common/async/sleeper.h"
#include "common/metrics/metrics.h"
#include "common/time/backoff.h"
#include "common/time/clock.h"
#include "proto/lamplighter/v1/catalog_service.pb.h"
#include "proto/lamplighter/v1/provider.pb.h"
#include "services/reposync/metrics.h"
#include "services/reposync/refresh/repository_lister.h"
#include "services/reposync/store/connection_store.h"
#include "services/reposync/store/listing_store.h"

namespace lamplighter::reposync {

// For people: "1,234 seen, 3 added, ...", on a line.
std::string SummaryOf(const v1::Refresh& refresh);

// Brings the catalog up to date with what a connection reaches. On the loop
// only.
//
// Nothing is removed but after a listing that was read to its end. Where that
// looks wrong, or lacks too much, it is held: what it lacks is noted and kept,
// and goes only with a listing, Options::confirm_after later, that lacks it
// still, or where somebody says that it may.
class Refresher {
 public:
  struct Options {
    std::string owner;  // this process, in leases
    int max_shrink_percent = 20;
    absl::Duration confirm_after = absl::Hours(1);
    // A listing that broke off so long ago begins anew.
    absl::Duration resume_within = absl::Hours(24);
    // What a forge asks to wait is waited for in place up to this; else the
    // refresh ends, and the next one goes on.
    absl::Duration max_wait = absl::Minutes(1);
    // Tries in a row that bring no page.
    int max_failures = 5;
    Backoff backoff;
    // Longer than a page may take.
    absl::Duration lease = absl::Minutes(5);
    int32_t max_pages = 1'000'000;
  };

  // What came of a refresh.
  struct Report {
    v1::Refresh refresh;
    // Why it is not DONE; with RetryAfter() where it may go on at a known time.
    absl::Status status;
  };
  using Progress = std::function<void(const v1::Refresh&)>;

  // All must outlive the refresher.
  Refresher(Options options, RepositoryLister& lister, ListingStore& listings,
            const Clock& clock, Sleeper& sleeper, Metrics& metrics);

  // ListingStore::Begin() with this process as the owner.
  boost::asio::awaitable<absl::StatusOr<Listing>> Begin(
      std::string connection, v1::Refresh::Trigger trigger);

  // Lists, and ends the refresh as what came of it. `accept_shrink`: what a
  // listing lacks may go, however much that is. `progress` is called after
  // each few pages; it may be null.
  boost::asio::awaitable<Report> Run(Listing listing,
                                     StoredConnection connection,
                                     bool accept_shrink, Progress progress);

  // What runs ends at its next pages, as FAILED, to be gone on with.
  void RequestStop() { stopping_ = true; }

 private:
  // What makes a listing that was read to its end not to be believed.
  struct Doubt {
    const char* reason = nullptr;  // of the metric; null where there is none
    std::string words;
  };
  // What is wrong with a page.
  struct Wrong {
    absl::Status status;
    Doubt doubt = {};
  };
  // A listing while it is read.
  struct Reading;
  // What is left to know of a page that was given to be written.
  struct PageSaid;

  boost::asio::awaitable<absl::Status> ReadPages(Reading& reading,
                                                 const Progress& progress);
  // Reads on until an error or the end.
  boost::asio::awaitable<absl::Status> ReadSome(Reading& reading,
                                                const Progress& progress);
  // Keeps the lease meanwhile.
  boost::asio::awaitable<absl::Status> Wait(const Listing& listing,
                                            absl::Duration left);
  // Writes the pages; of these, where one is wrong, those before it.
  boost::asio::awaitable<absl::Status> TakePages(
      Reading& reading, std::vector<v1::ListRepositoriesResponse> pages);
  // `page`, after those that are given, follows on what was read.
  Wrong CheckPage(const Reading& reading, const std::vector<PageSaid>& before,
                  const v1::ListRepositoriesResponse& page) const;
  boost::asio::awaitable<absl::Status> RemoveMissing(Reading& reading);
  Doubt WhatIsWrong(const Reading& reading, const Missing& missing) const;
  boost::asio::awaitable<Report> End(Reading reading, absl::Status status);
  void Count(const Reading& reading) const;

  const Options options_;
  RepositoryLister& lister_;
  ListingStore& listings_;
  const Clock& clock_;
  Sleeper& sleeper_;
  ReposyncMetrics metrics_;
  absl::BitGen random_;
  bool stopping_ = false;
};

}  // namespace lamplighter::reposync
