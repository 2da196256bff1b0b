#include "services/reposync/store/lease_store.h"

#include <functional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status/macros.h"
#include "services/reposync/store/row_values.h"
#include "services/reposync/store/statements.h"
#include "soci/soci.h"

namespace lamplighter::reposync {
namespace {

namespace asio = boost::asio;

using soci::into;
using soci::use;

// True if `name` is `owner`'s at `now`.
bool Holds(Transaction& transaction, const std::string& name,
           const std::string& owner, int64_t now) {
  int64_t held = 0;
  Execute(transaction,
          "SELECT COUNT(*) FROM leases WHERE name = :name AND owner = :owner "
          "AND until > :now",
          use(name, "name"), use(owner, "owner"), use(now, "now"), into(held));
  return held > 0;
}

absl::StatusOr<bool> TakeLease(Transaction& transaction,
                               const std::string& name,
                               const std::string& owner, int64_t now,
                               int64_t until) {
  Execute(transaction,
          "INSERT INTO leases(name, owner, until, position) "
          "VALUES (:name, :owner, :until, 0) "
          "ON CONFLICT(name) DO UPDATE SET owner = excluded.owner, "
          "until = excluded.until "
          "WHERE leases.owner = excluded.owner OR leases.until <= :now",
          use(name, "name"), use(owner, "owner"), use(until, "until"),
          use(now, "now"));
  return Holds(transaction, name, owner, now);
}

absl::StatusOr<int64_t> PositionOf(Transaction& transaction,
                                   const std::string& name) {
  int64_t position = 0;
  Execute(transaction,
          "SELECT COALESCE(MAX(position), 0) FROM leases WHERE name = :name",
          use(name, "name"), into(position));
  return position;
}

}  // namespace

LeaseStore::LeaseStore(Database& database, const Clock& clock)
    : database_(database), clock_(clock) {}

asio::awaitable<absl::StatusOr<bool>> LeaseStore::Take(std::string name,
                                                       std::string owner,
                                                       absl::Duration lease) {
  const int64_t now = ToMillis(clock_.Now());
  const int64_t until = ToMillis(clock_.Now() + lease);
  co_return co_await database_.Write<bool>([name = std::move(name),
                                            owner = std::move(owner), now,
                                            until](Transaction& transaction) {
    return TakeLease(transaction, name, owner, now, until);
  });
}

asio::awaitable<absl::Status> LeaseStore::Give(std::string name,
                                               std::string owner) {
  // The row stays, with its position.
  co_return (co_await database_.Write<bool>(
                 [name = std::move(name), owner = std::move(owner)](
                     Transaction& transaction) -> absl::StatusOr<bool> {
                   Execute(transaction,
                           "UPDATE leases SET owner = '', until = 0 WHERE name "
                           "= :name AND owner = :owner",
                           use(name, "name"), use(owner, "owner"));
                   return true;
                 }))
      .status();
}

asio::awaitable<absl::StatusOr<int64_t>> LeaseStore::Position(
    std::string name) {
  co_return co_await database_.Read<int64_t>(
      [name = std::move(name)](Transaction& transaction) {
        return PositionOf(transaction, name);
      });
}

asio::awaitable<absl::Status> LeaseStore::SavePosition(std::string name,
                                                       std::string owner,
                                                       int64_t position) {
  const int64_t now = ToMillis(clock_.Now());
  co_return (co_await database_.Write<bool>([name = std::move(name),
                                             owner = std::move(owner), position,
                                             now](Transaction& transaction)
                                                -> absl::StatusOr<bool> {
    if (!Holds(transaction, name, owner, now)) {
      return absl::AbortedError(
          absl::StrCat("the lease of ", name, " is no longer ", owner, "'s"));
    }
    Execute(transaction,
            "UPDATE leases SET position = :position WHERE name "
            "= :name",
            use(position, "position"), use(name, "name"));
    return true;
  })).status();
}

}  // namespace lamplighter::reposync
