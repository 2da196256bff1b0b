#include "services/reposync/store/repository_items.h"

#include <cstdint>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "services/reposync/store/entry_rows.h"
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

// As the columns hold it, so that it can be compared.
CatalogRepository Normalized(const CatalogRepository& told) {
  CatalogRepository repository = told;
  for (std::string* text :
       {repository.mutable_repository_id(), repository.mutable_forge_id(),
        repository.mutable_path(), repository.mutable_name(),
        repository.mutable_group(), repository.mutable_group_forge_id(),
        repository.mutable_description(), repository.mutable_web_url(),
        repository.mutable_clone_url(), repository.mutable_default_branch()}) {
    *text = CleanText(*text);
  }
  const int64_t updated_at =
      told.has_updated_at() ? ToMillis(told.updated_at()) : 0;
  if (updated_at > 0) {
    *repository.mutable_updated_at() = TimestampOf(updated_at);
  } else {
    repository.clear_updated_at();
  }
  return repository;
}

// What a listing may leave out stays as it was.
void KeepUntold(const CatalogRepository& before,
                CatalogRepository& repository) {
  if (!repository.has_updated_at() && before.has_updated_at()) {
    *repository.mutable_updated_at() = before.updated_at();
  }
  if (repository.default_branch().empty()) {
    repository.set_default_branch(before.default_branch());
  }
}

bool Differs(const CatalogRepository& a, const CatalogRepository& b) {
  return a.repository_id() != b.repository_id() || SearchDiffers(a, b) ||
         a.group() != b.group() || a.group_forge_id() != b.group_forge_id() ||
         a.web_url() != b.web_url() || a.clone_url() != b.clone_url() ||
         a.default_branch() != b.default_branch() ||
         a.visibility() != b.visibility() || a.archived() != b.archived() ||
         a.fork() != b.fork() ||
         ToMillis(a.updated_at()) != ToMillis(b.updated_at());
}

// Returns the items that the catalog has, by id.
absl::flat_hash_map<int64_t, RepositoryItem*> LoadBefore(
    Transaction& transaction, const Reacher& reacher,
    std::vector<RepositoryItem>& items) {
  absl::flat_hash_map<std::string, RepositoryItem*> by_forge_id;
  std::vector<std::string> forge_ids;
  for (RepositoryItem& item : items) {
    by_forge_id[item.entry.repository().forge_id()] = &item;
    forge_ids.push_back(item.entry.repository().forge_id());
  }
  Bindings bindings;
  bindings.Text("instance", reacher.instance)
      .Text("forge_ids", ArrayOf(transaction.dialect, forge_ids));
  absl::flat_hash_map<int64_t, RepositoryItem*> by_id;
  for (CatalogEntry& found :
       LoadEntries(transaction,
                   EachText(transaction.dialect, "forge_ids", "repositories",
                            "repositories.instance = :instance"
                            " AND repositories.forge_id = told.key"),
                   bindings)) {
    RepositoryItem& item = *by_forge_id[found.repository().forge_id()];
    item.before = std::move(*found.mutable_repository());
    item.was_removed = found.has_removed_at();
    item.entry.set_id(found.id());
    *item.entry.mutable_added_at() = found.added_at();
    KeepUntold(*item.before, *item.entry.mutable_repository());
    by_id[found.id()] = &item;
  }
  return by_id;
}

// How the connection reached them.
void LoadReachesBefore(
    Transaction& transaction, const Reacher& reacher,
    const absl::flat_hash_map<int64_t, RepositoryItem*>& by_id) {
  if (by_id.empty()) return;
  std::vector<int64_t> ids;
  ids.reserve(by_id.size());
  for (const auto& [id, item] : by_id) ids.push_back(id);
  const std::string array = ArrayOf(transaction.dialect, ids);
  int64_t repository = 0;
  int access = 0, page = 0, missing = 0;
  ForEachRow(
      transaction,
      absl::StrCat("SELECT repository, access, COALESCE(page, -1), CASE WHEN "
                   "missing_since IS NULL THEN 0 ELSE 1 END FROM ",
                   EachNumber(transaction.dialect, "ids", "reaches",
                              "reaches.connection = :connection"
                              " AND reaches.repository = told.key")),
      [&] {
        RepositoryItem& item = *by_id.at(repository);
        item.reached_before = true;
        item.access_before = static_cast<CatalogRepository::Access>(access);
        if (page >= 0) item.page_before = page;
        item.was_missing = missing != 0;
      },
      soci::use(reacher.connection, "connection"), soci::use(array, "ids"),
      soci::into(repository), soci::into(access), soci::into(page),
      soci::into(missing));
}

RepositoryItem ItemOf(const Reacher& reacher,
                      const CatalogRepository& repository) {
  RepositoryItem item;
  *item.entry.mutable_repository() = Normalized(repository);
  item.entry.set_type(reacher.type);
  item.entry.set_instance(reacher.instance);
  item.own_access = repository.access();
  return item;
}

}  // namespace

absl::StatusOr<ToldItems> ItemsOf(const Reacher& reacher,
                                  const std::vector<Told>& told) {
  ToldItems all;
  all.pages.resize(told.size());
  std::vector<RepositoryItem>& items = all.items;
  absl::flat_hash_map<absl::string_view, size_t> places;  // in `items`
  for (size_t by = 0; by < told.size(); ++by) {
    for (const CatalogRepository* repository : told[by].repositories) {
      const auto [place, is_first] =
          places.try_emplace(repository->forge_id(), items.size());
      if (!is_first) {
        RepositoryItem& first = items[place->second];
        ++(first.told_by == by ? first.times : all.pages[by].seen_before);
        continue;
      }
      items.push_back(ItemOf(reacher, *repository));
      items.back().told_by = by;
      items.back().page = told[by].page;
      if (items.back().entry.repository().forge_id().empty()) {
        return absl::InvalidArgumentError(
            absl::StrCat("repository ", repository->repository_id(),
                         " without an id of the forge"));
      }
    }
  }
  return all;
}

void CompareWithCatalog(Transaction& transaction, const Reacher& reacher,
                        std::vector<RepositoryItem>& items) {
  if (items.empty()) return;
  LoadReachesBefore(transaction, reacher,
                    LoadBefore(transaction, reacher, items));
  for (RepositoryItem& item : items) {
    item.differs = !item.before.has_value() || item.was_removed ||
                   !item.reached_before ||
                   item.access_before != item.own_access ||
                   Differs(*item.before, item.entry.repository());
  }
}

void LeaveOutSeen(int32_t first_page, ToldItems& told) {
  std::erase_if(told.items, [&](RepositoryItem& item) {
    if (!item.page_before.has_value() || *item.page_before >= *item.page) {
      return false;
    }
    if (*item.page_before >= first_page) {
      item.page_before.reset();
      return false;
    }
    told.pages[item.told_by].seen_before += item.times;
    return true;
  });
}

void NumberNew(Transaction& transaction, std::vector<RepositoryItem>& items) {
  std::vector<RepositoryItem*> added;
  for (RepositoryItem& item : items) {
    if (!item.before.has_value()) added.push_back(&item);
  }
  if (added.empty()) return;
  if (transaction.dialect == Dialect::kSqlite) {
    int64_t last = 0;
    Execute(transaction,
            "SELECT COALESCE((SELECT seq FROM sqlite_sequence WHERE name = "
            "'repositories'), 0)",
            soci::into(last));
    for (RepositoryItem* item : added) item->entry.set_id(++last);
    return;
  }
  const int64_t count = added.size();
  int64_t id = 0;
  auto next = added.begin();
  ForEachRow(
      transaction,
      "SELECT nextval(name) FROM generate_series(1, CAST(:count AS BIGINT))"
      " CROSS JOIN (SELECT CAST(pg_get_serial_sequence('repositories', 'id')"
      " AS regclass) AS name OFFSET 0) AS sequence",
      [&] { (*next++)->entry.set_id(id); }, soci::use(count, "count"),
      soci::into(id));
}

}  // namespace lamplighter::reposync
