#pragma once

#include <string>

#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "common/async/sleeper.h"
#include "common/time/backoff.h"
#include "common/time/clock.h"
#include "services/reposync/store/connection_store.h"
#include "services/reposync/workers.h"

namespace lamplighter::reposync {

// Takes over the connections of the provider workers' configuration. On the
// loop only.
class ConfiguredConnections {
 public:
  struct Options {
    absl::Duration interval = absl::Minutes(1);
    // While not every worker has answered: they may be starting, too.
    Backoff backoff = {absl::Seconds(1), absl::Minutes(1)};
    absl::Duration call_timeout = absl::Seconds(10);
  };

  // All must outlive this.
  ConfiguredConnections(const Options& options, const Workers& workers,
                        ConnectionStore& store, const Clock& clock,
                        Sleeper& sleeper)
      : options_(options),
        workers_(workers),
        store_(store),
        clock_(clock),
        sleeper_(sleeper) {}

  // Asks every worker once. Of one that does not answer everything stays as it
  // was; the first error is returned after all were asked.
  boost::asio::awaitable<absl::Status> Update();

  // Updates again and again, until it is cancelled.
  boost::asio::awaitable<void> Run();

 private:
  boost::asio::awaitable<absl::Status> UpdateFrom(
      std::string types, v1::ProviderService::Stub* stub);

  const Options options_;
  const Workers& workers_;
  ConnectionStore& store_;
  const Clock& clock_;
  Sleeper& sleeper_;
  absl::BitGen random_;
  std::string last_error_;  // each is logged once
};

}  // namespace lamplighter::reposync
