#pragma once

#include <algorithm>
#include <functional>
#include <utility>

#include "absl/time/time.h"
#include "boost/asio/io_context.hpp"
#include "boost/asio/steady_timer.hpp"
#include "boost/system/error_code.hpp"

namespace lamplighter::dispatcher {

// Calls when something is due: the next of many, which others keep. On the loop
// only.
class DueTimer {
 public:
  DueTimer(boost::asio::io_context& loop, std::function<void()> on_due)
      : on_due_(std::move(on_due)), timer_(loop) {}

  // Calls at `due`, once, and no more at what was set before; never if it is
  // InfiniteDuration. `due` and `now` are of one clock.
  void Set(absl::Duration due, absl::Duration now) {
    if (due == armed_for_) return;
    armed_for_ = due;
    if (due == absl::InfiniteDuration()) {
      timer_.cancel();
      return;
    }
    timer_.expires_after(
        absl::ToChronoNanoseconds(std::max(due - now, absl::ZeroDuration())));
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (error) return;  // another wait took its place, or this is gone
      armed_for_ = absl::InfiniteDuration();
      on_due_();
    });
  }

 private:
  const std::function<void()> on_due_;
  absl::Duration armed_for_ = absl::InfiniteDuration();
  boost::asio::steady_timer timer_;
};

}  // namespace lamplighter::dispatcher
