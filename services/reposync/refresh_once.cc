#include <unistd.h>

#include <iostream>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "boost/asio/awaitable.hpp"
#include "common/async/task_group.h"
#include "common/async/timer_sleeper.h"
#include "common/log/log.h"
#include "common/status/macros.h"
#include "common/status/status.h"
#include "services/reposync/connections/configured_connections.h"
#include "services/reposync/refresh/grpc_repository_lister.h"
#include "services/reposync/refresh/refresher.h"
#include "services/reposync/reposync_app.h"
#include "services/reposync/reposync_config.h"
#include "services/reposync/store/catalog_store.h"
#include "services/reposync/store/connection_store.h"
#include "services/reposync/store/database.h"
#include "services/reposync/store/listing_store.h"
#include "services/reposync/workers.h"

namespace lamplighter::reposync {
namespace {

using ::boost::asio::awaitable;
using v1::Refresh;

// Nobody else waits for it, and the next run is a day away.
constexpr absl::Duration kMaxWait = absl::Minutes(70);
constexpr absl::Duration kListingTimeout = absl::Hours(6);
constexpr absl::Duration kProgressEvery = absl::Milliseconds(200);

class RefreshOnce final : public Service {
 public:
  RefreshOnce(const ReposyncConfig& config, std::unique_ptr<Database> database,
              std::string connection, AppContext& context)
      : context_(context),
        connection_(std::move(connection)),
        database_(std::move(database)),
        workers_(config.workers),
        catalog_(*database_, context.clock),
        connections_(*database_, catalog_, context.clock),
        listings_(*database_, catalog_, context.clock),
        configured_({}, workers_, connections_, context.clock, sleeper_),
        lister_(workers_, kListingTimeout, context.clock),
        refresher_(Patient(config.refresher), lister_, listings_, context.clock,
                   sleeper_, context.metrics),
        drain_timeout_(config.drain_timeout),
        tasks_(context.loop.get_executor(), "refresh") {}

  awaitable<absl::Status> Start() override {
    tasks_.Spawn(Run());
    co_return absl::OkStatus();
  }

  awaitable<void> Stop() override {
    refresher_.RequestStop();
    co_await tasks_.Drain(drain_timeout_);
  }

 private:
  static Refresher::Options Patient(Refresher::Options options) {
    options.max_wait = kMaxWait;
    return options;
  }

  awaitable<void> Run() {
    const absl::Status status = co_await RefreshAll();
    if (status.ok()) {
      context_.stop();
    } else {
      context_.fail(status);
    }
  }

  awaitable<absl::Status> RefreshAll() {
    LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await database_->Migrate());
    absl::Status status = co_await configured_.Update();
    std::vector<StoredConnection> connections;
    if (connection_.empty()) {
      LAMPLIGHTER_CO_ASSIGN_OR_RETURN(connections,
                                      co_await connections_.List());
    } else {
      LAMPLIGHTER_CO_ASSIGN_OR_RETURN(connections.emplace_back(),
                                      co_await connections_.Find(connection_));
    }
    for (StoredConnection& connection : connections) {
      status.Update(co_await RefreshOne(std::move(connection)));
    }
    status.Update((co_await listings_.DropOld()).status());
    co_return status;
  }

  awaitable<absl::Status> RefreshOne(StoredConnection connection) {
    const std::string name = connection.info.name();
    absl::StatusOr<Listing> listing =
        co_await refresher_.Begin(name, Refresh::COMMAND);
    if (!listing.ok()) {
      std::cout << name << ": " << listing.status().message() << std::endl;
      // Another one does the work.
      if (absl::IsAborted(listing.status())) co_return absl::OkStatus();
      co_return Annotate(listing.status(), "refresh ", name);
    }
    const Refresher::Report report = co_await refresher_.Run(
        *std::move(listing), std::move(connection), /*accept_shrink=*/false,
        [this](const Refresh& refresh) { ShowProgress(refresh); });
    if (shown_) std::cout << "\r\033[K";
    std::cout << name << ": " << SummaryOf(report.refresh)
              << (report.status.ok() ? "" : "; not done: ")
              << report.refresh.error() << std::endl;
    co_return Annotate(report.status, "refresh ", name);
  }

  // On a terminal alone, in place.
  void ShowProgress(const Refresh& refresh) {
    if (isatty(STDOUT_FILENO) == 0) return;
    const absl::Duration now = context_.clock.MonotonicNow();
    if (shown_ && now - shown_at_ < kProgressEvery) return;
    shown_ = true;
    shown_at_ = now;
    std::cout << '\r' << refresh.connection() << ": " << refresh.seen()
              << " repositories, " << refresh.requests() << " pages"
              << std::flush;
  }

  AppContext& context_;
  const std::string connection_;  // empty: all
  TimerSleeper sleeper_;
  const std::unique_ptr<Database> database_;
  const Workers workers_;
  CatalogStore catalog_;
  ConnectionStore connections_;
  ListingStore listings_;
  ConfiguredConnections configured_;
  GrpcRepositoryLister lister_;
  Refresher refresher_;
  const absl::Duration drain_timeout_;
  bool shown_ = false;
  absl::Duration shown_at_;
  TaskGroup tasks_;  // last: its task uses what is above
};

}  // namespace

absl::StatusOr<std::unique_ptr<Service>> MakeRefreshOnce(
    AppContext& context, const std::string& connection) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      const ReposyncConfig config,
      ReadReposyncConfig(context.config.reposync(), context.config_file));
  LAMPLIGHTER_ASSIGN_OR_RETURN(std::unique_ptr<Database> database,
                               Database::Create(config.database, context.loop));
  return std::make_unique<RefreshOnce>(config, std::move(database), connection,
                                       context);
}

}  // namespace lamplighter::reposync
