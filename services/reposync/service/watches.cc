#include "services/reposync/service/watches.h"

#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/cleanup/cleanup.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "common/status/macros.h"

namespace lamplighter::reposync {
namespace {

using ::boost::asio::awaitable;
using v1::RepositoryChange;

constexpr int kMaxConnections = 100;

// Where a stream is: after change `number`, or, in a snapshot that is complete
// as of it, after the entry `entry`.
struct Position {
  int64_t number = 0;
  absl::optional<int64_t> entry = absl::nullopt;
};

// "1042", or in a snapshot "1042/17".
std::string FormatToken(const Position& position) {
  if (!position.entry.has_value()) return absl::StrCat(position.number);
  return absl::StrCat(position.number, "/", *position.entry);
}

absl::StatusOr<Position> ReadToken(absl::string_view token, int64_t last) {
  const std::vector<absl::string_view> parts = absl::StrSplit(token, '/');
  Position position;
  int64_t entry = 0;
  const bool is_right =
      parts.size() <= 2 && absl::SimpleAtoi(parts[0], &position.number) &&
      (parts.size() == 1 || absl::SimpleAtoi(parts[1], &entry)) &&
      position.number >= 0 && entry >= 0;
  if (!is_right) {
    return absl::InvalidArgumentError(
        "resume_token: is none that WatchRepositories gave");
  }
  if (position.number > last) {
    return absl::OutOfRangeError(
        "resume_token: is of another database, or of a time after its backup; "
        "begin with a snapshot");
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
  Position position;
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(position.number,
                                  co_await catalog_.LastChange());
  if (request.resume_token().empty()) {
    if (request.snapshot()) position.entry = 0;
  } else {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        position, ReadToken(request.resume_token(), position.number));
  }
  if (position.entry.has_value()) {
    LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await TellSnapshot(
        request, write, position.number, *position.entry));
  } else {
    v1::WatchRepositoriesResponse response;
    response.set_resume_token(FormatToken(position));
    LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await write(std::move(response)));
  }
  co_return co_await TellChanges(std::move(request), std::move(write),
                                 position.number);
}

awaitable<absl::Status> Watches::TellSnapshot(
    v1::WatchRepositoriesRequest request, Write write, int64_t number,
    int64_t after) {
  const std::vector<std::string> connections(request.connections().begin(),
                                             request.connections().end());
  bool is_complete = false;
  while (!is_complete && !stopping_) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        std::vector<v1::CatalogEntry> entries,
        co_await catalog_.ReadSnapshot(connections, after,
                                       options_.snapshot_page));
    is_complete = entries.size() < static_cast<size_t>(options_.snapshot_page);
    if (!entries.empty()) after = entries.back().id();
    v1::WatchRepositoriesResponse response;
    for (v1::CatalogEntry& entry : entries) {
      *response.add_entries() = std::move(entry);
    }
    response.set_snapshot_complete(is_complete);
    response.set_resume_token(
        is_complete ? FormatToken({.number = number})
                    : FormatToken({.number = number, .entry = after}));
    LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await write(std::move(response)));
  }
  co_return absl::OkStatus();
}

awaitable<absl::Status> Watches::TellChanges(
    v1::WatchRepositoriesRequest request, Write write, int64_t after) {
  absl::Duration written = clock_.MonotonicNow();
  while (!stopping_) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        const ChangeFeed::Changes changes,
        co_await feed_.Next(after, options_.progress_interval));
    v1::WatchRepositoriesResponse response;
    for (const auto& change : changes) {
      after = change->sequence();
      if (IsWanted(*change, request)) *response.add_changes() = *change;
    }
    const absl::Duration now = clock_.MonotonicNow();
    if (response.changes().empty() &&
        now - written < options_.progress_interval) {
      continue;
    }
    response.set_resume_token(FormatToken({.number = after}));
    LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await write(std::move(response)));
    written = now;
  }
  co_return absl::UnavailableError(
      "reposync stops: go on with the last resume_token");
}

}  // namespace lamplighter::reposync
