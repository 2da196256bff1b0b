#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "common/time/clock.h"
#include "proto/lamplighter/v1/catalog.pb.h"
#include "proto/lamplighter/v1/catalog_service.pb.h"
#include "services/reposync/store/database.h"
#include "services/reposync/store/repository_rows.h"

namespace lamplighter::reposync {

class SearchSample;

// Where a page of entries ends: what the next one comes after.
struct EntryPage {
  std::vector<v1::CatalogEntry> entries;
  std::string next_page_token;  // empty on the last
};

// The repositories of the catalog, which connection reaches them, and the log
// of their changes. On the loop only.
//
// A repository is (instance, forge_id). Whoever writes appends what changed to
// the log in the same transaction, numbered in order of commit. Nothing that is
// the same is written.
class CatalogStore {
 public:
  // Both must outlive the store.
  CatalogStore(Database& database, const Clock& clock);

  // --- Reading. Page tokens are opaque: InvalidArgument for one that is not of
  // the same call.

  boost::asio::awaitable<absl::StatusOr<EntryPage>> List(
      v1::ListCatalogRequest request);
  boost::asio::awaitable<absl::StatusOr<v1::ListGroupsResponse>> ListGroups(
      v1::ListGroupsRequest request);
  boost::asio::awaitable<absl::StatusOr<std::vector<v1::CatalogEntry>>> Search(
      v1::SearchRepositoriesRequest request);
  // NotFound. A tombstone is found only by id.
  boost::asio::awaitable<absl::StatusOr<v1::CatalogEntry>> Get(int64_t id);
  boost::asio::awaitable<absl::StatusOr<v1::CatalogEntry>> GetByRepositoryId(
      std::string repository_id);
  // Tombstones included.
  boost::asio::awaitable<absl::StatusOr<v1::CatalogEntry>> GetByForgeId(
      std::string instance, std::string forge_id);
  // All that is not removed, in order of id, after `after_id`.
  boost::asio::awaitable<absl::StatusOr<std::vector<v1::CatalogEntry>>>
  ReadSnapshot(std::vector<std::string> connections, int64_t after_id,
               int32_t limit);

  // --- Writing what a look-up of one repository found.

  // The connection reaches it. Where another repository had its canonical id,
  // that one keeps it until its own end is seen; GetByRepositoryId() finds the
  // one that was written last.
  boost::asio::awaitable<absl::StatusOr<Written>> Put(
      std::string connection, v1::CatalogRepository repository);
  // The connection does not reach it. Where no other does, it becomes a
  // tombstone. Returns whether anything changed.
  boost::asio::awaitable<absl::StatusOr<bool>> Forget(std::string connection,
                                                      std::string instance,
                                                      std::string forge_id);

  // --- The log of changes.

  // In order, after `after`, `limit` at most. OutOfRange where changes after
  // `after` are no longer kept.
  boost::asio::awaitable<absl::StatusOr<std::vector<v1::RepositoryChange>>>
  ReadChanges(int64_t after, int32_t limit);
  // Number of the newest change; 0 before the first.
  boost::asio::awaitable<absl::StatusOr<int64_t>> LastChange();
  // Called on the loop after each transaction of this process that changed
  // something. One listener.
  void OnChange(std::function<void()> listener);
  // For the stores beside this one, after such a transaction of theirs.
  void Changed();

  // --- Upkeep.

  // Now and then, so that Search() is fast: looks at a sample of the catalog.
  boost::asio::awaitable<absl::Status> TakeSample();

  // Has searches read the index in one part, where a tenth of the catalog has
  // changed since this last did so. A bounded part: call again until false.
  boost::asio::awaitable<absl::StatusOr<bool>> MergeSearchIndex();

  // Both do a bounded part and return how much it was; call again
  // until 0.

  // Purges tombstones older than `removed_before`, except those with hooks.
  boost::asio::awaitable<absl::StatusOr<int64_t>> PurgeRemoved(
      absl::Time removed_before);
  // Drops changes older than `before`, never the newest one.
  boost::asio::awaitable<absl::StatusOr<int64_t>> DropChanges(
      absl::Time before);

 private:
  Database& database_;
  const Clock& clock_;
  std::function<void()> listener_;
  std::shared_ptr<const SearchSample> sample_;  // never null
  bool merging_ = false;
  int64_t merged_at_ = 0;  // the newest change then
};

}  // namespace lamplighter::reposync
