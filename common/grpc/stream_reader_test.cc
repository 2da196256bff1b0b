#include "common/grpc/stream_reader.h"

#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
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
                               absl::Duration limit = absl::Seconds(30),
                               size_t read_ahead = 0) {
    testing::Msg request;
    request.set_text(what);
    return std::make_unique<Reader>(
        request, absl::Now() + limit,
        [this](grpc::ClientContext* context, const testing::Msg* message,
               grpc::ClientReadReactor<testing::Msg>* reactor) {
          stub_->async()->Count(context, message, reactor);
        },
        read_ahead);
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

TEST_F(StreamReaderTest, ReadsEveryMessageInOrderThatWasReadAhead) {
  const auto reader = Call("5000", absl::Seconds(30), /*read_ahead=*/10);
  while (heard_.size() < 5000) {
    ASSERT_THAT(RunSync(ReadAll(*reader, heard_.size() + 1)), IsOk());
    while (const auto message = reader->TakeArrived()) {
      heard_.push_back(message->text());
    }
  }
  EXPECT_THAT(RunSync(ReadAll(*reader)), IsOk());
  ASSERT_EQ(heard_.size(), 5000U);
  for (int i = 0; i < 5000; ++i) EXPECT_EQ(heard_[i], absl::StrCat(i + 1));
}

TEST_F(StreamReaderTest, GoingAwayWhileItReadsAheadEndsTheCall) {
  auto reader = Call("9 and wait", absl::Seconds(30), /*read_ahead=*/20);
  EXPECT_THAT(RunSync(ReadAll(*reader, 1)), IsOk());
  reader.reset();
  EXPECT_TRUE(
      service_.cancelled.WaitForNotificationWithTimeout(absl::Seconds(30)));
}

// A stream whose messages come when the test says so, on its thread.
class ScriptedStream final : public grpc::ClientCallbackReader<testing::Msg> {
 public:
  ~ScriptedStream() override {
    if (reactor_ != nullptr) End(grpc::Status::CANCELLED);
  }
  void Start(grpc::ClientReadReactor<testing::Msg>* reactor) {
    reactor_ = reactor;
    BindReactor(reactor);
  }
  bool is_reading() const { return message_ != nullptr; }
  void Say(const std::string& text) {
    std::exchange(message_, nullptr)->set_text(text);
    reactor_->OnReadDone(true);
  }
  void End(const grpc::Status& status) {
    if (std::exchange(message_, nullptr) != nullptr) {
      reactor_->OnReadDone(false);
    }
    std::exchange(reactor_, nullptr)->OnDone(status);
  }

  void StartCall() override {}
  void Read(testing::Msg* message) override { message_ = message; }
  void AddHold(int /*holds*/) override {}
  void RemoveHold() override {}

 private:
  grpc::ClientReadReactor<testing::Msg>* reactor_ = nullptr;
  testing::Msg* message_ = nullptr;
};

class ReadAheadTest : public ::testing::Test {
 protected:
  void Begin(size_t read_ahead) {
    reader_ = std::make_unique<Reader>(
        testing::Msg(), absl::InfiniteFuture(),
        [this](grpc::ClientContext*, const testing::Msg*,
               grpc::ClientReadReactor<testing::Msg>* reactor) {
          stream_.Start(reactor);
        },
        read_ahead);
  }
  // Waits for a message, and is told `text`.
  std::string NextIs(const std::string& text) {
    boost::asio::io_context loop;
    std::string got;
    boost::asio::co_spawn(
        loop, reader_->Next(),
        [&got](const std::exception_ptr&,
               const absl::StatusOr<absl::optional<testing::Msg>>& message) {
          got = (*message)->text();
        });
    loop.poll();
    EXPECT_EQ(got, "");
    stream_.Say(text);
    loop.run();
    return got;
  }
  std::string Arrived() {
    const absl::optional<testing::Msg> message = reader_->TakeArrived();
    return message.has_value() ? message->text() : "";
  }

  ScriptedStream stream_;  // ends last
  std::unique_ptr<Reader> reader_;
};

TEST_F(ReadAheadTest, ReadsNothingThatNobodyAskedForUnlessItIsTold) {
  Begin(/*read_ahead=*/0);
  EXPECT_FALSE(stream_.is_reading());
  EXPECT_EQ(NextIs("1"), "1");
  EXPECT_FALSE(stream_.is_reading());
  EXPECT_EQ(Arrived(), "");
}

TEST_F(ReadAheadTest, ReadsSoManyAheadAndGoesOnWhenOneIsTaken) {
  Begin(/*read_ahead=*/2);
  EXPECT_FALSE(stream_.is_reading());
  EXPECT_EQ(NextIs("1"), "1");
  stream_.Say("2");
  EXPECT_TRUE(stream_.is_reading());
  stream_.Say("3");
  EXPECT_FALSE(stream_.is_reading());
  EXPECT_EQ(Arrived(), "2");
  EXPECT_TRUE(stream_.is_reading());
  stream_.Say("4");
  EXPECT_FALSE(stream_.is_reading());
  EXPECT_EQ(Arrived(), "3");
  EXPECT_EQ(Arrived(), "4");
  EXPECT_EQ(Arrived(), "");
}

TEST_F(ReadAheadTest, WhatArrivedBeforeAnErrorComesBeforeIt) {
  Begin(/*read_ahead=*/3);
  EXPECT_EQ(NextIs("1"), "1");
  stream_.Say("2");
  stream_.End({grpc::StatusCode::NOT_FOUND, "no more"});
  const auto last = RunSync(reader_->Next());
  ASSERT_THAT(last, IsOk());
  EXPECT_EQ((*last)->text(), "2");
  EXPECT_EQ(Arrived(), "");
  EXPECT_THAT(RunSync(reader_->Next()), StatusIs(StatusCode::kNotFound));
}

TEST_F(ReadAheadTest, AnEndThatCameBeforeItWasAskedForIsTold) {
  Begin(/*read_ahead=*/1);
  EXPECT_EQ(NextIs("1"), "1");
  stream_.End(grpc::Status::OK);
  const auto end = RunSync(reader_->Next());
  ASSERT_THAT(end, IsOk());
  EXPECT_FALSE(end->has_value());
}

}  // namespace
}  // namespace lamplighter
