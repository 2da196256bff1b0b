#include "common/grpc/stream_reader.h"

#include <chrono>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "boost/asio/bind_cancellation_slot.hpp"
#include "boost/asio/cancellation_signal.hpp"
#include "boost/asio/co_spawn.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/post.hpp"
#include "common/async/testing/run_sync.h"
#include "common/grpc/testing/echo.grpc.pb.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

using ::absl::StatusCode;
using ::boost::asio::awaitable;
using ::testing::ElementsAre;

using Reader = StreamReader<testing::Msg, testing::Msg>;

// Counts as far as the request says, then fails if it says "N and fail", or
// says nothing more until the client goes away if it says "N and wait".
class CountService final : public testing::Echo::Service {
 public:
  grpc::Status Count(grpc::ServerContext* context, const testing::Msg* request,
                     grpc::ServerWriter<testing::Msg>* writer) override {
    const std::vector<std::string> words = absl::StrSplit(request->text(), ' ');
    int end = 0;
    (void)absl::SimpleAtoi(words[0], &end);
    testing::Msg message;
    for (int i = 1; i <= end; ++i) {
      message.set_text(absl::StrCat(i));
      if (!writer->Write(message)) break;
    }
    if (words.back() == "fail") {
      return {grpc::StatusCode::NOT_FOUND, "no more"};
    }
    while (words.back() == "wait" && !context->IsCancelled()) {
      never_.WaitForNotificationWithTimeout(absl::Milliseconds(1));
    }
    if (context->IsCancelled()) cancelled.Notify();
    return grpc::Status::OK;
  }

  absl::Notification cancelled;

 private:
  absl::Notification never_;
};

class StreamReaderTest : public ::testing::Test {
 protected:
  StreamReaderTest() {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                             &port);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    stub_ = testing::Echo::NewStub(grpc::CreateChannel(
        absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()));
  }
  ~StreamReaderTest() override { server_->Shutdown(); }

  std::unique_ptr<Reader> Call(const std::string& what,
                               absl::Duration limit = absl::Seconds(30)) {
    testing::Msg request;
    request.set_text(what);
    return std::make_unique<Reader>(
        request, absl::Now() + limit,
        [this](grpc::ClientContext* context, const testing::Msg* message,
               grpc::ClientReadReactor<testing::Msg>* reactor) {
          stub_->async()->Count(context, message, reactor);
        });
  }

  // Reads `at_most` messages, or all.
  awaitable<absl::Status> ReadAll(Reader& reader, size_t at_most = 10'000) {
    while (heard_.size() < at_most) {
      auto message = co_await reader.Next();
      if (!message.ok()) co_return message.status();
      if (!message->has_value()) break;
      heard_.push_back((*message)->text());
    }
    co_return absl::OkStatus();
  }

  CountService service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<testing::Echo::Stub> stub_;
  std::vector<std::string> heard_;
};

TEST_F(StreamReaderTest, ReadsEveryMessageInOrder) {
  const auto reader = Call("3");
  EXPECT_THAT(RunSync(ReadAll(*reader)), IsOk());
  EXPECT_THAT(heard_, ElementsAre("1", "2", "3"));
}

TEST_F(StreamReaderTest, ReadsMoreThanAConnectionHoldsAtOnce) {
  const auto reader = Call("5000");
  EXPECT_THAT(RunSync(ReadAll(*reader)), IsOk());
  EXPECT_EQ(heard_.size(), 5000U);
  EXPECT_EQ(heard_.back(), "5000");
}

TEST_F(StreamReaderTest, EndsWithTheServersStatusAfterTheMessages) {
  const auto reader = Call("2 and fail");
  EXPECT_THAT(RunSync(ReadAll(*reader)), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(heard_, ElementsAre("1", "2"));
}

TEST_F(StreamReaderTest, AServerThatIsAwayIsUnavailable) {
  server_->Shutdown();
  const auto reader = Call("1");
  EXPECT_THAT(RunSync(ReadAll(*reader)), StatusIs(StatusCode::kUnavailable));
}

TEST_F(StreamReaderTest, EndsAtItsDeadline) {
  const auto reader = Call("1 and wait", absl::Milliseconds(200));
  EXPECT_THAT(RunSync(ReadAll(*reader)),
              StatusIs(StatusCode::kDeadlineExceeded));
  EXPECT_THAT(heard_, ElementsAre("1"));
}

TEST_F(StreamReaderTest, GoingAwayBetweenTwoReadsEndsTheCall) {
  auto reader = Call("9 and wait");
  EXPECT_THAT(RunSync(ReadAll(*reader, 1)), IsOk());
  reader.reset();
  EXPECT_TRUE(
      service_.cancelled.WaitForNotificationWithTimeout(absl::Seconds(30)));
}

TEST_F(StreamReaderTest, ACancelledReadEndsTheCall) {
  auto reader = Call("1 and wait");
  EXPECT_THAT(RunSync(ReadAll(*reader, 1)), IsOk());
  boost::asio::io_context loop;
  boost::asio::cancellation_signal cancel;
  bool ended = false;
  boost::asio::co_spawn(
      loop, ReadAll(*reader),
      boost::asio::bind_cancellation_slot(
          cancel.slot(), [&ended](const std::exception_ptr&,
                                  const absl::Status&) { ended = true; }));
  boost::asio::post(
      loop, [&cancel] { cancel.emit(boost::asio::cancellation_type::all); });
  loop.run_for(std::chrono::seconds(30));
  EXPECT_TRUE(ended);
  EXPECT_TRUE(
      service_.cancelled.WaitForNotificationWithTimeout(absl::Seconds(30)));
}

}  // namespace
}  // namespace lamplighter
