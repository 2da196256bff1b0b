#include "services/reposync/service/change_publisher.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "boost/asio/any_io_executor.hpp"
#include "boost/asio/as_tuple.hpp"
#include "boost/asio/steady_timer.hpp"
#include "boost/asio/this_coro.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "common/kafka/cloud_event.h"
#include "common/kafka/topic_names.h"
#include "common/log/log.h"
#include "common/status/macros.h"
#include "common/time/proto_time.h"
#include "proto/lamplighter/v1/catalog_service.pb.h"

namespace lamplighter::reposync {
namespace {

using ::boost::asio::awaitable;
using v1::RepositoryChange;

constexpr char kLease[] = "catalog-changes";
constexpr int32_t kSnapshotPage = 500;

Record Forget(std::string key) {
  return {.topic = kCatalogChangesTopic,
          .key = std::move(key),
          .value = "",
          .headers = {},
          .tombstone = true};
}

// An entry as it is, told with the number of a change.
Record EntryRecord(v1::CatalogEntry entry, RepositoryChange::Kind kind,
                   int64_t sequence) {
  RepositoryChange change;
  change.set_kind(kind);
  change.set_sequence(sequence);
  *change.mutable_changed_at() = entry.changed_at();
  *change.mutable_entry() = std::move(entry);
  return std::move(ChangeRecords(change).front());
}

}  // namespace

std::vector<Record> ChangeRecords(const RepositoryChange& change) {
  const std::string& id = change.entry().repository().repository_id();
  std::vector<Record> records;
  if (!change.previous_repository_id().empty()) {
    records.push_back(Forget(change.previous_repository_id()));
  }
  if (change.kind() == RepositoryChange::PURGED) {
    records.push_back(Forget(id));
    return records;
  }
  CloudEvent attributes;
  attributes.id = absl::StrCat(change.sequence(), "/", change.entry().id());
  attributes.source = "//lamplighter/reposync";
  attributes.type = "dev.lamplighter.repository-change.v1";
  attributes.subject = id;
  attributes.time = FromProto(change.changed_at());
  attributes.content_type = "application/protobuf";
  records.push_back({.topic = kCatalogChangesTopic,
                     .key = id,
                     .value = change.SerializeAsString(),
                     .headers = ToHeaders(attributes)});
  return records;
}

awaitable<void> ChangePublisher::Run() {
  while (true) {
    const absl::Status status = co_await Publish();
    if (!status.ok() && status.message() != last_error_) {
      LAMPLIGHTER_LOG(kWarning, "changes of the catalog cannot be published")
          .With("error", status);
    }
    last_error_ = std::string(status.message());
    if (!(co_await sleeper_.SleepFor(options_.lease / 6)).ok()) co_return;
  }
}

awaitable<absl::Status> ChangePublisher::Publish() {
  while (true) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        const bool is_ours,
        co_await leases_.Take(kLease, options_.owner, options_.lease));
    if (!is_ours) co_return absl::OkStatus();
    // Each time: another may have had the lease in between.
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(int64_t position,
                                    co_await leases_.Position(kLease));
    absl::Status status = co_await PublishNext(position);
    if (absl::IsOutOfRange(status)) status = co_await PublishAll(position);
    LAMPLIGHTER_CO_RETURN_IF_ERROR(status);
    LAMPLIGHTER_CO_RETURN_IF_ERROR(
        co_await leases_.SavePosition(kLease, options_.owner, position));
  }
}

awaitable<absl::Status> ChangePublisher::PublishNext(int64_t& position) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const ChangeFeed::Changes changes,
      co_await feed_.Next(position, options_.lease / 3));
  std::vector<Record> records;
  for (const auto& change : changes) {
    for (Record& record : ChangeRecords(*change)) {
      records.push_back(std::move(record));
    }
    LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await AddHeirs(*change, records));
  }
  bool takes = false;
  LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await Write(std::move(records), takes));
  if (!changes.empty()) position = changes.back()->sequence();
  co_return absl::OkStatus();
}

awaitable<absl::Status> ChangePublisher::AddHeirs(
    const RepositoryChange& change, std::vector<Record>& records) {
  std::vector<std::string> ended;
  if (!change.previous_repository_id().empty()) {
    ended.push_back(change.previous_repository_id());
  }
  if (change.kind() == RepositoryChange::REMOVED ||
      change.kind() == RepositoryChange::PURGED) {
    ended.push_back(change.entry().repository().repository_id());
  }
  for (std::string& repository_id : ended) {
    absl::StatusOr<v1::CatalogEntry> heir =
        co_await catalog_.GetByRepositoryId(std::move(repository_id));
    if (absl::IsNotFound(heir.status())) continue;
    LAMPLIGHTER_CO_RETURN_IF_ERROR(heir.status());
    if (heir->id() == change.entry().id()) continue;
    records.push_back(EntryRecord(*std::move(heir), RepositoryChange::CHANGED,
                                  change.sequence()));
  }
  co_return absl::OkStatus();
}

awaitable<absl::Status> ChangePublisher::PublishAll(int64_t& position) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const int64_t last,
                                  co_await catalog_.LastChange());
  LAMPLIGHTER_LOG(kWarning,
                  "changes were dropped before they could be published: "
                  "publishing the whole catalog")
      .With("from", position)
      .With("to", last);
  // Present ones later: one may have the canonical id of a removed one.
  bool takes = false;
  LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await PublishRemoved(last, takes));
  LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await PublishPresent(last, takes));
  position = last;
  co_return absl::OkStatus();
}

awaitable<absl::Status> ChangePublisher::PublishRemoved(int64_t last,
                                                        bool& takes) {
  v1::ListCatalogRequest request;
  request.mutable_filter()->set_include_removed(true);
  request.mutable_filter()->set_include_archived(true);
  request.set_page_size(kSnapshotPage);
  do {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(EntryPage page,
                                    co_await catalog_.List(request));
    std::erase_if(page.entries, [](const v1::CatalogEntry& entry) {
      return !entry.has_removed_at();
    });
    LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await PublishEntries(
        std::move(page.entries), RepositoryChange::REMOVED, last, takes));
    request.set_page_token(std::move(page.next_page_token));
  } while (!request.page_token().empty());
  co_return absl::OkStatus();
}

awaitable<absl::Status> ChangePublisher::PublishPresent(int64_t last,
                                                        bool& takes) {
  int64_t after = 0;
  while (true) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        std::vector<v1::CatalogEntry> entries,
        co_await catalog_.ReadSnapshot({}, after, kSnapshotPage));
    if (entries.empty()) co_return absl::OkStatus();
    after = entries.back().id();
    LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await PublishEntries(
        std::move(entries), RepositoryChange::CHANGED, last, takes));
  }
}

awaitable<absl::Status> ChangePublisher::PublishEntries(
    std::vector<v1::CatalogEntry> entries, RepositoryChange::Kind kind,
    int64_t last, bool& takes) {
  std::vector<Record> records;
  for (v1::CatalogEntry& entry : entries) {
    records.push_back(EntryRecord(std::move(entry), kind, last));
  }
  LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await Write(std::move(records), takes));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const bool is_ours,
      co_await leases_.Take(kLease, options_.owner, options_.lease));
  if (!is_ours) co_return absl::AbortedError("the lease was lost");
  co_return absl::OkStatus();
}

awaitable<absl::Status> ChangePublisher::Write(std::vector<Record> records,
                                               bool& takes) {
  // Shared with the producer's callbacks, which may come after a cancellation.
  struct Batch {
    explicit Batch(const boost::asio::any_io_executor& executor)
        : done(executor, boost::asio::steady_timer::time_point::max()) {}
    boost::asio::steady_timer done;
    size_t left = 0;
    size_t taken = 0;
    absl::Status status;
    std::vector<std::pair<std::string, absl::Status>> refused;  // by key
  };
  if (records.empty()) co_return absl::OkStatus();
  const auto batch =
      std::make_shared<Batch>(co_await boost::asio::this_coro::executor);
  batch->left = records.size();
  for (Record& record : records) {
    auto done = [batch, key = record.key](
                    const absl::StatusOr<RecordPosition>& written) {
      if (written.ok()) ++batch->taken;
      if (absl::IsInvalidArgument(written.status())) {
        batch->refused.emplace_back(key, written.status());
      } else {
        batch->status.Update(written.status());
      }
      if (--batch->left == 0) batch->done.cancel();
    };
    producer_.Produce(std::move(record), std::move(done));
  }
  co_await batch->done.async_wait(
      boost::asio::as_tuple(boost::asio::use_awaitable));
  if (batch->left > 0) co_return absl::CancelledError("stopping");
  LAMPLIGHTER_CO_RETURN_IF_ERROR(batch->status);
  takes = takes || batch->taken > 0;
  for (const auto& [key, status] : batch->refused) {
    if (!takes) co_return status;
    passed_over_.Increment();
    LAMPLIGHTER_LOG(kError, "a change of the catalog is passed over")
        .With("repository", key)
        .With("error", status);
  }
  co_return absl::OkStatus();
}

}  // namespace lamplighter::reposync
