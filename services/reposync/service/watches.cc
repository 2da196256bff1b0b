#include "services/reposync/service/watches.h"

#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/cleanup/cleanup.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "common/status/macros.h"
#include "common/time/proto_time.h"

namespace lamplighter::reposync {
namespace {

using ::boost::asio::awaitable;
using v1::RepositoryChange;

constexpr int kMaxConnections = 100;

// "1042.1732238400123", or in a snapshot "1042.1732238400123/17".
std::string FormatToken(const WatchPosition& position) {
  std::string token = absl::StrCat(position.number, ".", position.at);
  if (position.entry.has_value()) absl::StrAppend(&token, "/", *position.entry);
  return token;
}

absl::StatusOr<WatchPosition> ReadToken(absl::string_view token) {
  const std::vector<absl::string_view> parts = absl::StrSplit(token, '/');
  const std::vector<absl::string_view> change = absl::StrSplit(parts[0], '.');
  WatchPosition position;
  int64_t entry = 0;
  const bool is_right =
      parts.size() <= 2 && change.size() == 2 &&
      absl::SimpleAtoi(change[0], &position.number) &&
      absl::SimpleAtoi(change[1], &position.at) &&
      (parts.size() == 1 || absl::SimpleAtoi(parts[1], &entry)) &&
      position.number >= 0 && entry >= 0;
  if (!is_right) {
    return absl::InvalidArgumentError(
        "resume_token: is none that WatchRepositories gave");
  }
  if (parts.size() == 2) position.entry = entry;
  return position;
}

// Whether it may concern who watches only `connections`: they may have reached
// it before.
bool IsWanted(const RepositoryChange& change,
              const v1::WatchRepositoriesRequest& request) {
  if (request.connections().empty() ||
      change.kind() != RepositoryChange::ADDED) {
    return true;
  }
  return absl::c_any_of(change.entry().reached_by(),
                        [&](const v1::ReachedBy& reached) {
                          return absl::c_linear_search(request.connections(),
                                                       reached.connection());
                        });
}

}  // namespace

awaitable<absl::Status> Watches::Run(v1::WatchRepositoriesRequest request,
                                     Write write) {
  if (request.connections_size() > kMaxConnections) {
    co_return absl::InvalidArgumentError(
        absl::StrCat("connections: must be ", kMaxConnections, " at most"));
  }
  if (open_ >= options_.max_streams) {
    co_return absl::ResourceExhaustedError(
        absl::StrCat("there are ", options_.max_streams,
                     " streams already, which is the most; try again later"));
  }
  open_streams_.Set(++open_);
  const absl::Cleanup close = [this] { open_streams_.Set(--open_); };
  co_return co_await Serve(std::move(request), std::move(write));
}

void Watches::Stop() {
  stopping_ = true;
  feed_.WakeAll();
}

awaitable<absl::Status> Watches::Serve(v1::WatchRepositoriesRequest request,
                                       Write write) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(WatchPosition position,
                                  co_await Begin(request));
  if (position.entry.has_value()) {
    LAMPLIGHTER_CO_RETURN_IF_ERROR(
        co_await TellSnapshot(request, write, position));
  } else {
    v1::WatchRepositoriesResponse response;
    response.set_resume_token(FormatToken(position));
    LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await write(std::move(response)));
  }
  co_return co_await TellChanges(std::move(request), std::move(write),
                                 std::move(position));
}

awaitable<absl::StatusOr<WatchPosition>> Watches::Begin(
    v1::WatchRepositoriesRequest request) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const int64_t last,
                                  co_await catalog_.LastChange());
  if (request.resume_token().empty()) {
    WatchPosition position = {.number = last};
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(position.at, co_await TimeOf(last));
    if (request.snapshot()) position.entry = 0;
    co_return position;
  }
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(WatchPosition position,
                                  ReadToken(request.resume_token()));
  int64_t at = -1;
  if (position.number <= last) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(at, co_await TimeOf(position.number));
  }
  if (at != position.at) {
    co_return absl::OutOfRangeError(
        "resume_token: is of another database, or of a time after its backup; "
        "begin with a snapshot");
  }
  co_return position;
}

awaitable<absl::StatusOr<int64_t>> Watches::TimeOf(int64_t number) {
  if (number == 0) co_return 0;
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const std::vector<RepositoryChange> changes,
                                  co_await catalog_.ReadChanges(number - 1, 1));
  if (changes.empty()) co_return 0;
  co_return absl::ToUnixMillis(FromProto(changes[0].changed_at()));
}

awaitable<absl::Status> Watches::TellSnapshot(
    v1::WatchRepositoriesRequest request, Write write,
    WatchPosition& position) {
  const std::vector<std::string> connections(request.connections().begin(),
                                             request.connections().end());
  while (position.entry.has_value() && !stopping_) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        std::vector<v1::CatalogEntry> entries,
        co_await catalog_.ReadSnapshot(connections, *position.entry,
                                       options_.snapshot_page));
    const bool is_complete =
        entries.size() < static_cast<size_t>(options_.snapshot_page);
    if (is_complete) {
      position.entry.reset();
    } else {
      position.entry = entries.back().id();
    }
    v1::WatchRepositoriesResponse response;
    for (v1::CatalogEntry& entry : entries) {
      *response.add_entries() = std::move(entry);
    }
    response.set_snapshot_complete(is_complete);
    response.set_resume_token(FormatToken(position));
    LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await write(std::move(response)));
  }
  co_return absl::OkStatus();
}

awaitable<absl::Status> Watches::TellChanges(
    v1::WatchRepositoriesRequest request, Write write, WatchPosition position) {
  absl::Duration written = clock_.MonotonicNow();
  while (!stopping_) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        const ChangeFeed::Changes changes,
        co_await feed_.Next(position.number, options_.progress_interval));
    v1::WatchRepositoriesResponse response;
    for (const auto& change : changes) {
      position.number = change->sequence();
      position.at = absl::ToUnixMillis(FromProto(change->changed_at()));
      if (IsWanted(*change, request)) *response.add_changes() = *change;
    }
    const absl::Duration now = clock_.MonotonicNow();
    if (response.changes().empty() &&
        now - written < options_.progress_interval) {
      continue;
    }
    response.set_resume_token(FormatToken(position));
    LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await write(std::move(response)));
    written = now;
  }
  co_return absl::UnavailableError(
      "reposync stops: go on with the last resume_token");
}

}  // namespace lamplighter::reposync
