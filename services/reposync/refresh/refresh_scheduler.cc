#include "services/reposync/refresh/refresh_scheduler.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/random/random.h"
#include "absl/status/status.h"
#include "common/grpc/retry_info.h"
#include "common/log/log.h"
#include "common/status/macros.h"
#include "common/time/proto_time.h"

namespace lamplighter::reposync {
namespace {

using ::boost::asio::awaitable;
using v1::Refresh;

// That are counted, of those in a row before this process knew of them.
constexpr int kMostFailures = 20;

// 0.9 to 1.1, the same in every replica: absl::Hash is another in each process.
double Jitter(const Refresh& refresh) {
  const uint64_t mixed =
      static_cast<uint64_t>(refresh.id()) * 0x9E3779B97F4A7C15U;
  return 0.9 + 0.2 * static_cast<double>(mixed >> 32) / 0x1p32;
}

void LogEnd(const Refresher::Report& report) {
  const Refresh& refresh = report.refresh;
  if (report.status.ok()) {
    LAMPLIGHTER_LOG(kInfo, "refreshed")
        .With("connection", refresh.connection())
        .With("summary", SummaryOf(refresh));
    return;
  }
  LAMPLIGHTER_LOG(kWarning, "refresh not done")
      .With("connection", refresh.connection())
      .With("error", report.status)
      .With("summary", SummaryOf(refresh));
}

}  // namespace

RefreshScheduler::RefreshScheduler(Options options, Refresher& refresher,
                                   ConnectionStore& connections,
                                   ListingStore& listings, const Clock& clock,
                                   Sleeper& sleeper,
                                   boost::asio::any_io_executor loop)
    : options_(std::move(options)),
      refresher_(refresher),
      connections_(connections),
      listings_(listings),
      clock_(clock),
      sleeper_(sleeper),
      tasks_(std::move(loop), "refreshes") {}

awaitable<void> RefreshScheduler::Run() {
  while (true) {
    co_await Look();
    if (!(co_await sleeper_.SleepFor(options_.look_every)).ok()) co_return;
  }
}

awaitable<void> RefreshScheduler::Look() {
  absl::StatusOr<std::vector<StoredConnection>> connections =
      co_await connections_.List();
  absl::Status status = connections.status();
  if (status.ok()) {
    for (StoredConnection& connection : *connections) {
      status.Update(co_await LookAt(std::move(connection)));
    }
    status.Update((co_await listings_.DropOld()).status());
  }
  if (status.ok()) co_return;
  LAMPLIGHTER_LOG(kWarning, "connections could not all be looked at")
      .With("error", status);
}

awaitable<absl::Status> RefreshScheduler::LookAt(StoredConnection connection) {
  const std::string name = connection.info.name();
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const ListingStore::Newest newest,
                                  co_await listings_.FindNewest(name));
  if (newest.refresh.has_value()) {
    LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await Learn(name, *newest.refresh));
  }
  if (DueAt(name, newest) > clock_.Now()) co_return absl::OkStatus();
  if (tasks_.size() >= options_.max_at_once) co_return absl::OkStatus();
  const absl::Status begun =
      (co_await Begin(name, Refresh::SCHEDULE, /*accept_shrink=*/false))
          .status();
  // It was deleted meanwhile.
  co_return absl::IsNotFound(begun) ? absl::OkStatus() : begun;
}

absl::Time RefreshScheduler::DueAt(const std::string& connection,
                                   const ListingStore::Newest& newest) const {
  const auto own = options_.intervals.find(connection);
  const absl::Duration interval =
      own == options_.intervals.end() ? options_.interval : own->second;
  if (interval == absl::ZeroDuration()) return absl::InfiniteFuture();
  if (!newest.refresh.has_value()) return absl::InfinitePast();
  const Refresh& refresh = *newest.refresh;
  const absl::Time ended = FromProto(refresh.finished_at());
  switch (refresh.state()) {
    case Refresh::RUNNING:  // its lease may be over: beginning tells
      return absl::InfinitePast();
    case Refresh::HELD:
      return ended + std::min(options_.confirm_after, interval);
    case Refresh::FAILED: {
      const auto failing = failing_.find(connection);
      return failing != failing_.end() && failing->second.newest >= refresh.id()
                 ? failing->second.retry_at
                 : ended + options_.after_failure.first;
    }
    default:
      return ended + interval * Jitter(refresh);
  }
}

awaitable<absl::StatusOr<RefreshScheduler::Begun>> RefreshScheduler::Begin(
    std::string connection, Refresh::Trigger trigger, bool accept_shrink) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(StoredConnection stored,
                                  co_await connections_.Find(connection));
  absl::StatusOr<Listing> listing =
      co_await refresher_.Begin(connection, trigger);
  if (absl::IsAborted(listing.status())) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        ListingStore::Newest newest,
        co_await listings_.FindNewest(std::move(connection)));
    if (!newest.refresh.has_value()) co_return listing.status();
    co_return Begun{.refresh = *std::move(newest.refresh),
                    .already_running = true};
  }
  if (!listing.ok()) co_return listing.status();
  Begun begun = {.refresh = listing->refresh};
  tasks_.Spawn(Finish(*std::move(listing), std::move(stored), accept_shrink));
  co_return begun;
}

awaitable<void> RefreshScheduler::Finish(Listing listing,
                                         StoredConnection connection,
                                         bool accept_shrink) {
  const Refresher::Report report =
      co_await refresher_.Run(std::move(listing), std::move(connection),
                              accept_shrink, /*progress=*/nullptr);
  LogEnd(report);
  Note(report);
}

void RefreshScheduler::Note(const Refresher::Report& report) {
  const std::string& connection = report.refresh.connection();
  if (report.refresh.state() != Refresh::FAILED) {
    failing_.erase(connection);
    return;
  }
  Failing& failing = failing_[connection];
  // Learn() may have been first.
  if (failing.newest < report.refresh.id()) ++failing.failures;
  failing.newest = report.refresh.id();
  failing.retry_at =
      clock_.Now() + RetryAfter(report.status)
                         .value_or(options_.after_failure.AtLeastHalfAfter(
                             failing.failures, random_));
}

awaitable<absl::Status> RefreshScheduler::Learn(std::string connection,
                                                Refresh newest) {
  if (newest.state() == Refresh::RUNNING) co_return absl::OkStatus();
  if (newest.state() != Refresh::FAILED) {
    failing_.erase(connection);
    co_return absl::OkStatus();
  }
  const auto known = failing_.find(connection);
  if (known != failing_.end() && known->second.newest >= newest.id()) {
    co_return absl::OkStatus();
  }
  v1::ListRefreshesRequest request;
  request.set_connection(connection);
  request.set_page_size(kMostFailures);
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const v1::ListRefreshesResponse last,
                                  co_await listings_.List(std::move(request)));
  const auto ended_well =
      absl::c_find_if(last.refreshes(), [](const Refresh& refresh) {
        return refresh.state() != Refresh::FAILED;
      });
  Failing& failing = failing_[connection];
  failing.newest = newest.id();
  failing.failures =
      static_cast<int>(std::distance(last.refreshes().begin(), ended_well));
  // What a forge asked this process for holds, too.
  failing.retry_at = std::max(failing.retry_at,
                              FromProto(newest.finished_at()) +
                                  options_.after_failure.AtLeastHalfAfter(
                                      std::max(failing.failures, 1), random_));
  co_return absl::OkStatus();
}

awaitable<void> RefreshScheduler::Drain(absl::Duration limit) {
  refresher_.RequestStop();
  co_await tasks_.Drain(limit);
}

}  // namespace lamplighter::reposync
