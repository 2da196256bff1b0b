#include "services/reposync/store/refresh_rows.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/reposync/store/row_values.h"
#include "services/reposync/store/statements.h"
#include "soci/soci.h"

namespace lamplighter::reposync {
namespace {

using soci::into;
using soci::use;
using v1::Refresh;

// A row as it stands.
struct Columns {
  std::string connection, error, owner, next_page_token;
  int trigger = 0;
  int state = 0;
  int next_page = 0;
  int64_t id = 0, started_at = 0, finished_at = 0, seen = 0, added = 0,
          changed = 0, removed = 0, kept = 0, requests = 0, not_modified = 0,
          lease_until = 0;
};

Columns ColumnsOf(const Listing& listing) {
  const Refresh& refresh = listing.refresh;
  return {.connection = refresh.connection(),
          .error = refresh.error(),
          .owner = listing.owner,
          .next_page_token = listing.next_page_token,
          .trigger = refresh.trigger(),
          .state = refresh.state(),
          .next_page = listing.next_page,
          .id = refresh.id(),
          .started_at = ToMillis(refresh.started_at()),
          .finished_at = ToMillis(refresh.finished_at()),
          .seen = refresh.seen(),
          .added = refresh.added(),
          .changed = refresh.changed(),
          .removed = refresh.removed(),
          .kept = refresh.kept(),
          .requests = refresh.requests(),
          .not_modified = refresh.not_modified()};
}

RefreshRow RowOf(const Columns& columns) {
  RefreshRow row;
  row.lease_until = columns.lease_until;
  row.listing.owner = columns.owner;
  row.listing.next_page = columns.next_page;
  row.listing.next_page_token = columns.next_page_token;
  Refresh& refresh = row.listing.refresh;
  refresh.set_id(columns.id);
  refresh.set_connection(columns.connection);
  refresh.set_trigger(static_cast<Refresh::Trigger>(columns.trigger));
  refresh.set_state(static_cast<Refresh::State>(columns.state));
  *refresh.mutable_started_at() = TimestampOf(columns.started_at);
  if (columns.finished_at != 0) {
    *refresh.mutable_finished_at() = TimestampOf(columns.finished_at);
  }
  refresh.set_error(columns.error);
  refresh.set_seen(columns.seen);
  refresh.set_added(columns.added);
  refresh.set_changed(columns.changed);
  refresh.set_removed(columns.removed);
  refresh.set_kept(columns.kept);
  refresh.set_requests(columns.requests);
  refresh.set_not_modified(columns.not_modified);
  return row;
}

absl::Status LeaseLost(const Listing& listing) {
  return absl::AbortedError(absl::StrCat(
      "refresh ", listing.refresh.id(), " of ", listing.refresh.connection(),
      " was taken over: its lease was over"));
}

}  // namespace

std::vector<RefreshRow> LoadRefreshes(Transaction& transaction,
                                      RefreshQuery query) {
  Columns columns;
  const int state = query.state;
  soci::statement statement =
      (transaction.sql.prepare
           << "SELECT id, connection, trigger, state, started_at,"
              " COALESCE(finished_at, 0), error, seen, added, changed, removed,"
              " kept, requests, not_modified, owner, COALESCE(lease_until, 0),"
              " next_page, next_page_token FROM refreshes"
              " WHERE (CAST(:connection AS TEXT) = ''"
              " OR connection = :connection)"
              " AND (CAST(:before AS BIGINT) = 0 OR id < :before)"
              " AND (CAST(:state AS INTEGER) = 0 OR state = :state)"
              " ORDER BY id DESC LIMIT :limit",
       use(query.connection, "connection"), use(query.before, "before"),
       use(state, "state"), use(query.limit, "limit"), into(columns.id),
       into(columns.connection), into(columns.trigger), into(columns.state),
       into(columns.started_at), into(columns.finished_at), into(columns.error),
       into(columns.seen), into(columns.added), into(columns.changed),
       into(columns.removed), into(columns.kept), into(columns.requests),
       into(columns.not_modified), into(columns.owner),
       into(columns.lease_until), into(columns.next_page),
       into(columns.next_page_token));
  statement.execute();
  std::vector<RefreshRow> rows;
  while (statement.fetch()) rows.push_back(RowOf(columns));
  return rows;
}

void InsertRefresh(Transaction& transaction, RefreshRow& row) {
  const Columns columns = ColumnsOf(row.listing);
  int64_t id = 0;
  transaction.sql
      << "INSERT INTO refreshes (connection, trigger, state, started_at,"
         " finished_at, error, seen, added, changed, removed, kept, requests,"
         " not_modified, owner, lease_until, next_page, next_page_token)"
         " VALUES (:connection, :trigger, :state, :started_at, 0, '', :seen,"
         " :added, :changed, :removed, :kept, :requests, :not_modified, :owner,"
         " :lease_until, :next_page, :next_page_token) RETURNING id",
      use(columns.connection, "connection"), use(columns.trigger, "trigger"),
      use(columns.state, "state"), use(columns.started_at, "started_at"),
      use(columns.seen, "seen"), use(columns.added, "added"),
      use(columns.changed, "changed"), use(columns.removed, "removed"),
      use(columns.kept, "kept"), use(columns.requests, "requests"),
      use(columns.not_modified, "not_modified"), use(columns.owner, "owner"),
      use(row.lease_until, "lease_until"), use(columns.next_page, "next_page"),
      use(columns.next_page_token, "next_page_token"), into(id);
  row.listing.refresh.set_id(id);
}

absl::Status CheckLease(Transaction& transaction, const Listing& listing) {
  const int64_t id = listing.refresh.id();
  const int running = Refresh::RUNNING;
  int64_t count = 0;
  Execute(transaction,
          "SELECT COUNT(*) FROM refreshes WHERE id = :id"
          " AND owner = :owner AND state = :running",
          use(id, "id"), use(listing.owner, "owner"), use(running, "running"),
          into(count));
  return count > 0 ? absl::OkStatus() : LeaseLost(listing);
}

absl::Status RenewLease(Transaction& transaction, const Listing& listing,
                        absl::Time until) {
  const int64_t id = listing.refresh.id();
  const int running = Refresh::RUNNING;
  const int64_t lease_until = ToMillis(until);
  const int64_t rows = ExecuteAndCount(
      transaction,
      "UPDATE refreshes SET lease_until = :lease_until WHERE id = :id"
      " AND owner = :owner AND state = :running",
      use(lease_until, "lease_until"), use(id, "id"),
      use(listing.owner, "owner"), use(running, "running"));
  return rows > 0 ? absl::OkStatus() : LeaseLost(listing);
}

absl::Status SaveRefresh(Transaction& transaction, const Listing& listing) {
  const Columns columns = ColumnsOf(listing);
  const int running = Refresh::RUNNING;
  const int64_t rows = ExecuteAndCount(
      transaction,
      "UPDATE refreshes SET state = :state, finished_at = :finished_at,"
      " error = :error, seen = :seen, added = :added,"
      " changed = :changed, removed = :removed, kept = :kept,"
      " requests = :requests, not_modified = :not_modified,"
      " next_page = :next_page, next_page_token = :next_page_token"
      " WHERE id = :id AND owner = :owner AND state = :running",
      use(columns.state, "state"), use(columns.finished_at, "finished_at"),
      use(columns.error, "error"), use(columns.seen, "seen"),
      use(columns.added, "added"), use(columns.changed, "changed"),
      use(columns.removed, "removed"), use(columns.kept, "kept"),
      use(columns.requests, "requests"),
      use(columns.not_modified, "not_modified"),
      use(columns.next_page, "next_page"),
      use(columns.next_page_token, "next_page_token"), use(columns.id, "id"),
      use(columns.owner, "owner"), use(running, "running"));
  return rows > 0 ? absl::OkStatus() : LeaseLost(listing);
}

}  // namespace lamplighter::reposync
