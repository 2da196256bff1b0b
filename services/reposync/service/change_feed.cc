#include "services/reposync/service/change_feed.h"

#include <algorithm>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "boost/asio/as_tuple.hpp"
#include "boost/asio/cancellation_type.hpp"
#include "boost/asio/this_coro.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "common/log/log.h"
#include "common/status/macros.h"

namespace lamplighter::reposync {
namespace {

using ::boost::asio::awaitable;

constexpr auto kAsTuple = boost::asio::as_tuple(boost::asio::use_awaitable);

}  // namespace

ChangeFeed::ChangeFeed(const Options& options, CatalogStore& catalog,
                       boost::asio::io_context& loop)
    : options_(options), catalog_(catalog), loop_(loop), poll_(loop) {
  catalog_.OnChange([this] {
    changed_ = true;
    poll_.cancel();
  });
}

ChangeFeed::~ChangeFeed() { catalog_.OnChange(nullptr); }

awaitable<void> ChangeFeed::Run() {
  while (true) {
    changed_ = false;
    const absl::Status status = co_await ReadNew();
    if (!status.ok() && status.message() != last_error_) {
      LAMPLIGHTER_LOG(kWarning, "changes of the catalog cannot be read")
          .With("error", status);
    }
    last_error_ = std::string(status.message());
    if (changed_) continue;
    poll_.expires_after(absl::ToChronoMilliseconds(options_.poll));
    co_await poll_.async_wait(kAsTuple);
    const auto cancellation =
        co_await boost::asio::this_coro::cancellation_state;
    if (cancellation.cancelled() != boost::asio::cancellation_type::none) {
      co_return;
    }
  }
}

awaitable<absl::Status> ChangeFeed::ReadNew() {
  if (last_ < 0) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(last_, co_await catalog_.LastChange());
    WakeAll();  // they may have waited since before that
  }
  while (true) {
    absl::StatusOr<std::vector<v1::RepositoryChange>> changes =
        co_await catalog_.ReadChanges(last_, options_.at_once);
    if (absl::IsOutOfRange(changes.status())) {
      // The database was restored from a backup, or was away for very long.
      last_ = -1;
      newest_.clear();
    }
    LAMPLIGHTER_CO_RETURN_IF_ERROR(changes.status());
    if (changes->empty()) co_return absl::OkStatus();
    for (v1::RepositoryChange& change : *changes) {
      last_ = change.sequence();
      newest_.push_back(
          std::make_shared<const v1::RepositoryChange>(std::move(change)));
    }
    while (newest_.size() > options_.keep) newest_.pop_front();
    WakeAll();
  }
}

void ChangeFeed::WakeAll() {
  ++wakes_;
  for (boost::asio::steady_timer* timer : waiting_) timer->cancel();
}

bool ChangeFeed::IsInMemory(int64_t after) const {
  // Between those in memory nothing is missing, but before them there may be.
  const int64_t from =
      newest_.empty() ? last_ : newest_.front()->sequence() - 1;
  return last_ >= 0 && after >= from;
}

ChangeFeed::Changes ChangeFeed::FromMemory(int64_t after) const {
  if (!IsInMemory(after)) return {};
  const auto first = std::upper_bound(newest_.begin(), newest_.end(), after,
                                      [](int64_t number, const auto& change) {
                                        return number < change->sequence();
                                      });
  const auto count =
      std::min<ptrdiff_t>(newest_.end() - first, options_.at_once);
  return {first, first + count};
}

awaitable<absl::StatusOr<ChangeFeed::Changes>> ChangeFeed::Next(
    int64_t after, absl::Duration limit) {
  const int64_t wakes = wakes_;
  if (!IsInMemory(after)) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        std::vector<v1::RepositoryChange> read,
        co_await catalog_.ReadChanges(after, options_.at_once));
    Changes changes;
    for (v1::RepositoryChange& change : read) {
      changes.push_back(
          std::make_shared<const v1::RepositoryChange>(std::move(change)));
    }
    if (!changes.empty()) co_return changes;
  }
  Changes changes = FromMemory(after);
  // While it read it could not be woken.
  if (!changes.empty() || wakes != wakes_) co_return changes;
  boost::asio::steady_timer timer(loop_, absl::ToChronoMilliseconds(limit));
  waiting_.push_back(&timer);
  const absl::Cleanup leave = [this, &timer] {
    waiting_.erase(std::find(waiting_.begin(), waiting_.end(), &timer));
  };
  co_await timer.async_wait(kAsTuple);
  co_return FromMemory(after);
}

}  // namespace lamplighter::reposync
