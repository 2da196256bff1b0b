#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "common/time/clock.h"
#include "proto/lamplighter/v1/catalog_service.pb.h"
#include "proto/lamplighter/v1/provider.pb.h"
#include "services/reposync/store/catalog_store.h"
#include "services/reposync/store/database.h"

namespace lamplighter::reposync {

// A connection as the database has it.
struct StoredConnection {
  v1::ConnectionInfo info;
  v1::CatalogConnection::Origin origin;
  // A sealed v1::SealedConnection where it was made at run time; else empty.
  std::string sealed;
  // Raised whenever its credential is changed.
  int64_t credential_version = 0;
  v1::CheckCredentialResponse check;  // as it last succeeded
  absl::Time checked_at = absl::InfinitePast();
  std::string check_error;  // of the last one; empty where it succeeded
  absl::Time created_at;
};

// What calls to provider workers name it by.
v1::Account AccountOf(const StoredConnection& connection);

// Connections: of the configuration, as provider workers last told of them, and
// made at run time. On the loop only.
class ConnectionStore {
 public:
  // All must outlive the store.
  ConnectionStore(Database& database, CatalogStore& catalog,
                  const Clock& clock);

  // By name in order.
  boost::asio::awaitable<absl::StatusOr<std::vector<StoredConnection>>> List();
  // NotFound.
  boost::asio::awaitable<absl::StatusOr<StoredConnection>> Find(
      std::string name);
  // Repositories that each reaches, by name.
  boost::asio::awaitable<
      absl::StatusOr<std::vector<std::pair<std::string, int64_t>>>>
  CountRepositories();

  // Takes over what provider workers tell of their configurations. Those of
  // `types` that are no longer there are deleted as by Delete(), except that
  // their hooks become orphaned, with their attachments, and are wanted again
  // where the connection comes back. A name that a run-time connection has
  // stays that one's: returned, for the log.
  boost::asio::awaitable<absl::StatusOr<std::vector<std::string>>>
  SetConfigured(std::vector<v1::ConnectionInfo> connections,
                std::vector<std::string> types);

  // AlreadyExists. Sets created_at.
  boost::asio::awaitable<absl::Status> Insert(StoredConnection connection);
  // Of one made at run time: `sealed`, `info` and a raised credential_version.
  // `credential_version` must be as it was read: Aborted where it was changed
  // meanwhile. FailedPrecondition for one of the configuration.
  boost::asio::awaitable<absl::Status> Update(StoredConnection connection);
  // Only `sealed`, where it still is `old_sealed`, else nothing: for the
  // rotation of keys.
  boost::asio::awaitable<absl::Status> Reseal(std::string name,
                                              std::string old_sealed,
                                              std::string sealed);
  // What the last check answered stays where this one failed. NotFound.
  boost::asio::awaitable<absl::Status> SaveCheck(
      std::string name, absl::StatusOr<v1::CheckCredentialResponse> check);
  // Deletes one made at run time, with its refreshes and pages, and what only
  // it reached becomes tombstones: returns how many. FailedPrecondition where
  // it has hooks and not `abandon_hooks`, which deletes their rows.
  boost::asio::awaitable<absl::StatusOr<int64_t>> Delete(std::string name,
                                                         bool abandon_hooks);

 private:
  boost::asio::awaitable<absl::StatusOr<int64_t>> DeleteParts(std::string name);

  Database& database_;
  CatalogStore& catalog_;
  const Clock& clock_;
};

}  // namespace lamplighter::reposync
