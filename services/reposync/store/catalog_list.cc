#include "services/reposync/store/catalog_list.h"

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/status/macros.h"
#include "services/reposync/store/entry_rows.h"
#include "services/reposync/store/page_token.h"
#include "services/reposync/store/repository_filter.h"
#include "services/reposync/store/statements.h"
#include "services/reposync/store/text.h"
#include "soci/soci.h"

namespace lamplighter::reposync {
namespace {

using v1::CatalogEntry;

constexpr int32_t kPage = 100;
constexpr int32_t kMostPage = 1000;

// Forges to go through, in order, from `first` on. Each is read by itself, so
// that the index by path serves with and without a group.
std::vector<std::string> InstancesFrom(Transaction& transaction,
                                       const v1::RepositoryFilter& filter,
                                       const std::string& first) {
  std::set<std::string> instances;
  for (const std::string& instance : filter.instances()) {
    if (std::string clean = CleanText(instance); clean >= first) {
      instances.insert(std::move(clean));
    }
  }
  if (filter.instances_size() == 0) {
    std::string next;
    int64_t found = 0;
    // The first one may be `first` itself.
    Execute(transaction,
            "SELECT COUNT(*), COALESCE(MIN(instance), '') FROM (SELECT "
            "instance FROM repositories WHERE instance >= :first ORDER BY "
            "instance LIMIT 1) AS one",
            soci::use(first, "first"), soci::into(found), soci::into(next));
    while (found > 0) {
      const std::string last = next;
      instances.insert(last);
      Execute(transaction,
              "SELECT COUNT(*), COALESCE(MIN(instance), '') FROM (SELECT "
              "instance FROM repositories WHERE instance > :last ORDER BY "
              "instance LIMIT 1) AS one",
              soci::use(last, "last"), soci::into(found), soci::into(next));
    }
  }
  return {instances.begin(), instances.end()};
}

// Where a page ended.
struct Place {
  std::string instance, group_key, path;
  int64_t id = 0;
};

absl::StatusOr<Place> PlaceOf(const v1::ListCatalogRequest& request) {
  if (request.page_token().empty()) return Place{};
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      const std::vector<std::string> fields,
      ReadPageToken("repositories", request.filter().SerializeAsString(),
                    request.page_token(), 4));
  Place place{fields[0], fields[1], fields[2], 0};
  if (!absl::SimpleAtoi(fields[3], &place.id)) {
    return absl::InvalidArgumentError("page_token: is damaged");
  }
  return place;
}

std::string TokenAfter(const v1::ListCatalogRequest& request,
                       const CatalogEntry& entry) {
  return MakePageToken("repositories", request.filter().SerializeAsString(),
                       {entry.instance(), Fold(entry.repository().group()),
                        entry.repository().path(), absl::StrCat(entry.id())});
}

}  // namespace

absl::StatusOr<EntryPage> ListEntries(Transaction& transaction,
                                      const v1::ListCatalogRequest& request) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const int32_t size,
                               PageSize(request.page_size(), kPage, kMostPage));
  LAMPLIGHTER_ASSIGN_OR_RETURN(Place place, PlaceOf(request));
  const FilterSql filter(transaction, request.filter());
  EntryPage page;
  for (const std::string& instance :
       InstancesFrom(transaction, request.filter(), place.instance)) {
    if (instance != place.instance) place = Place{instance, "", "", 0};
    // One more than asked for says whether there is another page.
    Bindings bindings = filter.bindings();
    bindings.Text("instance", instance)
        .Text("last_group", place.group_key)
        .Text("last_path", place.path)
        .Number("last_id", place.id)
        .Number("size", size + 1 - static_cast<int64_t>(page.entries.size()));
    std::vector<CatalogEntry> more = LoadEntries(
        transaction,
        absl::StrCat(filter.table(),
                     " WHERE repositories.instance = :instance AND (group_key, "
                     "path, id) > (:last_group, :last_path, :last_id)",
                     filter.conditions(),
                     " ORDER BY group_key, path, id LIMIT :size"),
        bindings);
    page.entries.insert(page.entries.end(),
                        std::make_move_iterator(more.begin()),
                        std::make_move_iterator(more.end()));
    if (page.entries.size() > static_cast<size_t>(size)) {
      page.entries.pop_back();
      page.next_page_token = TokenAfter(request, page.entries.back());
      break;
    }
  }
  LoadReachedBy(transaction, page.entries);
  return page;
}

absl::StatusOr<v1::ListGroupsResponse> ListGroupsOf(
    Transaction& transaction, const v1::ListGroupsRequest& request) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const int32_t size,
                               PageSize(request.page_size(), kPage, kMostPage));
  const std::string about = request.filter().SerializeAsString();
  std::string last_instance, last_group;
  if (!request.page_token().empty()) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(
        std::vector<std::string> fields,
        ReadPageToken("groups", about, request.page_token(), 2));
    last_instance = std::move(fields[0]);
    last_group = std::move(fields[1]);
  }
  const bool resumes = !request.page_token().empty();
  const FilterSql filter(transaction, request.filter());
  v1::ListGroupsResponse response;
  for (const std::string& instance :
       InstancesFrom(transaction, request.filter(), last_instance)) {
    Bindings bindings = filter.bindings();
    bindings.Text("instance", instance)
        .Number("size", size + 1 - int64_t{response.groups_size()});
    // A group may have no name at all.
    const bool within = resumes && instance == last_instance;
    if (within) bindings.Text("last_group", last_group);
    std::string key, name;
    int64_t count = 0;
    ForEachRow(
        transaction,
        absl::StrCat("SELECT group_key, MIN(group_name), COUNT(*) FROM ",
                     filter.table(), " WHERE repositories.instance = :instance",
                     within ? " AND group_key > :last_group" : "",
                     filter.conditions(),
                     " GROUP BY group_key ORDER BY group_key LIMIT :size"),
        [&] {
          if (response.groups_size() == size) {
            const v1::CatalogGroup& last = response.groups(size - 1);
            response.set_next_page_token(MakePageToken(
                "groups", about, {last.instance(), Fold(last.group())}));
            return;  // at most once: the statement is read to its end
          }
          v1::CatalogGroup& group = *response.add_groups();
          group.set_instance(instance);
          group.set_group(name);
          group.set_repositories(count);
        },
        soci::into(key), soci::into(name), soci::into(count), bindings);
    if (!response.next_page_token().empty()) break;
  }
  return response;
}

}  // namespace lamplighter::reposync
