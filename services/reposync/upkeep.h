#pragma once

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "common/async/sleeper.h"
#include "common/time/clock.h"
#include "services/reposync/store/catalog_store.h"

namespace lamplighter::reposync {

// Drops what the catalog need not keep any longer, and has Search() know what
// there is. On the loop only.
class Upkeep {
 public:
  struct Options {
    absl::Duration interval = absl::Minutes(10);
    absl::Duration keep_removed = absl::Hours(168);
    absl::Duration keep_changes = absl::Hours(168);
  };

  // All must outlive it.
  Upkeep(const Options& options, CatalogStore& catalog, const Clock& clock,
         Sleeper& sleeper)
      : options_(options),
        catalog_(catalog),
        clock_(clock),
        sleeper_(sleeper) {}

  // Again and again, until it is cancelled.
  boost::asio::awaitable<void> Run();

 private:
  boost::asio::awaitable<absl::Status> KeepUp();

  const Options options_;
  CatalogStore& catalog_;
  const Clock& clock_;
  Sleeper& sleeper_;
};

}  // namespace lamplighter::reposync
