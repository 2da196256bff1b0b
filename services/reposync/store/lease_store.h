#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "common/time/clock.h"
#include "services/reposync/store/database.h"

namespace lamplighter::reposync {

// What only one of several replicas does at a time, and how far it is. On the
// loop only.
class LeaseStore {
 public:
  // Both must outlive the store.
  LeaseStore(Database& database, const Clock& clock);

  // Whether `name` is `owner`'s until now + `lease`: taken where nobody had it
  // or its time was over, or renewed.
  boost::asio::awaitable<absl::StatusOr<bool>> Take(std::string name,
                                                    std::string owner,
                                                    absl::Duration lease);
  // Gives it back. Nothing where it is somebody else's.
  boost::asio::awaitable<absl::Status> Give(std::string name,
                                            std::string owner);

  // A number that was noted under `name`; 0 where there is none.
  boost::asio::awaitable<absl::StatusOr<int64_t>> Position(std::string name);
  // Notes it, where `name` is still leased to `owner`; Aborted where not.
  boost::asio::awaitable<absl::Status> SavePosition(std::string name,
                                                    std::string owner,
                                                    int64_t position);

 private:
  Database& database_;
  const Clock& clock_;
};

}  // namespace lamplighter::reposync
