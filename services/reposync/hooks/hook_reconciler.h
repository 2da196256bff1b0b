#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/steady_timer.hpp"
#include "common/async/task_group.h"
#include "common/metrics/metrics.h"
#include "common/time/clock.h"
#include "services/reposync/hooks/connection_pace.h"
#include "services/reposync/hooks/hook_metrics.h"
#include "services/reposync/hooks/hook_outcome.h"
#include "services/reposync/hooks/hook_worker.h"
#include "services/reposync/store/catalog_store.h"
#include "services/reposync/store/connection_store.h"
#include "services/reposync/store/hook_store.h"

namespace lamplighter::reposync {

// Makes the webhooks on the forges what the HookStore says they should be: puts
// them on, looks at them now and then, mends them, takes them off. One per
// process; several processes share the work by leases. On the loop only.
//
// A row is written before the forge is asked, and again once it answered. What
// a process that died did in between is found by the next try, since a provider
// worker adopts the webhook that is there.
class HookReconciler {
 public:
  struct Options {
    std::string owner;  // this process, in leases
    // Calls at once; one of a connection whose last call failed.
    size_t max_calls = 8;
    // Longer than the calls for a hook take.
    absl::Duration lease = absl::Minutes(2);
    // Reconcile() waits so long, in real time.
    absl::Duration max_wait = absl::Seconds(10);
    HookTimes times = {};
  };

  // The rest must outlive the reconciler.
  HookReconciler(Options options, boost::asio::io_context& loop,
                 HookStore& hooks, ConnectionStore& connections,
                 CatalogStore& catalog, HookWorker& worker, const Clock& clock,
                 Metrics& metrics);

  // Works on what is due, until it is cancelled or Drain() is called.
  boost::asio::awaitable<void> Run();

  // Something may be due.
  void Wake();
  // A connection's credential was changed: it no longer waits. For
  // HookStore::Revive().
  void Forgive(const std::string& connection);

  // After HookStore::Attach() or Detach(): returns once the hook was tried, by
  // whichever process, or Options::max_wait has passed; Run() goes on with it
  // in any case. At once where its connection has to wait.
  boost::asio::awaitable<void> Reconcile(HookKey key);

  // Starts no more calls, and waits up to `limit` for those under way. What is
  // cut off then is tried again once its lease is over.
  boost::asio::awaitable<void> Drain(absl::Duration limit);

 private:
  using Key = std::pair<std::string, int64_t>;

  static Key KeyOf(const HookKey& key) {
    return {key.connection, key.repository};
  }

  // Starts what is due and may be started. How long until there may be more.
  boost::asio::awaitable<absl::StatusOr<absl::Duration>> StartDue();
  // Leases the next hook that may be called for; none where none is due.
  boost::asio::awaitable<absl::StatusOr<absl::optional<LeasedHook>>> TakeNext();
  void Start(LeasedHook leased);
  boost::asio::awaitable<void> Work(LeasedHook leased);
  // Calls the worker, and writes what came of it. The call's status.
  boost::asio::awaitable<absl::Status> Try(LeasedHook leased);
  boost::asio::awaitable<absl::Status> Ensure(LeasedHook leased,
                                              StoredConnection connection);
  boost::asio::awaitable<absl::Status> Remove(LeasedHook leased,
                                              StoredConnection connection);
  // OK where the forge's NOT_FOUND means that there is nothing left to take
  // off; else why that is not certain.
  boost::asio::awaitable<absl::Status> ConfirmGone(int64_t repository,
                                                   StoredConnection connection,
                                                   absl::Status not_found);
  boost::asio::awaitable<absl::Status> SettleFailed(LeasedHook leased,
                                                    absl::Status error);
  // True while nobody tried it since it was asked for.
  boost::asio::awaitable<bool> IsUntried(HookKey key);
  boost::asio::awaitable<void> ShowStates();
  // Waits in real time, or until Wake().
  boost::asio::awaitable<void> Sleep(absl::Duration limit);

  const Options options_;
  boost::asio::io_context& loop_;
  HookStore& hooks_;
  ConnectionStore& connections_;
  CatalogStore& catalog_;
  HookWorker& worker_;
  const Clock& clock_;
  HookMetrics metrics_;
  absl::BitGen random_;
  ConnectionPace pace_;
  absl::flat_hash_set<Key> running_;
  std::deque<HookKey> first_;                      // before what is due longer
  std::list<boost::asio::steady_timer*> waiting_;  // in Reconcile()
  boost::asio::steady_timer timer_;
  bool woken_ = false;
  bool stopping_ = false;
  int errors_ = 0;  // of the database, in a row
  absl::Duration shown_at_ = -absl::InfiniteDuration();
  TaskGroup calls_;  // last: its tasks use what is above
};

}  // namespace lamplighter::reposync
