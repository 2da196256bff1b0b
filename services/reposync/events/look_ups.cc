#include "services/reposync/events/look_ups.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "boost/asio/cancellation_type.hpp"
#include "boost/asio/this_coro.hpp"
#include "common/grpc/retry_info.h"
#include "common/log/log.h"
#include "common/status/macros.h"
#include "common/status/status.h"

namespace lamplighter::reposync {
namespace {

using ::boost::asio::awaitable;

// An error of the database: what is to be written waits for it.
constexpr absl::Duration kDatabaseAgain = absl::Seconds(1);

std::string KeyOf(const LookUp& look_up) {
  return absl::StrCat(look_up.instance, "\n", look_up.forge_id);
}

// What the forge says where the connection does not reach a repository.
bool IsOutOfReach(const absl::Status& status) {
  return absl::IsNotFound(status) || absl::IsPermissionDenied(status) ||
         absl::IsInvalidArgument(status);
}

}  // namespace

LookUps::LookUps(const Options& options, RepositorySource& source,
                 CatalogStore& catalog, ConnectionStore& connections,
                 const Clock& clock, Sleeper& sleeper, Metrics& metrics,
                 boost::asio::any_io_executor loop)
    : options_(options),
      source_(source),
      catalog_(catalog),
      connections_(connections),
      clock_(clock),
      sleeper_(sleeper),
      metrics_(metrics),
      tasks_(std::move(loop), "look-ups") {}

void LookUps::Begin(LookUp look_up, Done done) {
  ++waiting_;
  std::string key = KeyOf(look_up);
  Entry& entry = entries_[key];
  const bool is_queued = !entry.waiting.empty();
  look_up.may_be_gone |= is_queued && entry.next.may_be_gone;
  look_up.is_news |= is_queued && entry.next.is_news;
  entry.next = std::move(look_up);
  entry.waiting.push_back(std::move(done));
  if (is_queued || entry.running) return;
  queue_.push_back(std::move(key));
  StartSome();
}

void LookUps::StartSome() {
  while (running_ < options_.max_at_once && !queue_.empty()) {
    std::string key = std::move(queue_.front());
    queue_.erase(queue_.begin());
    entries_[key].running = true;
    ++running_;
    tasks_.Spawn(Run(std::move(key)));
  }
}

awaitable<void> LookUps::Run(std::string key) {
  Entry& begun = entries_[key];
  const LookUp look_up = begun.next;
  const std::vector<Done> done = std::exchange(begun.waiting, {});
  if (look_up.may_be_gone || look_up.is_news) unknown_.erase(key);
  const absl::Status status = co_await Settle(look_up);
  const auto cancellation = co_await boost::asio::this_coro::cancellation_state;
  if (cancellation.cancelled() != boost::asio::cancellation_type::none) {
    co_return;  // Drain() cut it off: it is not done
  }
  if (!status.ok()) {
    LAMPLIGHTER_LOG_EVERY_SECOND(
        kWarning, "a repository could not be looked up; the next refresh tells")
        .With("repository", look_up.repository_id)
        .With("error", status);
  }
  waiting_ -= done.size();
  for (const Done& call : done) call();
  --running_;
  Entry& entry = entries_[key];
  entry.running = false;
  if (entry.waiting.empty()) {
    entries_.erase(key);
  } else {
    queue_.push_back(std::move(key));
  }
  StartSome();
}

awaitable<absl::Status> LookUps::Settle(LookUp look_up) {
  const std::string key = KeyOf(look_up);
  if (IsUnknown(key)) {
    Count("skipped");
    co_return absl::OkStatus();
  }
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const std::vector<StoredConnection> connections,
      co_await Persist<std::vector<StoredConnection>>(
          [this] { return connections_.List(); }));
  absl::Status status;
  bool is_reached = false;
  for (const StoredConnection& connection : connections) {
    if (connection.info.instance() != look_up.instance) continue;
    absl::StatusOr<bool> reached = co_await Ask(look_up, connection);
    status.Update(reached.status());
    is_reached |= reached.ok() && *reached;
  }
  if (!status.ok()) {
    Count("failed");
  } else if (is_reached) {
    Count("found");
  } else {
    Count(look_up.may_be_gone ? "gone" : "unknown");
    NoteUnknown(key);
  }
  co_return status;
}

awaitable<absl::StatusOr<bool>> LookUps::Ask(LookUp look_up,
                                             StoredConnection connection) {
  const std::string name = connection.info.name();
  absl::StatusOr<v1::CatalogRepository> found =
      co_await Get(std::move(connection), look_up.repository_id);
  // Under its name there may be another by now.
  const bool is_same = found.ok() && found->forge_id() == look_up.forge_id;
  if (found.ok()) {
    auto put = [&] { return catalog_.Put(name, *found); };
    LAMPLIGHTER_CO_RETURN_IF_ERROR((co_await Persist<Written>(put)).status());
  } else if (!IsOutOfReach(found.status())) {
    co_return found.status();
  }
  // A credential that may not see it now (403) says nothing about the
  // repository.
  const bool is_gone =
      !is_same && (found.ok() || absl::IsNotFound(found.status()));
  if (is_gone && look_up.may_be_gone) {
    auto forget = [&] {
      return catalog_.Forget(name, look_up.instance, look_up.forge_id);
    };
    LAMPLIGHTER_CO_RETURN_IF_ERROR((co_await Persist<bool>(forget)).status());
  }
  co_return found.ok();
}

awaitable<absl::StatusOr<v1::CatalogRepository>> LookUps::Get(
    StoredConnection connection, std::string repository_id) {
  for (int tries = 1;; ++tries) {
    absl::StatusOr<v1::CatalogRepository> found =
        co_await source_.Get(connection, repository_id);
    const absl::Status& status = found.status();
    if (found.ok() || tries == options_.max_tries ||
        !(IsTransient(status) || absl::IsDeadlineExceeded(status))) {
      co_return found;
    }
    const absl::Duration wait =
        RetryAfter(status).value_or(options_.backoff.After(tries, random_));
    if (wait > options_.max_wait) co_return found;
    LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await sleeper_.SleepFor(wait));
  }
}

template <typename T>
awaitable<absl::StatusOr<T>> LookUps::Persist(
    std::function<awaitable<absl::StatusOr<T>>()> work) {
  absl::StatusOr<T> result = co_await work();
  while (IsTransient(result.status())) {
    LAMPLIGHTER_LOG_EVERY_SECOND(kWarning, "a look-up waits for the database")
        .With("error", result.status());
    LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await sleeper_.SleepFor(kDatabaseAgain));
    result = co_await work();
  }
  co_return result;
}

bool LookUps::IsUnknown(const std::string& key) {
  const auto it = unknown_.find(key);
  if (it == unknown_.end()) return false;
  if (it->second > clock_.MonotonicNow()) return true;
  unknown_.erase(it);
  return false;
}

void LookUps::NoteUnknown(const std::string& key) {
  const absl::Duration now = clock_.MonotonicNow();
  if (unknown_.size() >= options_.max_unknown) {
    absl::erase_if(unknown_,
                   [now](const auto& entry) { return entry.second <= now; });
  }
  if (unknown_.size() >= options_.max_unknown) return;
  unknown_[key] = now + options_.unknown_for;
}

void LookUps::Count(const char* result) {
  metrics_.lookups.Add({{"result", result}}).Increment();
}

awaitable<void> LookUps::Drain(absl::Duration limit) {
  co_await tasks_.Drain(limit);
}

}  // namespace lamplighter::reposync
