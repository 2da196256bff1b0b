#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/posix/stream_descriptor.hpp"
#include "boost/asio/steady_timer.hpp"
#include <curl/curl.h>

namespace lamplighter {

// Runs libcurl transfers on the loop. All sockets of libcurl stand in one epoll
// set, and the loop watches that: libcurl opens, closes and reuses descriptors
// as it likes, and nothing of ours refers to them. On the loop's thread only.
class CurlDriver : public std::enable_shared_from_this<CurlDriver> {
 public:
  // Gives a handle back for reuse.
  struct GiveBack {
    std::shared_ptr<CurlDriver> driver;
    void operator()(CURL* easy) const { driver->idle_.push_back(easy); }
  };
  using Handle = std::unique_ptr<CURL, GiveBack>;

  // Internal if libcurl or the kernel refuses. `loop` must outlive the driver.
  static absl::StatusOr<std::shared_ptr<CurlDriver>> Create(
      size_t max_connections, size_t max_connections_per_host,
      boost::asio::io_context& loop);

  explicit CurlDriver(boost::asio::io_context& loop);
  CurlDriver(const CurlDriver&) = delete;
  CurlDriver& operator=(const CurlDriver&) = delete;
  ~CurlDriver();

  // A handle with no options set; null if there is no memory for one.
  Handle TakeHandle();

  // Runs the transfer that `easy` is set up for to its end. If the awaiting
  // coroutine is cancelled, or Shutdown called: CURLE_ABORTED_BY_CALLBACK.
  boost::asio::awaitable<CURLcode> Perform(CURL* easy);

  // Ends all that is under way; nothing can be performed any more.
  void Shutdown();

  size_t under_way() const { return under_way_.size(); }

 private:
  using Done = absl::AnyInvocable<void(CURLcode)>;

  static int OnSocket(CURL* easy, curl_socket_t socket, int what, void* self,
                      void* known);
  static int OnTimer(CURLM* multi, long milliseconds,  // NOLINT: libcurl's
                     void* self);

  void Begin(CURL* easy, Done done);
  void Finish(CURL* easy, CURLcode code);
  void Wait();
  void HandleEvents();
  void HandleTimeout();
  void CollectFinished();

  boost::asio::io_context& loop_;
  CURLM* multi_ = nullptr;
  boost::asio::posix::stream_descriptor epoll_;
  boost::asio::steady_timer timer_;
  bool waiting_ = false;
  absl::flat_hash_map<CURL*, Done> under_way_;
  std::vector<CURL*> idle_;
};

}  // namespace lamplighter
