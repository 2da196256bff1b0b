#include "services/reposync/store/entry_rows.h"

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "services/reposync/store/row_batch.h"
#include "services/reposync/store/row_values.h"
#include "services/reposync/store/statements.h"

namespace lamplighter::reposync {
namespace {

using v1::CatalogEntry;
using v1::CatalogRepository;

constexpr char kColumns[] =
    "repositories.id, repositories.instance, repositories.forge_id,"
    " repositories.type, repositories.repository_id, repositories.path,"
    " repositories.name, repositories.group_name,"
    " repositories.group_forge_id, repositories.description,"
    " repositories.web_url, repositories.clone_url,"
    " repositories.default_branch, repositories.visibility,"
    " repositories.archived, repositories.fork, repositories.updated_at,"
    " repositories.access, repositories.added_at, repositories.changed_at,"
    " repositories.removed_at";

// Another one: names of connections, which have no spaces, and their accesses.
std::string ReachedByOf(Dialect dialect) {
  return absl::StrCat(
      ", COALESCE((SELECT ",
      dialect == Dialect::kSqlite ? "group_concat" : "string_agg",
      "(connection || ' ' || access, ' ') FROM reaches WHERE repository = "
      "repositories.id), '')");
}

// A row as it stands.
struct Columns {
  CatalogRepository texts;  // had into its fields
  std::string instance, type, reached_by;
  int visibility = 0, access = 0, archived = 0, fork = 0;
  int64_t id = 0, updated_at = 0, added_at = 0, changed_at = 0, removed_at = 0;

  void Exchange(soci::statement& statement) {
    using soci::into;
    statement.exchange(into(id));
    statement.exchange(into(instance));
    for (std::string* text :
         {texts.mutable_forge_id(), &type, texts.mutable_repository_id(),
          texts.mutable_path(), texts.mutable_name(), texts.mutable_group(),
          texts.mutable_group_forge_id(), texts.mutable_description(),
          texts.mutable_web_url(), texts.mutable_clone_url(),
          texts.mutable_default_branch()}) {
      statement.exchange(into(*text));
    }
    statement.exchange(into(visibility));
    statement.exchange(into(archived));
    statement.exchange(into(fork));
    statement.exchange(into(updated_at));
    statement.exchange(into(access));
    statement.exchange(into(added_at));
    statement.exchange(into(changed_at));
    statement.exchange(into(removed_at));
  }
};

// In order of connection, which is as the log of changes has them.
void SetReachedBy(absl::string_view connections_and_accesses,
                  CatalogEntry& entry) {
  auto& all = *entry.mutable_reached_by();
  const std::vector<std::string> parts =
      absl::StrSplit(connections_and_accesses, ' ', absl::SkipEmpty());
  for (size_t i = 0; i + 1 < parts.size(); i += 2) {
    v1::ReachedBy& reached = *all.Add();
    reached.set_connection(parts[i]);
    int access = 0;
    if (absl::SimpleAtoi(parts[i + 1], &access)) {
      reached.set_access(static_cast<CatalogRepository::Access>(access));
    }
  }
  absl::c_sort(all, [](const v1::ReachedBy& a, const v1::ReachedBy& b) {
    return a.connection() < b.connection();
  });
}

CatalogEntry EntryOf(const Columns& columns) {
  CatalogEntry entry;
  entry.set_id(columns.id);
  entry.set_type(columns.type);
  entry.set_instance(columns.instance);
  CatalogRepository& repository = *entry.mutable_repository();
  repository = columns.texts;
  repository.set_visibility(
      static_cast<CatalogRepository::Visibility>(columns.visibility));
  repository.set_archived(columns.archived != 0);
  repository.set_fork(columns.fork != 0);
  repository.set_access(static_cast<CatalogRepository::Access>(columns.access));
  if (columns.updated_at != 0) {
    *repository.mutable_updated_at() = TimestampOf(columns.updated_at);
  }
  *entry.mutable_added_at() = TimestampOf(columns.added_at);
  *entry.mutable_changed_at() = TimestampOf(columns.changed_at);
  if (columns.removed_at != 0) {
    *entry.mutable_removed_at() = TimestampOf(columns.removed_at);
  }
  return entry;
}

std::vector<CatalogEntry> Load(Transaction& transaction, bool with_reached_by,
                               const std::string& from,
                               const Bindings& bindings) {
  soci::statement& statement = transaction.prepared.Get(absl::StrCat(
      "SELECT ", kColumns,
      with_reached_by ? ReachedByOf(transaction.dialect) : "", " FROM ", from));
  Columns columns;
  columns.Exchange(statement);
  if (with_reached_by) statement.exchange(soci::into(columns.reached_by));
  bindings.Exchange(statement);
  statement.define_and_bind();
  statement.execute();
  std::vector<CatalogEntry> entries;
  while (statement.fetch()) {
    entries.push_back(EntryOf(columns));
    if (with_reached_by) SetReachedBy(columns.reached_by, entries.back());
  }
  statement.bind_clean_up();
  return entries;
}

}  // namespace

std::vector<CatalogEntry> LoadWholeEntries(Transaction& transaction,
                                           const std::string& from,
                                           const Bindings& bindings) {
  return Load(transaction, true, from, bindings);
}

std::vector<CatalogEntry> LoadEntries(Transaction& transaction,
                                      const std::string& from,
                                      const Bindings& bindings) {
  return Load(transaction, false, from, bindings);
}

int64_t LastRepositoryId(Transaction& transaction) {
  int64_t last = 0;
  Execute(transaction, "SELECT COALESCE(MAX(id), 0) FROM repositories",
          soci::into(last));
  return last;
}

void LoadReachedBy(Transaction& transaction,
                   const std::vector<CatalogEntry*>& entries) {
  if (entries.empty()) return;
  absl::flat_hash_map<int64_t, CatalogEntry*> by_id;
  std::vector<int64_t> ids;
  for (CatalogEntry* entry : entries) {
    entry->clear_reached_by();
    if (by_id.try_emplace(entry->id(), entry).second) {
      ids.push_back(entry->id());
    }
  }
  const std::string array = ArrayOf(transaction.dialect, ids);
  std::string connection;
  int64_t repository = 0;
  int access = 0;
  ForEachRow(
      transaction,
      absl::StrCat("SELECT repository, connection, access FROM ",
                   EachNumber(transaction.dialect, "ids", "reaches",
                              "reaches.repository = told.key"),
                   " ORDER BY repository, connection"),
      [&] {
        v1::ReachedBy& reached = *by_id[repository]->add_reached_by();
        reached.set_connection(connection);
        reached.set_access(static_cast<CatalogRepository::Access>(access));
      },
      soci::use(array, "ids"), soci::into(repository), soci::into(connection),
      soci::into(access));
}

void LoadReachedBy(Transaction& transaction,
                   std::vector<CatalogEntry>& entries) {
  std::vector<CatalogEntry*> pointers;
  pointers.reserve(entries.size());
  for (CatalogEntry& entry : entries) pointers.push_back(&entry);
  LoadReachedBy(transaction, pointers);
}

}  // namespace lamplighter::reposync
