#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/steady_timer.hpp"
#include "boost/asio/this_coro.hpp"
#include "boost/system/error_code.hpp"
#include "common/grpc/serve_stream.h"

namespace lamplighter {

// Awaits `write(message)`, and calls `cut_off` where the client has not taken
// it within `limit`: that is to end the call, and so the write.
template <typename Message>
boost::asio::awaitable<absl::Status> WriteWithin(
    absl::Duration limit, StreamWrite<Message> write, Message message,
    std::function<void()> cut_off) {
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor,
                                  absl::ToChronoNanoseconds(limit));
  // A timer that has fired cannot be cancelled any more.
  const auto written = std::make_shared<bool>(false);
  timer.async_wait([written, cut_off = std::move(cut_off)](
                       const boost::system::error_code& error) {
    if (!error && !*written) cut_off();
  });
  const absl::Status status = co_await write(std::move(message));
  *written = true;
  co_return status;
}

}  // namespace lamplighter
