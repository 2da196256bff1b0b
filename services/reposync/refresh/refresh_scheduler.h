#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "boost/asio/any_io_executor.hpp"
#include "boost/asio/awaitable.hpp"
#include "common/async/sleeper.h"
#include "common/async/task_group.h"
#include "common/time/backoff.h"
#include "common/time/clock.h"
#include "proto/lamplighter/v1/catalog_service.pb.h"
#include "services/reposync/refresh/refresher.h"
#include "services/reposync/store/connection_store.h"
#include "services/reposync/store/listing_store.h"

namespace lamplighter::reposync {

// Refreshes each connection when its time has come, or when it is asked to. One
// at a time of a connection, over all replicas. On the loop only.
class RefreshScheduler {
 public:
  struct Options {
    // Between refreshes of a connection; zero: only when asked to.
    absl::Duration interval = absl::Hours(24);
    std::map<std::string, absl::Duration> intervals = {};  // by connection
    absl::Duration confirm_after = absl::Hours(1);  // of one that was held
    Backoff after_failure = {.first = absl::Minutes(1), .max = absl::Hours(1)};
    // How often connections are looked at.
    absl::Duration look_every = absl::Seconds(15);
    size_t max_at_once = 4;  // by schedule
  };

  // All must outlive the scheduler.
  RefreshScheduler(Options options, Refresher& refresher,
                   ConnectionStore& connections, ListingStore& listings,
                   const Clock& clock, Sleeper& sleeper,
                   boost::asio::any_io_executor loop);

  // Looks what is due, again and again, until it is cancelled.
  boost::asio::awaitable<void> Run();

  struct Begun {
    v1::Refresh refresh;
    bool already_running = false;
  };
  // Begins a refresh, which goes on by itself, or says which one runs.
  // NotFound where there is no such connection.
  boost::asio::awaitable<absl::StatusOr<Begun>> Begin(
      std::string connection, v1::Refresh::Trigger trigger, bool accept_shrink);

  // When the next one is due after `newest`; InfiniteFuture where none is
  // planned. After a failure that is as this process knows it: Run() learns of
  // those of other replicas.
  absl::Time DueAt(const std::string& connection,
                   const ListingStore::Newest& newest) const;

  // Lets what runs end, for so long, and cancels the rest.
  boost::asio::awaitable<void> Drain(absl::Duration limit);

 private:
  // Of a connection whose refreshes failed, here or in another replica.
  struct Failing {
    int64_t newest = 0;  // number of the last one that is known
    int failures = 0;    // in a row
    absl::Time retry_at;
  };

  boost::asio::awaitable<void> Look();
  boost::asio::awaitable<absl::Status> LookAt(StoredConnection connection);
  boost::asio::awaitable<void> Finish(Listing listing,
                                      StoredConnection connection,
                                      bool accept_shrink);
  void Note(const Refresher::Report& report);
  // What came of refreshes of other replicas, or before this process began:
  // how long a forge asked to wait then is not known.
  boost::asio::awaitable<absl::Status> Learn(std::string connection,
                                             v1::Refresh newest);

  const Options options_;
  Refresher& refresher_;
  ConnectionStore& connections_;
  ListingStore& listings_;
  const Clock& clock_;
  Sleeper& sleeper_;
  absl::BitGen random_;
  std::map<std::string, Failing> failing_;
  TaskGroup tasks_;  // last: its tasks use what is above
};

}  // namespace lamplighter::reposync
