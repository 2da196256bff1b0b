#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/steady_timer.hpp"
#include "proto/lamplighter/v1/catalog.pb.h"
#include "services/reposync/store/catalog_store.h"

namespace lamplighter::reposync {

// The log of changes for whoever follows it: reads each change from the
// database once, keeps the newest in memory, and wakes who waits. Changes that
// other processes write are seen within Options::poll. On the loop only.
class ChangeFeed {
 public:
  struct Options {
    absl::Duration poll = absl::Milliseconds(500);
    size_t keep = 2'000;    // changes in memory
    int32_t at_once = 500;  // that Next() returns at most
  };
  using Changes = std::vector<std::shared_ptr<const v1::RepositoryChange>>;

  // Both must outlive the feed.
  ChangeFeed(const Options& options, CatalogStore& catalog,
             boost::asio::io_context& loop);
  ~ChangeFeed();

  // Reads what is new, until it is cancelled.
  boost::asio::awaitable<void> Run();

  // What follows the change numbered `after`, in order; waits up to `limit` for
  // the first. None where none came. Errors are CatalogStore::ReadChanges()'s.
  boost::asio::awaitable<absl::StatusOr<Changes>> Next(int64_t after,
                                                       absl::Duration limit);

  // Wakes all who wait, or are about to, with nothing.
  void WakeAll();

 private:
  boost::asio::awaitable<absl::Status> ReadNew();
  // Whether all that follows `after` is.
  bool IsInMemory(int64_t after) const;
  Changes FromMemory(int64_t after) const;

  const Options options_;
  CatalogStore& catalog_;
  boost::asio::io_context& loop_;
  int64_t last_ =
      -1;  // number of the newest that was read; -1 before the first
  std::deque<std::shared_ptr<const v1::RepositoryChange>> newest_;
  // Of those who wait.
  std::vector<boost::asio::steady_timer*> waiting_;
  int64_t wakes_ = 0;  // how often all were woken
  boost::asio::steady_timer poll_;
  bool changed_ = false;  // since reading began
  std::string last_error_;
};

}  // namespace lamplighter::reposync
