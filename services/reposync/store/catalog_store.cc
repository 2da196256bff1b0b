#include "services/reposync/store/catalog_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/status/macros.h"
#include "services/reposync/store/catalog_list.h"
#include "services/reposync/store/catalog_search.h"
#include "services/reposync/store/change_log.h"
#include "services/reposync/store/entry_rows.h"
#include "services/reposync/store/repository_filter.h"
#include "services/reposync/store/row_batch.h"
#include "services/reposync/store/row_values.h"
#include "services/reposync/store/search_index.h"
#include "services/reposync/store/search_sample.h"
#include "services/reposync/store/statements.h"
#include "services/reposync/store/text.h"
#include "soci/soci.h"

namespace lamplighter::reposync {
namespace {

namespace asio = boost::asio;

using v1::CatalogEntry;
using v1::RepositoryChange;

constexpr int32_t kMostRead = 1000;
constexpr int64_t kPurgedAtOnce = 500;
constexpr int64_t kDroppedAtOnce = 1000;

absl::StatusOr<CatalogEntry> OneEntry(Transaction& transaction,
                                      const std::string& where,
                                      const Bindings& bindings,
                                      const std::string& what) {
  std::vector<CatalogEntry> entries = LoadWholeEntries(
      transaction, absl::StrCat("repositories WHERE ", where), bindings);
  if (entries.empty()) {
    return absl::NotFoundError(absl::StrCat("the catalog has no ", what));
  }
  return std::move(entries[0]);
}

absl::StatusOr<std::vector<CatalogEntry>> SnapshotAfter(
    Transaction& transaction, const std::vector<std::string>& connections,
    int64_t after_id, int32_t limit) {
  const int32_t most = std::clamp(limit, 1, kMostRead);
  Bindings bindings;
  bindings.Number("after", after_id).Number("most", most);
  std::string reached;
  if (!connections.empty()) {
    bindings.Text("connections", ArrayOf(transaction.dialect, connections));
    reached = absl::StrCat(
        " AND EXISTS (SELECT 1 FROM reaches WHERE repository = "
        "repositories.id AND connection ",
        InTexts(transaction.dialect, "connections"), ")");
  }
  return LoadWholeEntries(
      transaction,
      absl::StrCat("repositories WHERE id > :after AND removed_at = 0", reached,
                   " ORDER BY id LIMIT :most"),
      bindings);
}

absl::StatusOr<std::vector<RepositoryChange>> ChangesAfter(
    Transaction& transaction, int64_t after, int32_t limit) {
  const int32_t most = std::clamp(limit, 1, kMostRead);
  std::vector<RepositoryChange> changes;
  std::string entry, previous, bytes;
  int64_t sequence = 0, at = 0, kind = 0;
  bool readable = true;
  ForEachRow(
      transaction,
      "SELECT sequence, at, kind, previous_repository_id, entry FROM changes "
      "WHERE sequence > :after ORDER BY sequence LIMIT :most",
      [&] {
        RepositoryChange& change = changes.emplace_back();
        change.set_kind(static_cast<RepositoryChange::Kind>(kind));
        change.set_sequence(sequence);
        *change.mutable_changed_at() = TimestampOf(at);
        change.set_previous_repository_id(previous);
        readable = readable && absl::Base64Unescape(entry, &bytes) &&
                   change.mutable_entry()->ParseFromString(bytes);
      },
      soci::use(after, "after"), soci::use(most, "most"), soci::into(sequence),
      soci::into(at), soci::into(kind), soci::into(previous),
      soci::into(entry));
  if (!readable) return absl::InternalError("a change cannot be read");
  const bool follows = changes.empty() ? LastChangeOf(transaction) == after
                                       : changes[0].sequence() == after + 1;
  if (!follows) {
    return absl::OutOfRangeError(absl::StrCat(
        "the changes after ", after, " are no longer kept: read all anew"));
  }
  return changes;
}

absl::StatusOr<int64_t> Purge(Transaction& transaction, absl::Time now,
                              absl::Time removed_before) {
  Bindings bindings;
  bindings.Number("before", ToMillis(removed_before))
      .Number("most", kPurgedAtOnce);
  const std::vector<CatalogEntry> entries = LoadEntries(
      transaction,
      "repositories WHERE removed_at > 0 AND removed_at < :before AND NOT "
      "EXISTS (SELECT 1 FROM hooks WHERE repository = repositories.id) ORDER "
      "BY removed_at, id LIMIT :most",
      bindings);
  std::vector<Searched> unsearched;
  std::vector<Change> changes;
  std::vector<int64_t> ids;
  for (const CatalogEntry& entry : entries) {
    unsearched.push_back({entry.id(), &entry.repository()});
    changes.push_back({RepositoryChange::PURGED, &entry, ""});
    ids.push_back(entry.id());
  }
  UpdateSearchIndex(transaction, unsearched, {});
  AppendChanges(transaction, now, changes);
  const std::string array = ArrayOf(transaction.dialect, ids);
  Execute(transaction,
          "DELETE FROM repositories WHERE id " +
              InNumbers(transaction.dialect, "ids"),
          soci::use(array, "ids"));
  return ids.size();
}

// Those before the first that is to stay, so that no gap comes about where the
// clock once went back.
absl::StatusOr<int64_t> Drop(Transaction& transaction, absl::Time before) {
  const int64_t last = LastChangeOf(transaction);
  const int64_t before_ms = ToMillis(before);
  int64_t first = 0;
  Execute(transaction, "SELECT COALESCE(MIN(sequence), 0) FROM changes",
          soci::into(first));
  const int64_t most = std::min(first + kDroppedAtOnce, last);
  int64_t stays = 0;
  Execute(transaction,
          "SELECT COALESCE(MIN(sequence), 0) FROM changes WHERE sequence < "
          ":most AND at >= :before",
          soci::use(most, "most"), soci::use(before_ms, "before"),
          soci::into(stays));
  const int64_t end = stays == 0 ? most : stays;
  Execute(transaction, "DELETE FROM changes WHERE sequence < :bound",
          soci::use(end, "bound"));
  return std::max<int64_t>(end - first, 0);
}

}  // namespace

CatalogStore::CatalogStore(Database& database, const Clock& clock)
    : database_(database),
      clock_(clock),
      sample_(std::make_shared<const SearchSample>()) {}

asio::awaitable<absl::StatusOr<EntryPage>> CatalogStore::List(
    v1::ListCatalogRequest request) {
  co_return co_await database_.Read<EntryPage>(
      [request = std::move(request)](Transaction& transaction) {
        return ListEntries(transaction, request);
      });
}

asio::awaitable<absl::StatusOr<v1::ListGroupsResponse>>
CatalogStore::ListGroups(v1::ListGroupsRequest request) {
  co_return co_await database_.Read<v1::ListGroupsResponse>(
      [request = std::move(request)](Transaction& transaction) {
        return ListGroupsOf(transaction, request);
      });
}

asio::awaitable<absl::StatusOr<std::vector<CatalogEntry>>> CatalogStore::Search(
    v1::SearchRepositoriesRequest request) {
  co_return co_await database_.Look<std::vector<CatalogEntry>>(
      [request = std::move(request),
       sample = sample_](Transaction& transaction) {
        return SearchEntries(transaction, *sample, request);
      });
}

asio::awaitable<absl::StatusOr<CatalogEntry>> CatalogStore::Get(int64_t id) {
  co_return co_await database_.Read<CatalogEntry>(
      [id](Transaction& transaction) {
        Bindings bindings;
        bindings.Number("id", id);
        return OneEntry(transaction, "id = :id", bindings,
                        absl::StrCat("repository ", id));
      });
}

asio::awaitable<absl::StatusOr<CatalogEntry>> CatalogStore::GetByRepositoryId(
    std::string repository_id) {
  co_return co_await database_.Read<CatalogEntry>(
      [repository_id = CleanText(repository_id)](Transaction& transaction) {
        Bindings bindings;
        bindings.Text("repository_id", repository_id);
        return OneEntry(transaction,
                        "repository_id = :repository_id AND removed_at = 0 "
                        "ORDER BY changed_at DESC, id DESC LIMIT 1",
                        bindings, absl::StrCat("repository ", repository_id));
      });
}

asio::awaitable<absl::StatusOr<CatalogEntry>> CatalogStore::GetByForgeId(
    std::string instance, std::string forge_id) {
  co_return co_await database_.Read<CatalogEntry>(
      [instance = CleanText(instance),
       forge_id = CleanText(forge_id)](Transaction& transaction) {
        Bindings bindings;
        bindings.Text("instance", instance).Text("forge_id", forge_id);
        return OneEntry(
            transaction, "instance = :instance AND forge_id = :forge_id",
            bindings, absl::StrCat("repository ", forge_id, " of ", instance));
      });
}

asio::awaitable<absl::StatusOr<std::vector<CatalogEntry>>>
CatalogStore::ReadSnapshot(std::vector<std::string> connections,
                           int64_t after_id, int32_t limit) {
  for (std::string& connection : connections) {
    connection = CleanText(connection);
  }
  co_return co_await database_.Read<std::vector<CatalogEntry>>(
      [connections = std::move(connections), after_id,
       limit](Transaction& transaction) {
        return SnapshotAfter(transaction, connections, after_id, limit);
      });
}

asio::awaitable<absl::StatusOr<Written>> CatalogStore::Put(
    std::string connection, v1::CatalogRepository repository) {
  const absl::Time now = clock_.Now();
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const WrittenRows rows,
      co_await database_.Write<WrittenRows>(
          [connection = std::move(connection),
           repository = std::move(repository),
           now](Transaction& transaction) -> absl::StatusOr<WrittenRows> {
            LAMPLIGHTER_ASSIGN_OR_RETURN(const Reacher reacher,
                                         FindReacher(transaction, connection));
            return WriteRepositories(transaction, reacher, absl::nullopt, now,
                                     {repository});
          }));
  if (rows.logged) Changed();
  co_return rows.written;
}

asio::awaitable<absl::StatusOr<bool>> CatalogStore::Forget(
    std::string connection, std::string instance, std::string forge_id) {
  const absl::Time now = clock_.Now();
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const int64_t removed,
      co_await database_.Write<int64_t>(
          [connection = std::move(connection), instance = CleanText(instance),
           forge_id = CleanText(forge_id),
           now](Transaction& transaction) -> absl::StatusOr<int64_t> {
            int64_t id = 0;
            if (!Execute(transaction,
                         "SELECT id FROM repositories WHERE instance = "
                         ":instance AND forge_id = :forge_id",
                         soci::use(instance, "instance"),
                         soci::use(forge_id, "forge_id"), soci::into(id))) {
              return 0;
            }
            return RemoveReaches(transaction, connection, {id}, now);
          }));
  if (removed > 0) Changed();
  co_return removed > 0;
}

asio::awaitable<absl::StatusOr<std::vector<RepositoryChange>>>
CatalogStore::ReadChanges(int64_t after, int32_t limit) {
  co_return co_await database_.Read<std::vector<RepositoryChange>>(
      [after, limit](Transaction& transaction) {
        return ChangesAfter(transaction, after, limit);
      });
}

asio::awaitable<absl::StatusOr<int64_t>> CatalogStore::LastChange() {
  co_return co_await database_.Read<int64_t>(
      [](Transaction& transaction) -> absl::StatusOr<int64_t> {
        return LastChangeOf(transaction);
      });
}

void CatalogStore::OnChange(std::function<void()> listener) {
  listener_ = std::move(listener);
}

void CatalogStore::Changed() {
  if (listener_) listener_();
}

asio::awaitable<absl::StatusOr<int64_t>> CatalogStore::PurgeRemoved(
    absl::Time removed_before) {
  const absl::Time now = clock_.Now();
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const int64_t purged,
      co_await database_.Write<int64_t>(
          [now, removed_before](Transaction& transaction) {
            return Purge(transaction, now, removed_before);
          }));
  if (purged > 0) Changed();
  co_return purged;
}

asio::awaitable<absl::Status> CatalogStore::TakeSample() {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      sample_, co_await database_.Read<std::shared_ptr<const SearchSample>>(
                   &TakeSearchSample));
  co_return absl::OkStatus();
}

asio::awaitable<absl::StatusOr<bool>> CatalogStore::MergeSearchIndex() {
  const bool is_first = !merging_;
  if (is_first) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const int64_t last, co_await LastChange());
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        const int64_t repositories,  // about
        co_await database_.Read<int64_t>(
            [](Transaction& transaction) -> absl::StatusOr<int64_t> {
              return LastRepositoryId(transaction);
            }));
    if ((last - merged_at_) * 10 < repositories) co_return false;
    merged_at_ = last;
  }
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      merging_,
      co_await database_.Write<bool>(
          [is_first](Transaction& transaction) -> absl::StatusOr<bool> {
            return reposync::MergeSearchIndex(transaction, is_first);
          }));
  co_return merging_;
}

asio::awaitable<absl::StatusOr<int64_t>> CatalogStore::DropChanges(
    absl::Time before) {
  co_return co_await database_.Write<int64_t>(
      [before](Transaction& transaction) { return Drop(transaction, before); });
}

}  // namespace lamplighter::reposync
