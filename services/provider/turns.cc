#include "services/provider/turns.h"

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "boost/asio/as_tuple.hpp"
#include "boost/asio/this_coro.hpp"
#include "boost/asio/use_awaitable.hpp"

namespace lamplighter::provider {

namespace asio = ::boost::asio;

Turns::Turn::~Turn() {
  const std::shared_ptr<Lines> lines = lines_.lock();
  if (lines == nullptr) return;
  const auto it = lines->find(credential_);
  Line& line = it->second;
  if (line.waiting.empty()) {
    if (--line.working == 0) lines->erase(it);
    return;
  }
  Waiter* next = line.waiting.front();
  line.waiting.pop_front();
  next->has_turn = true;
  next->timer.cancel();
}

asio::awaitable<absl::StatusOr<Turns::Turn>> Turns::Take(std::string credential,
                                                         absl::Duration wait) {
  const std::shared_ptr<Lines> lines = lines_;
  Line& line = (*lines)[credential];
  if (line.working < at_once_) {
    ++line.working;
    co_return Turn(lines, std::move(credential));
  }
  if (line.waiting.size() >= max_waiting_) {
    co_return absl::UnavailableError(absl::StrCat(
        line.waiting.size(), " calls with this credential wait already"));
  }
  const auto executor = co_await asio::this_coro::executor;
  Waiter waiter{asio::steady_timer(executor)};
  waiter.timer.expires_after(absl::ToChronoNanoseconds(wait));
  line.waiting.push_back(&waiter);
  // Also where the loop ends and this never goes on.
  const absl::Cleanup leave = [&line, &waiter] {
    line.waiting.remove(&waiter);
  };
  const auto [error] =
      co_await waiter.timer.async_wait(asio::as_tuple(asio::use_awaitable));
  // Whoever ended its turn has handed it over.
  if (waiter.has_turn) co_return Turn(lines, std::move(credential));
  if (error) co_return absl::CancelledError("wait for a turn cancelled");
  co_return absl::UnavailableError(
      "no turn in time: too many calls with this credential");
}

}  // namespace lamplighter::provider
