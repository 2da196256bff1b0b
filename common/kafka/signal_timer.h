#pragma once

#include <algorithm>
#include <utility>

#include "absl/time/time.h"
#include "boost/asio/any_io_executor.hpp"
#include "boost/asio/as_tuple.hpp"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/steady_timer.hpp"
#include "boost/asio/use_awaitable.hpp"

namespace lamplighter {

// Something that happens once and that one coroutine waits for, but not for
// ever. Both sides are on the loop.
class SignalTimer {
 public:
  explicit SignalTimer(boost::asio::any_io_executor executor)
      : timer_(std::move(executor)) {}

  void Set() {
    set_ = true;
    timer_.cancel();
  }

  // True once it is set, false when `limit` has passed first. The signal must
  // outlive the wait.
  boost::asio::awaitable<bool> Wait(absl::Duration limit) {
    if (set_) co_return true;
    // Asio adds this to now(), which an infinite wait would overflow.
    timer_.expires_after(
        absl::ToChronoNanoseconds(std::min(limit, absl::Hours(24 * 365))));
    co_await timer_.async_wait(
        boost::asio::as_tuple(boost::asio::use_awaitable));
    co_return set_;
  }

 private:
  boost::asio::steady_timer timer_;
  bool set_ = false;
};

}  // namespace lamplighter
