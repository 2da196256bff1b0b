#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "common/status/macros.h"
#include "services/reposync/store/hook_rows.h"
#include "services/reposync/store/hook_store.h"
#include "services/reposync/store/row_values.h"
#include "soci/soci.h"

// What is leased to a process, and settled by it.
namespace lamplighter::reposync {
namespace {

using absl::StatusOr;
using boost::asio::awaitable;
using soci::into;
using soci::use;
using v1::Hook;

void Lease(Transaction& transaction, LeasedHook& leased,
           const std::string& owner, absl::Time until) {
  const int64_t lease_until = ToMillis(until);
  const int64_t repository = leased.hook.repository();
  leased.owner = owner;
  transaction.sql << "UPDATE hooks SET owner = :owner,"
                     " lease_until = :lease_until"
                     " WHERE connection = :connection"
                     " AND repository = :repository",
      use(owner, "owner"), use(lease_until, "lease_until"),
      use(leased.hook.connection(), "connection"),
      use(repository, "repository");
}

// That are due, longest due first, `limit` at most.
std::vector<HookKey> FindDue(Transaction& transaction, int64_t now,
                             size_t limit,
                             const std::vector<std::string>& busy) {
  std::vector<HookKey> due;
  HookKey key;
  soci::statement statement =
      (transaction.sql.prepare
           << "SELECT connection, repository FROM hooks WHERE next_at <= :now"
              " AND lease_until <= :now AND state <> "
           << Hook::UNMANAGED << " ORDER BY next_at, connection, repository",
       use(now, "now"), into(key.connection), into(key.repository));
  statement.execute();
  while (due.size() < limit && statement.fetch()) {
    if (!absl::c_linear_search(busy, key.connection)) due.push_back(key);
  }
  return due;
}

// False where the lease was lost, or something else was asked for meanwhile.
bool WriteSettled(Transaction& transaction, const LeasedHook& leased) {
  const Hook& hook = leased.hook;
  const std::string forge_ids = JoinLines(hook.forge_ids());
  const std::string events = JoinLines(hook.events());
  const int64_t repository = hook.repository();
  const int64_t checked_at =
      hook.has_checked_at() ? ToMillis(hook.checked_at()) : 0;
  const int64_t next_at = ToMillis(hook.next_at());
  const int failures = hook.failures();
  const int64_t repairs = hook.repairs();
  soci::statement statement =
      (transaction.sql.prepare
           << "UPDATE hooks SET state = " << hook.state()
           << ", url = :url, forge_ids = :forge_ids, events = :events,"
              " error = :error, failures = :failures,"
              " checked_at = :checked_at, next_at = :next_at,"
              " repairs = :repairs, rewrite = "
           << (hook.state() == Hook::PRESENT ? "0" : "rewrite")
           << ", owner = '', lease_until = 0 WHERE connection = :connection"
              " AND repository = :repository AND owner = :owner"
              " AND version = :version",
       use(hook.url(), "url"), use(forge_ids, "forge_ids"),
       use(events, "events"), use(hook.error(), "error"),
       use(failures, "failures"), use(checked_at, "checked_at"),
       use(next_at, "next_at"), use(repairs, "repairs"),
       use(hook.connection(), "connection"), use(repository, "repository"),
       use(leased.owner, "owner"), use(leased.version, "version"));
  statement.execute(true);
  return statement.get_affected_rows() > 0;
}

// For what was asked for while it was worked on: due at once. False where the
// lease was lost.
bool WriteOvertaken(Transaction& transaction, const LeasedHook& leased,
                    const std::string& forge_ids, int64_t now) {
  const int64_t repository = leased.hook.repository();
  soci::statement statement =
      (transaction.sql.prepare
           << "UPDATE hooks SET forge_ids = :forge_ids, next_at = :now,"
              " owner = '', lease_until = 0 WHERE connection = :connection"
              " AND repository = :repository AND owner = :owner",
       use(forge_ids, "forge_ids"), use(now, "now"),
       use(leased.hook.connection(), "connection"),
       use(repository, "repository"), use(leased.owner, "owner"));
  statement.execute(true);
  return statement.get_affected_rows() > 0;
}

absl::Status LeaseLost(const LeasedHook& leased) {
  return absl::AbortedError(
      absl::StrCat("the webhook of ", leased.hook.connection(), " on ",
                   leased.hook.repository_id(),
                   " was taken over, or given up: its lease was over"));
}

}  // namespace

awaitable<StatusOr<std::vector<LeasedHook>>> HookStore::TakeDue(
    std::string owner, absl::Duration lease, int32_t limit,
    std::vector<std::string> busy) {
  using Hooks = std::vector<LeasedHook>;
  const absl::Time now = clock_.Now();
  co_return co_await database_.Write<Hooks>(
      [=](Transaction& transaction) -> StatusOr<Hooks> {
        Hooks hooks;
        for (const HookKey& key :
             FindDue(transaction, ToMillis(now), limit, busy)) {
          LAMPLIGHTER_ASSIGN_OR_RETURN(HookRow row, FindHook(transaction, key));
          Lease(transaction, row.leased, owner, now + lease);
          hooks.push_back(std::move(row.leased));
        }
        return hooks;
      });
}

awaitable<StatusOr<LeasedHook>> HookStore::Take(HookKey key, std::string owner,
                                                absl::Duration lease) {
  const absl::Time now = clock_.Now();
  co_return co_await database_.Write<LeasedHook>(
      [=](Transaction& transaction) -> StatusOr<LeasedHook> {
        LAMPLIGHTER_ASSIGN_OR_RETURN(HookRow row, FindHook(transaction, key));
        const Hook& hook = row.leased.hook;
        if (row.lease_until > ToMillis(now)) {
          return absl::AbortedError(
              absl::StrCat(row.leased.owner, " works on the webhook of ",
                           key.connection, " on ", hook.repository_id()));
        }
        if (hook.state() == Hook::UNMANAGED ||
            ToMillis(hook.next_at()) > ToMillis(now)) {
          return absl::AbortedError(
              absl::StrCat("the webhook of ", key.connection, " on ",
                           hook.repository_id(), " is not due"));
        }
        Lease(transaction, row.leased, owner, now + lease);
        return std::move(row.leased);
      });
}

awaitable<StatusOr<absl::Time>> HookStore::NextDue(
    std::vector<std::string> busy) {
  co_return co_await database_.Read<absl::Time>(
      [busy](Transaction& transaction) -> StatusOr<absl::Time> {
        std::string connection;
        int64_t next_at = 0;
        soci::statement statement =
            (transaction.sql.prepare
                 << "SELECT connection, MIN(CASE WHEN lease_until > next_at"
                    " THEN lease_until ELSE next_at END) FROM hooks"
                    " WHERE state <> "
                 << Hook::UNMANAGED << " GROUP BY connection",
             into(connection), into(next_at));
        statement.execute();
        absl::Time next = absl::InfiniteFuture();
        while (statement.fetch()) {
          if (absl::c_linear_search(busy, connection)) continue;
          next = std::min(next, absl::FromUnixMillis(next_at));
        }
        return next;
      });
}

awaitable<absl::Status> HookStore::Settle(LeasedHook hook) {
  const int64_t now = ToMillis(clock_.Now());
  const StatusOr<bool> settled = co_await database_.Write<bool>(
      [hook, now](Transaction& transaction) -> StatusOr<bool> {
        if (WriteSettled(transaction, hook) ||
            WriteOvertaken(transaction, hook, JoinLines(hook.hook.forge_ids()),
                           now)) {
          return true;
        }
        return LeaseLost(hook);
      });
  co_return settled.status();
}

awaitable<absl::Status> HookStore::SettleRemoved(LeasedHook hook) {
  const int64_t now = ToMillis(clock_.Now());
  const StatusOr<bool> settled = co_await database_.Write<bool>(
      [hook, now](Transaction& transaction) -> StatusOr<bool> {
        const HookKey key = {.connection = hook.hook.connection(),
                             .repository = hook.hook.repository()};
        const absl::optional<HookRow> row = LoadHook(transaction, key);
        if (!row.has_value() || row->leased.owner != hook.owner) {
          return LeaseLost(hook);
        }
        if (row->leased.hook.attachments_size() == 0) {
          DeleteHook(transaction, key);
        } else {
          WriteOvertaken(transaction, hook, "", now);
        }
        return true;
      });
  co_return settled.status();
}

}  // namespace lamplighter::reposync
