#include "common/grpc/grpc_server.h"

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "boost/asio/as_tuple.hpp"
#include "boost/asio/co_spawn.hpp"
#include "boost/asio/executor_work_guard.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/post.hpp"
#include "boost/asio/steady_timer.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "boost/asio/use_future.hpp"
#include "common/grpc/grpc_channel.h"
#include "common/grpc/serve_unary.h"
#include "common/grpc/testing/echo.grpc.pb.h"
#include "common/grpc/testing/health.grpc.pb.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "grpcpp/client_context.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

namespace asio = boost::asio;
using ::absl::StatusCode;
using ::grpc::health::v1::HealthCheckRequest;
using ::grpc::health::v1::HealthCheckResponse;
using ::testing::HasSubstr;

// Answers a call once the test opens the gate.
class GatedEcho final : public testing::Echo::CallbackService {
 public:
  explicit GatedEcho(asio::io_context& loop)
      : loop_(loop), gate_(loop, asio::steady_timer::time_point::max()) {}

  grpc::ServerUnaryReactor* Say(grpc::CallbackServerContext* /*context*/,
                                const testing::Msg* /*request*/,
                                testing::Msg* response) override {
    return ServeUnary(loop_.get_executor(), Answer(response));
  }

  void WaitForCall() { called_.WaitForNotification(); }
  void Open() {
    asio::post(loop_, [this] { gate_.expires_at({}); });
  }

 private:
  asio::awaitable<absl::Status> Answer(testing::Msg* response) {
    called_.Notify();
    co_await gate_.async_wait(asio::as_tuple(asio::use_awaitable));
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) {
      co_return absl::CancelledError("stopped");
    }
    response->set_text("done");
    co_return absl::OkStatus();
  }

  asio::io_context& loop_;
  asio::steady_timer gate_;
  absl::Notification called_;
};

class GrpcServerTest : public ::testing::Test {
 protected:
  GrpcServerTest() {
    GrpcServer::Options options;
    options.listen = "127.0.0.1:0";
    options.health_names = {testing::Echo::service_full_name()};
    server_ = GrpcServer::Create(options, {&echo_}).value();
    channel_ = MakeChannel(absl::StrCat("127.0.0.1:", server_->port()));
  }
  ~GrpcServerTest() override {
    if (!stopped_) Stop(absl::ZeroDuration()).wait();
    work_.reset();
    thread_.join();
  }

  std::future<void> Stop(absl::Duration drain) {
    stopped_ = true;
    return asio::co_spawn(loop_, server_->Stop(drain), asio::use_future);
  }

  // Calls from a thread of its own.
  std::future<grpc::Status> Call() {
    return std::async(std::launch::async, [this] {
      grpc::ClientContext context;
      SetDeadline(context);
      testing::Msg response;
      return testing::Echo::NewStub(channel_)->Say(&context, {}, &response);
    });
  }

  static void SetDeadline(grpc::ClientContext& context) {
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::seconds(10));
  }

  asio::io_context loop_;
  asio::executor_work_guard<asio::io_context::executor_type> work_{
      loop_.get_executor()};
  std::thread thread_{[this] { loop_.run(); }};
  GatedEcho echo_{loop_};
  std::unique_ptr<GrpcServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
  bool stopped_ = false;
};

TEST_F(GrpcServerTest, CanBeAskedForTheHealthOfEachService) {
  const auto health = grpc::health::v1::Health::NewStub(channel_);
  grpc::ClientContext context;
  SetDeadline(context);
  HealthCheckRequest request;
  request.set_service("lamplighter.testing.Echo");
  HealthCheckResponse response;
  ASSERT_TRUE(health->Check(&context, request, &response).ok());
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVING);
}

TEST_F(GrpcServerTest, IsHealthyUntilItStops) {
  const auto health = grpc::health::v1::Health::NewStub(channel_);
  grpc::ClientContext context;
  SetDeadline(context);
  const auto watch = health->Watch(&context, HealthCheckRequest());
  HealthCheckResponse response;
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVING);
  std::future<void> stopped = Stop(absl::Milliseconds(200));
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::NOT_SERVING);
  while (watch->Read(&response)) continue;
  watch->Finish();
  stopped.get();
}

TEST_F(GrpcServerTest, AStopWaitsForACallThatIsRunning) {
  std::future<grpc::Status> call = Call();
  echo_.WaitForCall();
  std::future<void> stopped = Stop(absl::Seconds(30));
  echo_.Open();
  EXPECT_TRUE(call.get().ok());
  stopped.get();
}

TEST_F(GrpcServerTest, AStopCancelsWhatOutlastsTheDrain) {
  std::future<grpc::Status> call = Call();
  echo_.WaitForCall();
  Stop(absl::Milliseconds(50)).get();
  EXPECT_FALSE(call.get().ok());
}

TEST_F(GrpcServerTest, TakesNoCallOnceStopped) {
  Stop(absl::Seconds(30)).get();
  EXPECT_EQ(Call().get().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(GrpcServerTest, RefusesAPortThatIsTaken) {
  const std::string taken = absl::StrCat("127.0.0.1:", server_->port());
  EXPECT_THAT(GrpcServer::Create({.listen = taken}, {}),
              StatusIs(StatusCode::kUnavailable, HasSubstr(taken)));
}

TEST(GrpcServerOptionsTest, ServesPlaintextBeyondLoopbackOnlyIfAllowed) {
  for (const char* address : {"0.0.0.0:0", "[::]:0", "192.0.2.1:0", "*:0",
                              "example.org:0", "localhost.example.org:0"}) {
    EXPECT_THAT(GrpcServer::Create({.listen = address}, {}),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr("loopback")))
        << address;
  }
  ::testing::internal::CaptureStderr();
  EXPECT_THAT(
      GrpcServer::Create({.listen = "0.0.0.0:0", .allow_plaintext = true}, {}),
      IsOk());
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              HasSubstr("WARNING PLAINTEXT gRPC beyond loopback"));
}

TEST(GrpcServerOptionsTest, TakesEveryFormOfLoopback) {
  EXPECT_THAT(GrpcServer::Create({.listen = "127.0.0.2:0"}, {}), IsOk());
  EXPECT_THAT(GrpcServer::Create({.listen = "localhost:0"}, {}), IsOk());
}

TEST(GrpcServerOptionsTest, RefusesWhatIsNoAddress) {
  for (const char* address :
       {"", "127.0.0.1", ":80", "localhost:http", "localhost:65536"}) {
    EXPECT_THAT(
        GrpcServer::Create({.listen = address}, {}),
        StatusIs(StatusCode::kInvalidArgument, HasSubstr("expected host:port")))
        << address;
  }
}

}  // namespace
}  // namespace lamplighter
