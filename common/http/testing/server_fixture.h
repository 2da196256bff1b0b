#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/optional.h"
#include "boost/asio/as_tuple.hpp"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/steady_timer.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "common/http/http_server.h"
#include "common/http/testing/loop_thread.h"
#include "common/http/testing/test_client.h"
#include "gtest/gtest.h"

namespace lamplighter {

// A server on a loop of its own with routes that do as their names say. Change
// options_, then call StartServer().
class ServerFixture : public ::testing::Test {
 protected:
  ServerFixture() { options_.listen = "127.0.0.1:0"; }
  ~ServerFixture() override {
    OpenGate();
    loop_.Do([this] { server_.reset(); });
  }

  void StartServer() {
    auto server =
        HttpServer::Create(options_, loop_.loop(), Routes(),
                           [this](int status) { refused_.push_back(status); });
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    loop_.Do([this] { server_->Start(); });
  }

  uint16_t port() const { return server_->port(); }
  std::vector<int> Refused() {
    return loop_.Do([this] { return refused_; });
  }
  // Waits for a request to /wait to reach its handler.
  bool Entered() { return entered_.try_acquire_for(std::chrono::seconds(10)); }
  bool Left() { return left_.try_acquire_for(std::chrono::seconds(10)); }
  // Lets the handlers of /wait go on.
  void OpenGate() {
    loop_.Do([this] { gate_.expires_after(std::chrono::seconds(0)); });
  }

  HttpServer::Options options_;
  // What the gate of /gated says.
  Admission admission_;
  LoopThread loop_;
  std::unique_ptr<HttpServer> server_;

 private:
  static boost::asio::awaitable<HttpResponse> Echo(HttpRequest request) {
    HttpResponse response;
    response.content_type = "text/plain";
    response.body = std::move(request.body);
    co_return response;
  }
  static boost::asio::awaitable<HttpResponse> Describe(HttpRequest request) {
    HttpResponse response;
    response.body =
        absl::StrCat(request.method, " ", request.path, " ", request.query, " ",
                     request.peer, " ", absl::StrJoin(request.path_params, ","),
                     " ", request.headers.Find("x-test").value_or("-"));
    response.headers.Add("X-Evil", "a\r\nb");
    co_return response;
  }
  static boost::asio::awaitable<HttpResponse> Who(HttpRequest request) {
    HttpResponse response;
    response.body = absl::StrCat(request.peer, " ",
                                 absl::StrJoin(request.certificate_names, ","));
    co_return response;
  }
  static boost::asio::awaitable<HttpResponse> Throw(HttpRequest /*request*/) {
    throw std::runtime_error("secret");
    co_return HttpResponse{};
  }
  static boost::asio::awaitable<HttpResponse> Huge(HttpRequest /*request*/) {
    HttpResponse response;
    response.body.assign(32 << 20, 'x');
    co_return response;
  }
  static boost::asio::awaitable<HttpResponse> NoContent(
      HttpRequest /*request*/) {
    HttpResponse response;
    response.status = 204;
    response.body = "never sent";
    co_return response;
  }
  boost::asio::awaitable<HttpResponse> WaitForGate(HttpRequest request) {
    entered_.release();
    co_await gate_.async_wait(
        boost::asio::as_tuple(boost::asio::use_awaitable));
    left_.release();
    co_return co_await Echo(std::move(request));
  }

  std::vector<HttpRoute> Routes() {
    const auto wait = [this](HttpRequest request) {
      return WaitForGate(std::move(request));
    };
    const auto gate = [this](const HttpRequest& /*header*/,
                             absl::optional<uint64_t> /*length*/) {
      return admission_;
    };
    return {{"POST", "/echo", &Echo},
            {"GET", "/who", &Who},
            {"POST", "/gated", wait, gate},
            {"GET", "/describe/{a}/{b}", &Describe},
            {"GET", "/throw", &Throw},
            {"GET", "/huge", &Huge},
            {"GET", "/nothing", &NoContent},
            {"POST", "/wait", wait}};
  }

  std::vector<int> refused_;
  std::counting_semaphore<> entered_{0};
  std::counting_semaphore<> left_{0};
  boost::asio::steady_timer gate_{loop_.loop(),
                                  boost::asio::steady_timer::time_point::max()};
};

}  // namespace lamplighter
