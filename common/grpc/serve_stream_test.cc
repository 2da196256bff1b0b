#include "common/grpc/serve_stream.h"

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "common/grpc/status.h"
#include "common/grpc/testing/echo.grpc.pb.h"
#include "common/http/testing/loop_thread.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

using ::absl::StatusCode;
using ::boost::asio::awaitable;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// Counts to 3, but "for ever" to no end, in messages that fill a connection's
// window soon; fails at 3 if the request says "three".
class CountService final : public testing::Echo::CallbackService {
 public:
  explicit CountService(boost::asio::any_io_executor executor)
      : executor_(std::move(executor)) {}

  grpc::ServerWriteReactor<testing::Msg>* Count(
      grpc::CallbackServerContext* /*context*/,
      const testing::Msg* request) override {
    return ServeStream<testing::Msg>(
        executor_, [this, request](StreamWrite<testing::Msg> write) {
          return CountTo(request->text(), std::move(write));
        });
  }

  int so_far() const { return counted_; }

  bool EndsWithin(absl::Duration time) const {
    return ended_.WaitForNotificationWithTimeout(time);
  }

  // How far it came, once the handler has ended.
  int counted() {
    ended_.WaitForNotificationWithTimeout(absl::Seconds(10));
    return counted_;
  }

 private:
  awaitable<absl::Status> CountTo(std::string what,
                                  StreamWrite<testing::Msg> write) {
    const bool for_ever = what == "for ever";
    const int end = for_ever ? 1'000'000'000 : 3;
    absl::Status status;
    while (status.ok() && counted_ < end) {
      testing::Msg message;
      message.set_text(absl::StrCat(++counted_));
      if (for_ever) message.mutable_text()->resize(64 << 10);
      status = co_await write(std::move(message));
    }
    ended_.Notify();
    if (what == "three") co_return absl::NotFoundError("no more than three");
    if (what == "throw") throw std::runtime_error("secret");
    co_return status;
  }

  const boost::asio::any_io_executor executor_;
  std::atomic<int> counted_ = 0;
  absl::Notification ended_;
};

class ServeStreamTest : public ::testing::Test {
 protected:
  ServeStreamTest() {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                             &port);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    stub_ = testing::Echo::NewStub(grpc::CreateChannel(
        absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()));
  }
  ~ServeStreamTest() override { server_->Shutdown(); }

  // Reads all, or `at_most`, after which the client goes away.
  absl::Status Count(const std::string& what, size_t at_most = 100) {
    grpc::ClientContext context;
    testing::Msg request;
    request.set_text(what);
    const auto reader = stub_->Count(&context, request);
    testing::Msg message;
    while (heard_.size() < at_most && reader->Read(&message)) {
      heard_.push_back(message.text());
    }
    if (heard_.size() == at_most) context.TryCancel();
    return FromGrpcStatus(reader->Finish());
  }

  LoopThread loop_;
  CountService service_{loop_.loop().get_executor()};
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<testing::Echo::Stub> stub_;
  std::vector<std::string> heard_;
};

TEST_F(ServeStreamTest, WritesEveryMessageInOrder) {
  EXPECT_THAT(Count("some"), IsOk());
  EXPECT_THAT(heard_, ElementsAre("1", "2", "3"));
}

TEST_F(ServeStreamTest, EndsWithTheHandlersStatusAfterTheMessages) {
  EXPECT_THAT(Count("three"), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(heard_, ElementsAre("1", "2", "3"));
}

TEST_F(ServeStreamTest, HidesExceptions) {
  EXPECT_THAT(Count("throw"),
              StatusIs(StatusCode::kInternal, Not(HasSubstr("secret"))));
}

TEST_F(ServeStreamTest, AClientThatGoesAwayEndsTheHandler) {
  EXPECT_THAT(Count("for ever", 10), StatusIs(StatusCode::kCancelled));
  EXPECT_GE(service_.counted(), 10);
}

TEST_F(ServeStreamTest, ASlowClientSlowsTheHandler) {
  grpc::ClientContext context;
  testing::Msg request;
  request.set_text("for ever");
  const auto reader = stub_->Count(&context, request);
  testing::Msg message;
  ASSERT_TRUE(reader->Read(&message));
  // What is not read fills the connection's window, and no more is written.
  int before = -1;
  for (int still = 0; still < 5 && service_.so_far() < 10'000;) {
    still = before == service_.so_far() ? still + 1 : 0;
    before = service_.so_far();
    ASSERT_FALSE(service_.EndsWithin(absl::Milliseconds(20)));
  }
  EXPECT_LT(service_.so_far(), 10'000);
  context.TryCancel();
  reader->Finish();
  EXPECT_LT(service_.counted(), 10'000);
}

}  // namespace
}  // namespace lamplighter
