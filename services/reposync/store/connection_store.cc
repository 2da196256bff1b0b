#include "services/reposync/store/connection_store.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "common/status/macros.h"
#include "services/reposync/store/connection_rows.h"
#include "services/reposync/store/hook_rows.h"
#include "services/reposync/store/repository_rows.h"
#include "services/reposync/store/row_values.h"
#include "soci/soci.h"

namespace lamplighter::reposync {
namespace {

using absl::StatusOr;
using boost::asio::awaitable;
using soci::into;
using soci::use;
using v1::CatalogConnection;

constexpr int32_t kMaxRemovedAtOnce = 500;
// An orphaned hook of a connection that is not configured.
constexpr absl::Duration kOrphansRetry = absl::Hours(24);

// What a transaction without a result returns.
struct Done {};

// A part of deleting a connection.
struct Deleted {
  int64_t removed = 0;  // reaches
  bool is_gone = false;
};

// Takes off up to kMaxRemovedAtOnce of what it reaches; the connection itself
// goes with the last of it. Each part ends a refresh that is under way.
StatusOr<Deleted> DeletePart(Transaction& transaction, const std::string& name,
                             absl::Time now) {
  transaction.sql << "DELETE FROM refreshes WHERE connection = :name",
      use(name, "name");
  std::vector<int64_t> ids;
  int64_t id = 0;
  soci::statement statement =
      (transaction.sql.prepare
           << "SELECT repository FROM reaches WHERE connection = :name"
              " ORDER BY repository LIMIT "
           << kMaxRemovedAtOnce,
       use(name, "name"), into(id));
  statement.execute();
  while (statement.fetch()) ids.push_back(id);
  Deleted deleted;
  if (!ids.empty()) {
    LAMPLIGHTER_RETURN_IF_ERROR(
        RemoveReaches(transaction, name, ids, now).status());
    transaction.sql << "SELECT COUNT(*) FROM repositories"
                       " WHERE removed_at > 0 AND id IN "
                    << IdList(ids),
        into(deleted.removed);
  }
  deleted.is_gone = ids.size() < kMaxRemovedAtOnce;
  if (deleted.is_gone) {
    transaction.sql << "DELETE FROM pages WHERE connection = :name",
        use(name, "name");
    transaction.sql << "DELETE FROM connections WHERE name = :name",
        use(name, "name");
  }
  return deleted;
}

// What became of the configured connections.
struct Configured {
  std::vector<std::string> taken;  // names that a run-time connection has
  std::vector<std::string> gone;   // names of those to be deleted
};

StatusOr<Configured> WriteConfigured(
    Transaction& transaction,
    const std::vector<v1::ConnectionInfo>& connections,
    const std::vector<std::string>& types, absl::Time now) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const std::vector<StoredConnection> stored,
                               LoadConnections(transaction, ""));
  Configured configured;
  for (const v1::ConnectionInfo& info : connections) {
    const auto known =
        absl::c_find_if(stored, [&](const StoredConnection& connection) {
          return connection.info.name() == info.name();
        });
    if (known == stored.end()) {
      StoredConnection added;
      added.info = info;
      added.origin = CatalogConnection::CONFIGURATION;
      added.created_at = now;
      InsertConnection(transaction, added);
      ReviveHooks(transaction, info.name(), now);
    } else if (known->origin != CatalogConnection::CONFIGURATION) {
      configured.taken.push_back(info.name());
    } else if (known->info.SerializeAsString() != info.SerializeAsString()) {
      StoredConnection changed = *known;
      changed.info = info;
      WriteConnection(transaction, changed);
    }
  }
  for (const StoredConnection& connection : stored) {
    const bool is_there =
        absl::c_any_of(connections, [&](const v1::ConnectionInfo& info) {
          return info.name() == connection.info.name();
        });
    if (connection.origin != CatalogConnection::CONFIGURATION || is_there ||
        !absl::c_linear_search(types, connection.info.type())) {
      continue;
    }
    OrphanHooks(transaction, connection.info.name(), now + kOrphansRetry);
    configured.gone.push_back(connection.info.name());
  }
  return configured;
}

}  // namespace

v1::Account AccountOf(const StoredConnection& connection) {
  v1::Account account;
  if (connection.sealed.empty()) {
    account.set_connection(connection.info.name());
  } else {
    account.set_sealed_connection(connection.sealed);
  }
  return account;
}

ConnectionStore::ConnectionStore(Database& database, CatalogStore& catalog,
                                 const Clock& clock)
    : database_(database), catalog_(catalog), clock_(clock) {}

awaitable<StatusOr<std::vector<StoredConnection>>> ConnectionStore::List() {
  using Connections = std::vector<StoredConnection>;
  co_return co_await database_.Read<Connections>(
      [](Transaction& transaction) -> StatusOr<Connections> {
        return LoadConnections(transaction, "");
      });
}

awaitable<StatusOr<StoredConnection>> ConnectionStore::Find(std::string name) {
  co_return co_await database_.Read<StoredConnection>(
      [name](Transaction& transaction) -> StatusOr<StoredConnection> {
        return FindConnection(transaction, name);
      });
}

awaitable<StatusOr<std::vector<std::pair<std::string, int64_t>>>>
ConnectionStore::CountRepositories() {
  using Counts = std::vector<std::pair<std::string, int64_t>>;
  co_return co_await database_.Read<Counts>(
      [](Transaction& transaction) -> StatusOr<Counts> {
        std::string connection;
        int64_t count = 0;
        soci::statement statement =
            (transaction.sql.prepare
                 << "SELECT connection, COUNT(*) FROM reaches"
                    " GROUP BY connection ORDER BY connection",
             into(connection), into(count));
        statement.execute();
        Counts counts;
        while (statement.fetch()) counts.emplace_back(connection, count);
        return counts;
      });
}

awaitable<StatusOr<std::vector<std::string>>> ConnectionStore::SetConfigured(
    std::vector<v1::ConnectionInfo> connections,
    std::vector<std::string> types) {
  const absl::Time now = clock_.Now();
  const StatusOr<Configured> configured = co_await database_.Write<Configured>(
      [=](Transaction& transaction) -> StatusOr<Configured> {
        return WriteConfigured(transaction, connections, types, now);
      });
  if (!configured.ok()) co_return configured.status();
  for (const std::string& name : configured->gone) {
    LAMPLIGHTER_CO_RETURN_IF_ERROR((co_await DeleteParts(name)).status());
  }
  co_return configured->taken;
}

awaitable<absl::Status> ConnectionStore::Insert(StoredConnection connection) {
  connection.created_at = clock_.Now();
  const StatusOr<Done> done = co_await database_.Write<Done>(
      [connection](Transaction& transaction) -> StatusOr<Done> {
        if (InsertConnection(transaction, connection)) return Done{};
        return absl::AlreadyExistsError(absl::StrCat(
            "there is a connection ", connection.info.name(), " already"));
      });
  co_return done.status();
}

awaitable<absl::Status> ConnectionStore::Update(StoredConnection connection) {
  const StatusOr<Done> done = co_await database_.Write<Done>(
      [connection](Transaction& transaction) -> StatusOr<Done> {
        const std::string& name = connection.info.name();
        LAMPLIGHTER_ASSIGN_OR_RETURN(const StoredConnection stored,
                                     FindConnection(transaction, name));
        if (stored.origin != CatalogConnection::SERVICE) {
          return absl::FailedPreconditionError(
              absl::StrCat("connection ", name, " is of the configuration"));
        }
        if (stored.credential_version != connection.credential_version) {
          return absl::AbortedError(
              absl::StrCat("connection ", name, " was changed meanwhile"));
        }
        StoredConnection updated = stored;
        updated.info = connection.info;
        updated.sealed = connection.sealed;
        ++updated.credential_version;
        WriteConnection(transaction, updated);
        return Done{};
      });
  co_return done.status();
}

awaitable<absl::Status> ConnectionStore::Reseal(std::string name,
                                                std::string old_sealed,
                                                std::string sealed) {
  const StatusOr<Done> done = co_await database_.Write<Done>(
      [=](Transaction& transaction) -> StatusOr<Done> {
        LAMPLIGHTER_ASSIGN_OR_RETURN(StoredConnection stored,
                                     FindConnection(transaction, name));
        if (stored.sealed != old_sealed) return Done{};
        stored.sealed = sealed;
        WriteConnection(transaction, stored);
        return Done{};
      });
  co_return done.status();
}

awaitable<absl::Status> ConnectionStore::SaveCheck(
    std::string name, StatusOr<v1::CheckCredentialResponse> check) {
  const absl::Time now = clock_.Now();
  const StatusOr<Done> done = co_await database_.Write<Done>(
      [=](Transaction& transaction) -> StatusOr<Done> {
        LAMPLIGHTER_ASSIGN_OR_RETURN(StoredConnection stored,
                                     FindConnection(transaction, name));
        if (check.ok()) stored.check = *check;
        stored.checked_at = now;
        stored.check_error = std::string(check.status().message());
        WriteConnection(transaction, stored);
        return Done{};
      });
  co_return done.status();
}

awaitable<StatusOr<int64_t>> ConnectionStore::Delete(std::string name,
                                                     bool abandon_hooks) {
  const StatusOr<Done> may = co_await database_.Write<Done>(
      [=](Transaction& transaction) -> StatusOr<Done> {
        LAMPLIGHTER_ASSIGN_OR_RETURN(const StoredConnection stored,
                                     FindConnection(transaction, name));
        if (stored.origin != CatalogConnection::SERVICE) {
          return absl::FailedPreconditionError(
              absl::StrCat("connection ", name,
                           " is of the configuration: ", "take it out there"));
        }
        const int64_t hooks = CountHooks(transaction, name);
        if (hooks > 0 && !abandon_hooks) {
          return absl::FailedPreconditionError(absl::StrCat(
              "connection ", name, " has webhooks on ", hooks,
              " repositories: detach them first, or abandon its webhooks"));
        }
        DeleteHooks(transaction, name);
        return Done{};
      });
  if (!may.ok()) co_return may.status();
  co_return co_await DeleteParts(std::move(name));
}

awaitable<StatusOr<int64_t>> ConnectionStore::DeleteParts(std::string name) {
  const absl::Time now = clock_.Now();
  int64_t removed = 0;
  while (true) {
    const StatusOr<Deleted> part = co_await database_.Write<Deleted>(
        [=](Transaction& transaction) -> StatusOr<Deleted> {
          return DeletePart(transaction, name, now);
        });
    if (!part.ok()) co_return part.status();
    removed += part->removed;
    catalog_.Changed();
    if (part->is_gone) co_return removed;
  }
}

}  // namespace lamplighter::reposync
