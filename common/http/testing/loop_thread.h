#pragma once

#include <future>
#include <thread>
#include <utility>

#include "boost/asio/awaitable.hpp"
#include "boost/asio/co_spawn.hpp"
#include "boost/asio/executor_work_guard.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/post.hpp"
#include "boost/asio/use_future.hpp"

namespace lamplighter {

// A loop on a thread of its own, for tests that talk to it over sockets. What
// runs on the loop is destroyed there too: see Do.
class LoopThread {
 public:
  LoopThread() : thread_([this] { loop_.run(); }) {}
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;
  ~LoopThread() {
    loop_.stop();
    thread_.join();
  }

  boost::asio::io_context& loop() { return loop_; }

  // Runs a function on the loop and returns what it returns.
  template <typename F>
  auto Do(F function) {
    return boost::asio::post(loop_,
                             boost::asio::use_future(std::move(function)))
        .get();
  }

  // Starts a coroutine on the loop; its result, or what it threw, is in the
  // future.
  template <typename T>
  std::future<T> Start(boost::asio::awaitable<T> coroutine) {
    return boost::asio::co_spawn(loop_, std::move(coroutine),
                                 boost::asio::use_future);
  }

  // Runs a coroutine on the loop to its end.
  template <typename T>
  T Run(boost::asio::awaitable<T> coroutine) {
    return Start(std::move(coroutine)).get();
  }

 private:
  boost::asio::io_context loop_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type>
      work_{loop_.get_executor()};
  std::thread thread_;
};

}  // namespace lamplighter
