#include "services/reposync/store/hook_rows.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "services/reposync/store/row_values.h"
#include "soci/soci.h"

namespace lamplighter::reposync {
namespace {

using soci::into;
using soci::use;
using v1::Hook;

// A row as it stands, with the repository's canonical id.
struct Columns {
  std::string connection, repository_id, url, forge_ids, events, error, owner;
  int state = 0;
  int failures = 0;
  int rewrite = 0;
  int64_t repository = 0, attached_at = 0, checked_at = 0, next_at = 0,
          repairs = 0, version = 0, lease_until = 0;
};

HookRow RowOf(const Columns& columns) {
  HookRow row;
  row.lease_until = columns.lease_until;
  row.leased.rewrite = columns.rewrite != 0;
  row.leased.version = columns.version;
  row.leased.owner = columns.owner;
  Hook& hook = row.leased.hook;
  hook.set_connection(columns.connection);
  hook.set_repository(columns.repository);
  hook.set_repository_id(columns.repository_id);
  hook.set_state(static_cast<Hook::State>(columns.state));
  hook.set_url(columns.url);
  for (absl::string_view id :
       absl::StrSplit(columns.forge_ids, '\n', absl::SkipEmpty())) {
    hook.add_forge_ids(std::string(id));
  }
  for (absl::string_view event :
       absl::StrSplit(columns.events, '\n', absl::SkipEmpty())) {
    hook.add_events(std::string(event));
  }
  hook.set_error(columns.error);
  hook.set_failures(columns.failures);
  hook.set_repairs(columns.repairs);
  if (columns.attached_at != 0) {
    *hook.mutable_attached_at() = TimestampOf(columns.attached_at);
  }
  if (columns.checked_at != 0) {
    *hook.mutable_checked_at() = TimestampOf(columns.checked_at);
  }
  if (columns.next_at != 0) {
    *hook.mutable_next_at() = TimestampOf(columns.next_at);
  }
  return row;
}

// Of rows in order of repository and connection.
void LoadAttachments(Transaction& transaction, std::vector<HookRow>& rows) {
  if (rows.empty()) return;
  std::vector<int64_t> repositories;
  for (const HookRow& row : rows) {
    repositories.push_back(row.leased.hook.repository());
  }
  std::string connection;
  std::string name;
  int64_t repository = 0;
  soci::statement statement =
      (transaction.sql.prepare
           << "SELECT repository, connection, name FROM attachments"
              " WHERE repository IN "
           << IdList(repositories) << " ORDER BY repository, connection, name",
       into(repository), into(connection), into(name));
  statement.execute();
  auto row = rows.begin();
  while (statement.fetch()) {
    const auto is_before = [&](const Hook& hook) {
      return std::pair(hook.repository(),
                       absl::string_view(hook.connection())) <
             std::pair(repository, absl::string_view(connection));
    };
    while (row != rows.end() && is_before(row->leased.hook)) ++row;
    if (row == rows.end()) return;
    Hook& hook = row->leased.hook;
    if (hook.repository() == repository && hook.connection() == connection) {
      hook.add_attachments(name);
    }
  }
}

std::string Where(const HookQuery& query) {
  std::string where = "TRUE";
  if (!query.connection.empty()) {
    absl::StrAppend(&where, " AND hooks.connection = :connection");
  }
  if (query.repository != 0) {
    absl::StrAppend(&where, " AND hooks.repository = ", query.repository);
  }
  if (!query.repository_id.empty()) {
    absl::StrAppend(&where, " AND repositories.repository_id = :repository_id");
  }
  if (!query.attached_as.empty()) {
    absl::StrAppend(&where, " AND hooks.repository_id = :attached_as");
  }
  if (!query.states.empty()) {
    absl::StrAppend(&where, " AND hooks.state IN (",
                    absl::StrJoin(query.states, ",",
                                  [](std::string* out, Hook::State state) {
                                    absl::StrAppend(out,
                                                    static_cast<int>(state));
                                  }),
                    ")");
  }
  if (query.after.has_value()) {
    const int64_t after = query.after->repository;
    absl::StrAppend(&where, " AND (hooks.repository > ", after,
                    " OR (hooks.repository = ", after,
                    " AND hooks.connection > :after))");
  }
  return where;
}

}  // namespace

std::vector<HookRow> LoadHooks(Transaction& transaction,
                               const HookQuery& query) {
  Columns columns;
  soci::statement statement(transaction.sql);
  const auto bind = [&statement](const std::string& value, const char* name) {
    if (!value.empty()) statement.exchange(use(value, name));
  };
  bind(query.connection, "connection");
  bind(query.repository_id, "repository_id");
  bind(query.attached_as, "attached_as");
  if (query.after.has_value()) {
    statement.exchange(use(query.after->connection, "after"));
  }
  for (std::string* text :
       {&columns.connection, &columns.repository_id, &columns.url,
        &columns.forge_ids, &columns.events, &columns.error, &columns.owner}) {
    statement.exchange(into(*text));
  }
  for (int* number : {&columns.state, &columns.failures, &columns.rewrite}) {
    statement.exchange(into(*number));
  }
  for (int64_t* number :
       {&columns.repository, &columns.attached_at, &columns.checked_at,
        &columns.next_at, &columns.repairs, &columns.version,
        &columns.lease_until}) {
    statement.exchange(into(*number));
  }
  statement.alloc();
  statement.prepare(absl::StrCat(
      "SELECT hooks.connection,"
      " COALESCE(repositories.repository_id, hooks.repository_id), hooks.url,"
      " hooks.forge_ids, hooks.events, hooks.error, hooks.owner, hooks.state,"
      " hooks.failures, hooks.rewrite, hooks.repository, hooks.attached_at,"
      " hooks.checked_at, hooks.next_at, hooks.repairs, hooks.version,"
      " hooks.lease_until FROM hooks LEFT JOIN repositories"
      " ON repositories.id = hooks.repository WHERE ",
      Where(query), " ORDER BY hooks.repository, hooks.connection LIMIT ",
      query.limit));
  statement.define_and_bind();
  statement.execute();
  std::vector<HookRow> rows;
  while (statement.fetch()) rows.push_back(RowOf(columns));
  LoadAttachments(transaction, rows);
  return rows;
}

absl::optional<HookRow> LoadHook(Transaction& transaction, const HookKey& key) {
  std::vector<HookRow> rows =
      LoadHooks(transaction,
                {.connection = key.connection, .repository = key.repository});
  if (rows.empty()) return absl::nullopt;
  return std::move(rows[0]);
}

absl::StatusOr<HookRow> FindHook(Transaction& transaction, const HookKey& key) {
  absl::optional<HookRow> row = LoadHook(transaction, key);
  if (row.has_value()) return *std::move(row);
  return absl::NotFoundError(absl::StrCat("connection ", key.connection,
                                          " has no webhook on repository ",
                                          key.repository));
}

void DeleteHook(Transaction& transaction, const HookKey& key) {
  transaction.sql << "DELETE FROM hooks WHERE connection = :connection"
                     " AND repository = :repository",
      use(key.connection, "connection"), use(key.repository, "repository");
}

int64_t ReviveHooks(Transaction& transaction, const std::string& connection,
                    absl::Time now) {
  const int64_t next_at = ToMillis(now);
  soci::statement statement =
      (transaction.sql.prepare
           << "UPDATE hooks SET state = CASE WHEN state <> " << Hook::ORPHANED
           << " THEN state WHEN EXISTS (SELECT 1 FROM attachments"
              " WHERE attachments.connection = hooks.connection"
              " AND attachments.repository = hooks.repository) THEN "
           << Hook::WANTED << " ELSE " << Hook::REMOVING
           << " END, failures = 0, next_at = :next_at, version = version + 1"
              " WHERE connection = :connection AND (failures > 0 OR state IN ("
           << Hook::ORPHANED << ", " << Hook::FAILING << "))",
       use(next_at, "next_at"), use(connection, "connection"));
  statement.execute(true);
  return statement.get_affected_rows();
}

void OrphanHooks(Transaction& transaction, const std::string& connection,
                 absl::Time next_at) {
  const int64_t at = ToMillis(next_at);
  transaction.sql << "UPDATE hooks SET state = " << Hook::ORPHANED
                  << ", error = 'the connection is no longer configured',"
                     " next_at = :next_at, version = version + 1"
                     " WHERE connection = :connection AND state <> "
                  << Hook::UNMANAGED,
      use(at, "next_at"), use(connection, "connection");
}

int64_t CountHooks(Transaction& transaction, const std::string& connection) {
  int64_t count = 0;
  transaction.sql << "SELECT COUNT(*) FROM hooks"
                     " WHERE connection = :connection",
      use(connection, "connection"), into(count);
  return count;
}

void DeleteHooks(Transaction& transaction, const std::string& connection) {
  transaction.sql << "DELETE FROM attachments WHERE connection = :connection",
      use(connection, "connection");
  transaction.sql << "DELETE FROM hooks WHERE connection = :connection",
      use(connection, "connection");
}

std::string JoinLines(
    const google::protobuf::RepeatedPtrField<std::string>& lines) {
  return absl::StrJoin(lines, "\n");
}

}  // namespace lamplighter::reposync
