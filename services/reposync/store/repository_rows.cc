#include "services/reposync/store/repository_rows.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/status/macros.h"
#include "proto/lamplighter/v1/provider.pb.h"
#include "services/reposync/store/change_log.h"
#include "services/reposync/store/entry_rows.h"
#include "services/reposync/store/known_pages.h"
#include "services/reposync/store/repository_items.h"
#include "services/reposync/store/row_batch.h"
#include "services/reposync/store/row_values.h"
#include "services/reposync/store/search_index.h"
#include "services/reposync/store/statements.h"
#include "services/reposync/store/text.h"
#include "soci/soci.h"

namespace lamplighter::reposync {
namespace {

using v1::CatalogEntry;
using v1::CatalogRepository;

void SetReachedBy(const Reacher& reacher, RepositoryItem& item) {
  auto& all = *item.entry.mutable_reached_by();
  auto place = std::find_if(all.begin(), all.end(), [&](const auto& reached) {
    return reached.connection() == reacher.connection;
  });
  if (place == all.end()) {
    all.Add()->set_connection(reacher.connection);
    place = all.end() - 1;
  }
  place->set_access(item.own_access);
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return a.connection() < b.connection();
  });
}

// Access is the most that any has.
void SetAccess(CatalogEntry& entry) {
  CatalogRepository::Access most = CatalogRepository::ACCESS_UNSPECIFIED;
  for (const v1::ReachedBy& reached : entry.reached_by()) {
    most = std::max(most, reached.access());
  }
  entry.mutable_repository()->set_access(most);
}

void WriteEntries(Transaction& transaction,
                  const std::vector<const CatalogEntry*>& entries) {
  RowBatch batch;
  const auto text = [&](const char* name, auto get) {
    RowBatch::Texts& values = batch.Text(name);
    values.reserve(entries.size());
    for (const CatalogEntry* entry : entries) values.push_back(get(*entry));
  };
  const auto number = [&](const char* name, auto get) {
    RowBatch::Numbers& values = batch.Number(name);
    values.reserve(entries.size());
    for (const CatalogEntry* entry : entries) values.push_back(get(*entry));
  };
  // clang-format off
  number("id", [](const auto& e) { return e.id(); });
  text("instance", [](const auto& e) { return e.instance(); });
  text("forge_id", [](const auto& e) { return e.repository().forge_id(); });
  text("type", [](const auto& e) { return e.type(); });
  text("repository_id", [](const auto& e) { return e.repository().repository_id(); });
  text("path", [](const auto& e) { return e.repository().path(); });
  text("name", [](const auto& e) { return e.repository().name(); });
  text("group_name", [](const auto& e) { return e.repository().group(); });
  text("group_key", [](const auto& e) { return Fold(e.repository().group()); });
  text("group_forge_id", [](const auto& e) { return e.repository().group_forge_id(); });
  text("description", [](const auto& e) { return e.repository().description(); });
  text("web_url", [](const auto& e) { return e.repository().web_url(); });
  text("clone_url", [](const auto& e) { return e.repository().clone_url(); });
  text("default_branch", [](const auto& e) { return e.repository().default_branch(); });
  number("visibility", [](const auto& e) { return e.repository().visibility(); });
  number("archived", [](const auto& e) { return e.repository().archived(); });
  number("fork", [](const auto& e) { return e.repository().fork(); });
  number("updated_at", [](const auto& e) { return ToMillis(e.repository().updated_at()); });
  number("access", [](const auto& e) { return e.repository().access(); });
  number("added_at", [](const auto& e) { return ToMillis(e.added_at()); });
  number("changed_at", [](const auto& e) { return ToMillis(e.changed_at()); });
  number("removed_at", [](const auto& e) { return ToMillis(e.removed_at()); });
  // clang-format on
  AddSearchColumns(transaction, entries, batch);
  batch.Insert(transaction, "repositories",
               batch.OnConflict("id", {"instance", "forge_id", "added_at"}));
}

// What the entry becomes, of one that differs.
void BringUpToDate(const Reacher& reacher, absl::Time now,
                   RepositoryItem& item) {
  CatalogEntry& entry = item.entry;
  SetReachedBy(reacher, item);
  SetAccess(entry);
  *entry.mutable_changed_at() = TimestampOf(ToMillis(now));
  if (!item.before.has_value()) *entry.mutable_added_at() = entry.changed_at();
}

Change ChangeOf(const RepositoryItem& item) {
  const bool is_new = !item.before.has_value();
  Change change{is_new || item.was_removed ? v1::RepositoryChange::ADDED
                                           : v1::RepositoryChange::CHANGED,
                &item.entry, ""};
  if (!is_new &&
      item.before->repository_id() != item.entry.repository().repository_id()) {
    change.previous_repository_id = item.before->repository_id();
  }
  return change;
}

// Repositories, index and log, of what differs. Returns whether anything does.
bool WriteDiffering(Transaction& transaction, const Reacher& reacher,
                    absl::Time now, std::vector<RepositoryItem>& items) {
  std::vector<CatalogEntry*> known;  // of these, who else reaches them matters
  for (RepositoryItem& item : items) {
    if (item.differs && item.before.has_value()) known.push_back(&item.entry);
  }
  LoadReachedBy(transaction, known);
  std::vector<const CatalogEntry*> entries;
  std::vector<Change> changes;
  std::vector<Searched> unsearched, searched;
  for (RepositoryItem& item : items) {
    if (!item.differs) continue;
    BringUpToDate(reacher, now, item);
    const CatalogEntry& entry = item.entry;
    entries.push_back(&entry);
    changes.push_back(ChangeOf(item));
    if (item.before.has_value()) {
      if (!SearchDiffers(*item.before, entry.repository())) continue;
      unsearched.push_back({entry.id(), &*item.before});
    }
    searched.push_back({entry.id(), &entry.repository()});
  }
  WriteEntries(transaction, entries);
  UpdateSearchIndex(transaction, unsearched, searched);
  AppendChanges(transaction, now, changes);
  return !changes.empty();
}

// Of a page, the rows that are as they should be are left alone.
void WriteReaches(Transaction& transaction, const Reacher& reacher,
                  absl::Time now, const std::vector<RepositoryItem>& items) {
  const bool is_listing = items.front().page.has_value();
  RowBatch batch;
  RowBatch::Texts& connections = batch.Text("connection");
  RowBatch::Numbers& repositories = batch.Number("repository");
  RowBatch::Numbers& accesses = batch.Number("access");
  RowBatch::Numbers& pages = batch.NumberOrNull("page");
  RowBatch::Numbers& confirmed = batch.Number("confirmed_at");
  for (const RepositoryItem& item : items) {
    if (is_listing && item.reached_before && !item.was_missing &&
        item.page_before == item.page &&
        item.access_before == item.own_access) {
      continue;
    }
    connections.push_back(reacher.connection);
    repositories.push_back(item.entry.id());
    accesses.push_back(item.own_access);
    pages.push_back(item.page.value_or(-1));
    confirmed.push_back(is_listing ? 0 : ToMillis(now));
  }
  batch.Insert(
      transaction, "reaches",
      absl::StrCat("ON CONFLICT(connection, repository) DO UPDATE SET access = "
                   "excluded.access, missing_since = NULL, ",
                   is_listing ? "page = excluded.page"
                              : "confirmed_at = excluded.confirmed_at"));
}

}  // namespace

absl::StatusOr<Reacher> FindReacher(Transaction& transaction,
                                    const std::string& connection) {
  std::string info;
  if (!Execute(transaction, "SELECT info FROM connections WHERE name = :name",
               soci::use(connection, "name"), soci::into(info))) {
    return absl::NotFoundError(
        absl::StrCat("there is no connection ", connection));
  }
  std::string bytes;
  v1::ConnectionInfo parsed;
  if (!absl::Base64Unescape(info, &bytes) || !parsed.ParseFromString(bytes)) {
    return absl::InternalError(
        absl::StrCat("row of connection ", connection, " cannot be read"));
  }
  return Reacher{connection, parsed.type(), parsed.instance()};
}

absl::StatusOr<WrittenRows> WriteRepositories(Transaction& transaction,
                                              const Reacher& reacher,
                                              absl::Time now,
                                              const std::vector<Told>& told) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(ToldItems all, ItemsOf(reacher, told));
  std::vector<RepositoryItem>& items = all.items;
  CompareWithCatalog(transaction, reacher, items);
  if (!told.empty() && told.front().page.has_value()) {
    LeaveOutSeen(*told.front().page, all);
  }
  WrittenRows result;
  result.pages = std::move(all.pages);
  if (items.empty()) return result;
  NumberNew(transaction, items);
  result.logged = WriteDiffering(transaction, reacher, now, items);
  WriteReaches(transaction, reacher, now, items);
  for (const RepositoryItem& item : items) {
    for (Written* written :
         {&result.written, &result.pages[item.told_by].written}) {
      ++(!item.reached_before ? written->added
         : item.differs       ? written->changed
                              : written->unchanged);
    }
    result.rows.push_back({item.entry.id(), item.page, item.page_before});
  }
  return result;
}

absl::StatusOr<WrittenRows> WriteRepositories(
    Transaction& transaction, const Reacher& reacher,
    absl::optional<int32_t> page, absl::Time now,
    const std::vector<CatalogRepository>& repositories) {
  Told told;
  told.page = page;
  for (const CatalogRepository& repository : repositories) {
    told.repositories.push_back(&repository);
  }
  return WriteRepositories(transaction, reacher, now,
                           std::vector<Told>{std::move(told)});
}

absl::StatusOr<int64_t> RemoveReaches(Transaction& transaction,
                                      const std::string& connection,
                                      const std::vector<int64_t>& repositories,
                                      absl::Time now) {
  const std::string array = ArrayOf(transaction.dialect, repositories);
  Bindings bindings;
  bindings.Text("connection", connection).Text("ids", array);
  std::vector<CatalogEntry> entries = LoadEntries(
      transaction,
      absl::StrCat("repositories WHERE id ",
                   InNumbers(transaction.dialect, "ids"),
                   " AND EXISTS (SELECT 1 FROM reaches WHERE connection = "
                   ":connection AND repository = repositories.id) ORDER BY id"),
      bindings);
  ForgetPages(transaction, repositories);
  Execute(transaction,
          absl::StrCat("DELETE FROM reaches WHERE connection = :connection AND "
                       "repository ",
                       InNumbers(transaction.dialect, "ids")),
          soci::use(connection, "connection"), soci::use(array, "ids"));
  LoadReachedBy(transaction, entries);
  std::vector<Change> changes;
  std::vector<const CatalogEntry*> written;
  for (CatalogEntry& entry : entries) {
    *entry.mutable_changed_at() = TimestampOf(ToMillis(now));
    Change& change = changes.emplace_back();
    change.entry = &entry;
    written.push_back(&entry);
    if (entry.reached_by().empty()) {
      *entry.mutable_removed_at() = entry.changed_at();
      change.kind = v1::RepositoryChange::REMOVED;
    } else {
      SetAccess(entry);
      change.kind = v1::RepositoryChange::CHANGED;
    }
  }
  WriteEntries(transaction, written);
  AppendChanges(transaction, now, changes);
  return entries.size();
}

}  // namespace lamplighter::reposync
