#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "common/async/sleeper.h"
#include "common/metrics/metrics.h"
#include "common/time/clock.h"
#include "services/provider/failed_deliveries.h"
#include "services/provider/forge_jobs.h"
#include "services/provider/forges/forge.h"
#include "services/provider/metrics.h"

namespace lamplighter::provider {

// Has the forge of one connection make those deliveries again that failed, to
// the connection's webhook_url: after an outage of ours. It reads what the
// forge remembers of the account's webhook if there is one, else of the
// repositories'. What it knows is in memory: after a start it reads everything.
// Several of the same connection do no harm but double deliveries, which have
// one id. On the loop only.
class RedeliverySweep {
 public:
  struct Options {
    std::string connection;
    absl::Duration interval = absl::Minutes(5);  // between sweeps, about
    // Between deliveries: as GitHub asks of whoever changes something.
    absl::Duration spacing = absl::Seconds(1);
    // Repositories whose webhooks are looked at in a sweep, and webhooks whose
    // deliveries are; the next sweep goes on after them.
    size_t max_repositories = 50;
    size_t max_webhooks = 50;
    size_t max_redeliveries = 200;  // in a sweep
  };

  // What a sweep did.
  struct Report {
    FailedDeliveries::Change change;
    size_t tries = 0;  // to have a delivery made again
    int64_t redelivered = 0;
    // Why the sweep ended early, or what it had to leave out.
    absl::Status status;
  };

  // The rest must outlive it. The connection's forge has to be one that
  // Redelivers().
  RedeliverySweep(Options options, ForgeJobs& jobs, const Clock& clock,
                  Sleeper& sleeper, Metrics& metrics);

  // Sweeps again and again, and logs what was done, until it is cancelled.
  boost::asio::awaitable<void> Run();

  // Leaves the part of the credential's quota alone that is reserved for
  // statuses, and goes on the next time where a limit ends it.
  boost::asio::awaitable<Report> Sweep();

 private:
  struct Webhook {
    std::string id;
    FailedDeliveries deliveries;
  };
  template <typename Result>
  using Work =
      std::function<boost::asio::awaitable<Result>(Forge&, ForgeCall&)>;

  // Has `work` done on the repository, or on the account if it is empty.
  template <typename Result>
  boost::asio::awaitable<Result> Do(std::string repository, Work<Result> work);

  boost::asio::awaitable<absl::Status> FindWebhooks();
  boost::asio::awaitable<absl::Status> FindOnRepositories(std::string url);
  // Fills `repositories_`.
  boost::asio::awaitable<absl::Status> ListRepositories();
  boost::asio::awaitable<absl::Status> FindOnRepository(std::string repository,
                                                        std::string url);
  // Those whose turn it is in this sweep.
  std::vector<std::string> NextRound();
  boost::asio::awaitable<absl::Status> Visit(std::string repository,
                                             Report& report);
  boost::asio::awaitable<absl::Status> Read(std::string repository,
                                            Report& report);
  boost::asio::awaitable<absl::Status> Redeliver(std::string repository,
                                                 Report& report);
  void Count(const Report& report);

  const Options options_;
  ForgeJobs& jobs_;
  const Clock& clock_;
  Sleeper& sleeper_;
  ProviderMetrics metrics_;
  absl::BitGen random_;
  // By repository id; the account's has an empty one.
  absl::btree_map<std::string, Webhook> webhooks_;
  std::string last_visited_;
  std::deque<std::string> repositories_;  // whose turn it is to be looked at
  std::string next_page_;                 // of the listing of them
};

}  // namespace lamplighter::provider
