#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "boost/asio/as_tuple.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/steady_timer.hpp"
#include "boost/asio/this_coro.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "common/async/testing/run_sync.h"
#include "common/grpc/call_unary.h"
#include "common/grpc/serve_unary.h"
#include "common/grpc/testing/echo.grpc.pb.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

using ::absl::StatusCode;
using ::boost::asio::awaitable;

// Echoes; "slow" waits for ever, and sets `cancelled` once it no longer does.
awaitable<absl::Status> Echo(const testing::Msg* request,
                             testing::Msg* response,
                             absl::Notification* cancelled) {
  if (request->text().empty()) co_return absl::InvalidArgumentError("empty");
  if (request->text() == "throw") throw std::runtime_error("secret");
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
  timer.expires_after(request->text() == "slow" ? std::chrono::seconds(30)
                                                : std::chrono::seconds(0));
  const auto [error] = co_await timer.async_wait(
      boost::asio::as_tuple(boost::asio::use_awaitable));
  if (error) {
    cancelled->Notify();
    co_return absl::CancelledError("stopped");
  }
  response->set_text("hi " + request->text());
  co_return absl::OkStatus();
}

class EchoService final : public testing::Echo::CallbackService {
 public:
  explicit EchoService(boost::asio::any_io_executor executor)
      : executor_(std::move(executor)) {}
  grpc::ServerUnaryReactor* Say(grpc::CallbackServerContext* /*context*/,
                                const testing::Msg* request,
                                testing::Msg* response) override {
    return ServeUnary(executor_, Echo(request, response, &cancelled_));
  }

  // Whether a handler was cancelled; waits for that.
  bool Cancelled() const {
    return cancelled_.WaitForNotificationWithTimeout(absl::Seconds(10));
  }

 private:
  boost::asio::any_io_executor executor_;
  absl::Notification cancelled_;
};

class GrpcTest : public ::testing::Test {
 protected:
  GrpcTest() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                             &port_);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    stub_ = testing::Echo::NewStub(
        grpc::CreateChannel("127.0.0.1:" + std::to_string(port_),
                            grpc::InsecureChannelCredentials()));
  }
  ~GrpcTest() override {
    server_->Shutdown(std::chrono::system_clock::now());
    server_->Wait();
    work_.reset();
    thread_.join();
  }
  awaitable<absl::Status> Call(std::string text,
                               std::chrono::milliseconds timeout,
                               std::string* out) {
    testing::Msg request;
    testing::Msg response;
    request.set_text(text);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + timeout);
    auto start = [&](UnaryDone done) {
      stub_->async()->Say(&context, &request, &response, std::move(done));
    };
    absl::Status status = co_await CallUnary(start);
    *out = response.text();
    co_return status;
  }
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type>
      work_{io_.get_executor()};
  std::thread thread_{[this] { io_.run(); }};
  EchoService service_{io_.get_executor()};
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<testing::Echo::Stub> stub_;
};

TEST_F(GrpcTest, Answers) {
  std::string out;
  EXPECT_THAT(RunSync(Call("bob", std::chrono::seconds(5), &out)), IsOk());
  EXPECT_EQ(out, "hi bob");
}

TEST_F(GrpcTest, ReturnsHandlerStatus) {
  std::string out;
  EXPECT_THAT(RunSync(Call("", std::chrono::seconds(5), &out)),
              StatusIs(StatusCode::kInvalidArgument, "empty"));
}

TEST_F(GrpcTest, HidesExceptions) {
  std::string out;
  EXPECT_THAT(RunSync(Call("throw", std::chrono::seconds(5), &out)),
              StatusIs(StatusCode::kInternal, "internal error"));
}

TEST_F(GrpcTest, DeadlineCancelsHandler) {
  std::string out;
  EXPECT_THAT(RunSync(Call("slow", std::chrono::milliseconds(100), &out)),
              StatusIs(StatusCode::kDeadlineExceeded));
  EXPECT_TRUE(service_.Cancelled());
}

}  // namespace
}  // namespace lamplighter
