#include "services/dispatcher/publisher.h"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/io_context.hpp"
#include "common/kafka/consumer.h"
#include "common/kafka/testing/fake_consumer.h"
#include "common/kafka/testing/fake_producer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter::dispatcher {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class IgnoringHandler final : public Consumer::Handler {
 public:
  void OnRecord(ConsumedRecord) override {}
  void OnAssigned(const std::vector<TopicPartition>&) override {}
  boost::asio::awaitable<void> OnRevoked(std::vector<TopicPartition>) override {
    co_return;
  }
};

class PublisherTest : public ::testing::Test {
 protected:
  PublisherTest() { EXPECT_TRUE(consumer_.Start(handler_).ok()); }
  RecordPosition Consume() {
    Record record;
    record.topic = "in";
    return consumer_.Push(record);
  }
  static Record Out(const std::string& value) {
    Record record;
    record.topic = "out";
    record.value = value;
    return record;
  }
  void Run() {
    loop_.restart();
    loop_.poll();
  }

  boost::asio::io_context loop_;
  IgnoringHandler handler_;
  FakeConsumer consumer_;
  FakeProducer producer_{loop_};
  std::unique_ptr<Publisher> publisher_ =
      std::make_unique<Publisher>(loop_, consumer_, producer_);
};

TEST_F(PublisherTest, IsDoneOnceEveryRecordIsWritten) {
  producer_.Hold();
  publisher_->Finish(Consume(), {Out("a"), Out("b")});
  Run();
  EXPECT_THAT(consumer_.done(), IsEmpty());
  EXPECT_EQ(publisher_->Pending({"in", 0}), 1);
  producer_.Release();
  Run();
  EXPECT_THAT(consumer_.done(), SizeIs(1));
  EXPECT_EQ(publisher_->Pending({"in", 0}), 0);
}

TEST_F(PublisherTest, IsDoneAtOnceWhereThereIsNothingToWrite) {
  publisher_->Finish(Consume(), {});
  EXPECT_THAT(consumer_.done(), SizeIs(1));
}

TEST_F(PublisherTest, WritesAgainWhatWasNotTaken) {
  producer_.FailNext(absl::ResourceExhaustedError("queue full"));
  publisher_->Finish(Consume(), {Out("a")});
  Run();
  EXPECT_THAT(consumer_.done(), IsEmpty());
  loop_.restart();
  loop_.run_for(std::chrono::seconds(10));  // ends once it is written
  ASSERT_THAT(producer_.records(), SizeIs(1));
  EXPECT_EQ(producer_.records()[0].value, "a");
  EXPECT_THAT(consumer_.done(), SizeIs(1));
}

TEST_F(PublisherTest, MayGoBeforeTheProducersCallbacks) {
  producer_.Hold();
  publisher_->Finish(Consume(), {Out("a")});
  publisher_.reset();
  producer_.Release();
  Run();
  EXPECT_THAT(consumer_.done(), IsEmpty());
}

}  // namespace
}  // namespace lamplighter::dispatcher
