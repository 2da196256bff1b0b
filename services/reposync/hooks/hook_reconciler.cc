#include "services/reposync/hooks/hook_reconciler.h"

#include <algorithm>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "boost/asio/as_tuple.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "common/log/log.h"
#include "common/status/macros.h"
#include "common/status/status.h"

namespace lamplighter::reposync {
namespace {

using boost::asio::awaitable;
using v1::Hook;

// What another process made due, and left behind, is seen so soon.
constexpr absl::Duration kLongestSleep = absl::Minutes(1);
constexpr absl::Duration kShowEvery = absl::Seconds(10);
// How often Reconcile() looks whether another process was faster.
constexpr absl::Duration kLookEvery = absl::Milliseconds(250);
// More wait in their turn, with the rest.
constexpr size_t kMaxFirst = 1000;
// After errors of the database.
constexpr Backoff kAfterErrors = {.first = absl::Seconds(1),
                                  .max = absl::Minutes(1)};

std::string CodeOf(const absl::Status& status) {
  return absl::AsciiStrToLower(absl::StatusCodeToString(status.code()));
}

HookKey KeyOf(const LeasedHook& leased) {
  return {.connection = leased.hook.connection(),
          .repository = leased.hook.repository()};
}

template <typename Request>
Request RequestFor(const LeasedHook& leased,
                   const StoredConnection& connection) {
  Request request;
  request.set_repository_id(leased.hook.repository_id());
  if (connection.sealed.empty()) {
    request.set_connection(connection.info.name());
  } else {
    request.set_sealed_connection(connection.sealed);
  }
  return request;
}

}  // namespace

HookReconciler::HookReconciler(Options options, boost::asio::io_context& loop,
                               HookStore& hooks, ConnectionStore& connections,
                               CatalogStore& catalog, HookWorker& worker,
                               const Clock& clock, Metrics& metrics)
    : options_(std::move(options)),
      loop_(loop),
      hooks_(hooks),
      connections_(connections),
      catalog_(catalog),
      worker_(worker),
      clock_(clock),
      metrics_(metrics),
      pace_(options_.times.retry),
      timer_(loop),
      calls_(loop.get_executor(), "webhook calls") {}

awaitable<void> HookReconciler::Run() {
  while (!stopping_) {
    const absl::StatusOr<absl::Duration> wait = co_await StartDue();
    errors_ = wait.ok() ? 0 : errors_ + 1;
    if (!wait.ok()) {
      LAMPLIGHTER_LOG_EVERY_SECOND(kWarning, "webhooks cannot be looked up")
          .With("error", wait.status().ToString());
    }
    co_await ShowStates();
    co_await Sleep(wait.ok() ? *wait
                             : kAfterErrors.AtLeastHalfAfter(errors_, random_));
  }
}

void HookReconciler::Wake() {
  woken_ = true;
  timer_.cancel();
}

void HookReconciler::Forgive(const std::string& connection) {
  pace_.Forgive(connection);
  Wake();
}

awaitable<void> HookReconciler::Sleep(absl::Duration limit) {
  if (!woken_ && !stopping_ && limit > absl::ZeroDuration()) {
    timer_.expires_after(
        absl::ToChronoNanoseconds(std::min(limit, kLongestSleep)));
    co_await timer_.async_wait(
        boost::asio::as_tuple(boost::asio::use_awaitable));
  }
  woken_ = false;
}

awaitable<absl::StatusOr<absl::Duration>> HookReconciler::StartDue() {
  while (!stopping_ && running_.size() < options_.max_calls) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(absl::optional<LeasedHook> leased,
                                    co_await TakeNext());
    if (leased.has_value()) {
      Start(*std::move(leased));
      continue;
    }
    const absl::Duration now = clock_.MonotonicNow();
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const absl::Time due,
                                    co_await hooks_.NextDue(pace_.Busy(now)));
    co_return std::min(due - clock_.Now(), pace_.NextFree(now) - now);
  }
  co_return kLongestSleep;  // the end of a call wakes it
}

awaitable<absl::StatusOr<absl::optional<LeasedHook>>>
HookReconciler::TakeNext() {
  while (!first_.empty()) {
    const HookKey key = std::move(first_.front());
    first_.pop_front();
    if (running_.contains(KeyOf(key)) ||
        !pace_.MayStart(key.connection, clock_.MonotonicNow())) {
      continue;
    }
    absl::StatusOr<LeasedHook> leased =
        co_await hooks_.Take(key, options_.owner, options_.lease);
    if (leased.ok()) co_return *std::move(leased);
    // Gone, tried by now, or another process works on it.
    if (absl::IsNotFound(leased.status()) || absl::IsAborted(leased.status())) {
      continue;
    }
    co_return leased.status();
  }
  const std::vector<std::string> busy = pace_.Busy(clock_.MonotonicNow());
  // Reading holds up nobody who writes.
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const absl::Time due,
                                  co_await hooks_.NextDue(busy));
  if (due > clock_.Now()) co_return absl::nullopt;
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      std::vector<LeasedHook> leased,
      co_await hooks_.TakeDue(options_.owner, options_.lease, 1, busy));
  if (leased.empty()) co_return absl::nullopt;
  co_return std::move(leased[0]);
}

void HookReconciler::Start(LeasedHook leased) {
  running_.insert(KeyOf(reposync::KeyOf(leased)));
  pace_.Started(leased.hook.connection());
  calls_.Spawn(Work(std::move(leased)));
}

awaitable<void> HookReconciler::Work(LeasedHook leased) {
  const HookKey key = reposync::KeyOf(leased);
  const std::string repository_id = leased.hook.repository_id();
  absl::Status status = absl::CancelledError("cut off");
  // Also where it is cut off.
  const auto end = absl::MakeCleanup([&] {
    running_.erase(KeyOf(key));
    pace_.Ended(key.connection, status, clock_.MonotonicNow(), random_);
    for (boost::asio::steady_timer* waiting : waiting_) waiting->cancel();
    Wake();
  });
  status = co_await Try(std::move(leased));
  if (status.ok()) co_return;
  metrics_.errors.Add({{"code", CodeOf(status)}}).Increment();
  LAMPLIGHTER_LOG_EVERY_SECOND(kWarning, "a webhook is not as it should be")
      .With("connection", key.connection)
      .With("repository", repository_id)
      .With("error", status.ToString());
}

awaitable<absl::Status> HookReconciler::Try(LeasedHook leased) {
  absl::StatusOr<StoredConnection> connection =
      co_await connections_.Find(leased.hook.connection());
  if (absl::IsNotFound(connection.status())) {
    co_return co_await SettleFailed(std::move(leased), connection.status());
  }
  if (!connection.ok()) {
    // Not the forge's: the row is tried again once its lease is over.
    co_return absl::InternalError(connection.status().ToString());
  }
  if (IsWanted(leased.hook)) {
    co_return co_await Ensure(std::move(leased), *std::move(connection));
  }
  co_return co_await Remove(std::move(leased), *std::move(connection));
}

awaitable<absl::Status> HookReconciler::Ensure(LeasedHook leased,
                                               StoredConnection connection) {
  auto request = RequestFor<v1::EnsureWebhooksRequest>(leased, connection);
  request.set_rewrite(leased.rewrite);
  const absl::StatusOr<v1::EnsureWebhooksResponse> response =
      co_await worker_.Ensure(connection.info.type(), std::move(request));
  if (!response.ok()) {
    co_return co_await SettleFailed(std::move(leased), response.status());
  }
  const Drift drift = SetPresent(leased, *response, connection.info,
                                 options_.times, clock_.Now(), random_);
  const absl::Status settled = co_await hooks_.Settle(std::move(leased));
  metrics_.repairs.Add({{"kind", "deleted"}}).Increment(drift.deleted);
  metrics_.repairs.Add({{"kind", "repaired"}}).Increment(drift.repaired);
  // Not the forge's: it is tried again once the lease is over.
  if (!settled.ok()) co_return absl::InternalError(settled.ToString());
  co_return absl::OkStatus();
}

awaitable<absl::Status> HookReconciler::Remove(LeasedHook leased,
                                               StoredConnection connection) {
  absl::Status status =
      (co_await worker_.Remove(
           connection.info.type(),
           RequestFor<v1::RemoveWebhooksRequest>(leased, connection)))
          .status();
  if (absl::IsNotFound(status)) {
    status = co_await ConfirmGone(leased.hook.repository(),
                                  std::move(connection), std::move(status));
  }
  if (!status.ok()) {
    co_return co_await SettleFailed(std::move(leased), std::move(status));
  }
  const absl::Status settled = co_await hooks_.SettleRemoved(std::move(leased));
  if (!settled.ok()) co_return absl::InternalError(settled.ToString());
  co_return absl::OkStatus();
}

awaitable<absl::Status> HookReconciler::ConfirmGone(int64_t repository,
                                                    StoredConnection connection,
                                                    absl::Status not_found) {
  // Forges answer so to who may not see it, too.
  const absl::StatusOr<v1::CatalogEntry> entry =
      co_await catalog_.Get(repository);
  const bool is_gone =
      entry.ok() ? entry->has_removed_at() : absl::IsNotFound(entry.status());
  if (!is_gone) co_return not_found;
  // And workers, where they do not know the connection.
  const absl::Status check = co_await worker_.CheckCredential(
      connection.info.type(), AccountOf(connection));
  co_return check.ok() ? absl::OkStatus()
                       : Annotate(check, "check the connection");
}

awaitable<absl::Status> HookReconciler::SettleFailed(LeasedHook leased,
                                                     absl::Status error) {
  SetFailed(leased.hook, error, options_.times, clock_.Now(), random_);
  const absl::Status settled = co_await hooks_.Settle(std::move(leased));
  if (!settled.ok()) {
    LAMPLIGHTER_LOG_EVERY_SECOND(kWarning, "a webhook's state is not written")
        .With("error", settled.ToString());
  }
  co_return error;
}

awaitable<void> HookReconciler::Reconcile(HookKey key) {
  boost::asio::steady_timer timer(loop_);
  const auto place = waiting_.insert(waiting_.end(), &timer);
  const auto leave = absl::MakeCleanup([&] { waiting_.erase(place); });
  const int looks = static_cast<int>(options_.max_wait / kLookEvery);
  for (int i = 0; i < looks && !stopping_; ++i) {
    if (!pace_.MayStart(key.connection, clock_.MonotonicNow()) &&
        !running_.contains(KeyOf(key))) {
      co_return;
    }
    if (first_.size() < kMaxFirst && !absl::c_linear_search(first_, key)) {
      first_.push_back(key);
      Wake();
    }
    timer.expires_after(absl::ToChronoNanoseconds(kLookEvery));
    co_await timer.async_wait(
        boost::asio::as_tuple(boost::asio::use_awaitable));
    if (!co_await IsUntried(key)) co_return;
  }
}

awaitable<bool> HookReconciler::IsUntried(HookKey key) {
  const absl::StatusOr<Hook> hook = co_await hooks_.Get(std::move(key));
  if (!hook.ok()) co_return !absl::IsNotFound(hook.status());
  const bool asked =
      hook->state() == Hook::WANTED || hook->state() == Hook::REMOVING;
  co_return asked && hook->failures() == 0;
}

awaitable<void> HookReconciler::ShowStates() {
  const absl::Duration now = clock_.MonotonicNow();
  if (now - shown_at_ < kShowEvery) co_return;
  const auto counts = co_await hooks_.CountStates();
  if (!counts.ok()) co_return;  // the next try logs it
  shown_at_ = now;
  for (int state = Hook::WANTED; state <= Hook::UNMANAGED; ++state) {
    int64_t count = 0;
    for (const auto& [counted, number] : *counts) {
      if (counted == state) count = number;
    }
    metrics_.hooks
        .Add({{"state", absl::AsciiStrToLower(Hook::State_Name(state))}})
        .Set(static_cast<double>(count));
  }
}

awaitable<void> HookReconciler::Drain(absl::Duration limit) {
  stopping_ = true;
  Wake();
  co_await calls_.Drain(limit);
}

}  // namespace lamplighter::reposync
