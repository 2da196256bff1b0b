#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "boost/asio/any_io_executor.hpp"
#include "boost/asio/awaitable.hpp"
#include "common/async/sleeper.h"
#include "common/async/task_group.h"
#include "common/metrics/metrics.h"
#include "common/time/backoff.h"
#include "common/time/clock.h"
#include "services/reposync/events/repository_source.h"
#include "services/reposync/metrics.h"
#include "services/reposync/store/catalog_store.h"
#include "services/reposync/store/connection_store.h"

namespace lamplighter::reposync {

// Which repository, as an event names it.
struct LookUp {
  std::string type;      // of the forge
  std::string instance;  // the forge
  std::string forge_id;
  std::string repository_id;  // canonical, as of the event
  // The event says that it is gone, or out of reach: to whom the forge then
  // says NOT_FOUND, does not reach it. Else nothing is forgotten for that.
  bool may_be_gone = false;
  // The event is about the repository itself: who did not reach it may by now.
  bool is_news = false;
};

// Asks forges for single repositories that events tell of, and writes what they
// say: the event alone is not believed. On the loop only.
//
// What is asked for again while it is being looked up is looked up once more
// afterwards. A repository that no connection reaches is not asked for again
// for Options::unknown_for.
class LookUps {
 public:
  struct Options {
    int max_at_once = 8;
    int max_tries = 5;  // of one connection; then the next refresh tells
    Backoff backoff;
    absl::Duration max_wait = absl::Minutes(5);  // of what a forge asks for
    absl::Duration unknown_for = absl::Minutes(10);
    size_t max_unknown = 10'000;
  };
  using Done = std::function<void()>;

  // All must outlive this.
  LookUps(const Options& options, RepositorySource& source,
          CatalogStore& catalog, ConnectionStore& connections,
          const Clock& clock, Sleeper& sleeper, Metrics& metrics,
          boost::asio::any_io_executor loop);

  // Looks it up, and calls `done` once what came of it is in the database, or
  // it was given up.
  void Begin(LookUp look_up, Done done);

  // How many have begun and are not done.
  size_t waiting() const { return waiting_; }

  // Lets what has begun end, for so long, and cancels the rest, which is not
  // done then.
  boost::asio::awaitable<void> Drain(absl::Duration limit);

 private:
  // Those of one repository.
  struct Entry {
    LookUp next;
    std::vector<Done> waiting;  // for `next`
    bool running = false;
  };

  void StartSome();
  boost::asio::awaitable<void> Run(std::string key);
  // Whether it was settled; else it was given up.
  boost::asio::awaitable<absl::Status> Settle(LookUp look_up);
  // Asks by one connection. Whether that reaches it.
  boost::asio::awaitable<absl::StatusOr<bool>> Ask(LookUp look_up,
                                                   StoredConnection connection);
  boost::asio::awaitable<absl::StatusOr<v1::CatalogRepository>> Get(
      StoredConnection connection, std::string repository_id);
  // What `work` has of the database, once that can be reached.
  template <typename T>
  boost::asio::awaitable<absl::StatusOr<T>> Persist(
      std::function<boost::asio::awaitable<absl::StatusOr<T>>()> work);
  bool IsUnknown(const std::string& key);
  void NoteUnknown(const std::string& key);
  void Count(const char* result);

  const Options options_;
  RepositorySource& source_;
  CatalogStore& catalog_;
  ConnectionStore& connections_;
  const Clock& clock_;
  Sleeper& sleeper_;
  ReposyncMetrics metrics_;
  absl::BitGen random_;
  absl::flat_hash_map<std::string, Entry> entries_;
  std::vector<std::string> queue_;  // keys whose turn is to come
  int running_ = 0;
  size_t waiting_ = 0;
  // Until when what is not reached is not asked for.
  absl::flat_hash_map<std::string, absl::Duration> unknown_;
  TaskGroup tasks_;  // last: its tasks use what is above
};

}  // namespace lamplighter::reposync
