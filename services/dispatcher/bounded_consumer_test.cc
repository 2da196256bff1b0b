#include "services/dispatcher/bounded_consumer.h"

#include <memory>
#include <string>
#include <vector>

#include "boost/asio/awaitable.hpp"
#include "common/async/testing/run_sync.h"
#include "common/kafka/consumer.h"
#include "common/kafka/testing/fake_consumer.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter::dispatcher {
namespace {

using ::testing::SizeIs;

class Handler final : public Consumer::Handler {
 public:
  void OnRecord(ConsumedRecord record) override {
    records.push_back(record.position);
  }
  void OnAssigned(const std::vector<TopicPartition>&) override { ++assigned; }
  boost::asio::awaitable<void> OnRevoked(std::vector<TopicPartition>) override {
    ++revoked;
    co_return;
  }
  std::vector<RecordPosition> records;
  int assigned = 0;
  int revoked = 0;
};

class BoundedConsumerTest : public ::testing::Test {
 protected:
  BoundedConsumerTest() { EXPECT_THAT(consumer_.Start(handler_), IsOk()); }
  RecordPosition Push(size_t bytes = 1, int32_t partition = 0) {
    Record record;
    record.topic = "t";
    record.value = std::string(bytes, 'x');
    return fake_.Push(record, partition);
  }

  FakeConsumer* const owned_ = new FakeConsumer;
  FakeConsumer& fake_ = *owned_;
  Handler handler_;
  BoundedConsumer consumer_{{.max_records = 4, .max_bytes = 100},
                            std::unique_ptr<Consumer>(owned_)};
};

TEST_F(BoundedConsumerTest, PausesAtTheBoundAndGoesOnOnceThereIsRoom) {
  std::vector<RecordPosition> held;
  for (int i = 0; i < 3; ++i) held.push_back(Push());
  EXPECT_FALSE(fake_.paused());
  held.push_back(Push());
  EXPECT_TRUE(fake_.paused());
  consumer_.MarkDone(held[2]);
  EXPECT_FALSE(fake_.paused());
  EXPECT_THAT(handler_.records, SizeIs(4));
  EXPECT_THAT(fake_.done(), SizeIs(1));
  EXPECT_EQ(consumer_.records(), 3);
}

TEST_F(BoundedConsumerTest, CountsBytesToo) {
  const RecordPosition large = Push(100);
  EXPECT_TRUE(fake_.paused());
  consumer_.MarkDone(large);
  EXPECT_FALSE(fake_.paused());
}

TEST_F(BoundedConsumerTest, StaysPausedForWhoeverAskedForIt) {
  consumer_.Pause();
  EXPECT_TRUE(fake_.paused());
  const RecordPosition late = Push();
  consumer_.MarkDone(late);
  EXPECT_TRUE(fake_.paused());
  consumer_.Resume();
  EXPECT_FALSE(fake_.paused());
}

TEST_F(BoundedConsumerTest, NoLongerCountsWhatWasRevoked) {
  for (int i = 0; i < 4; ++i) Push(1, /*partition=*/i % 2);
  EXPECT_TRUE(fake_.paused());
  RunSync([this]() -> boost::asio::awaitable<int> {
    co_await fake_.Revoke({{"t", 0}});
    co_return 0;
  }());
  EXPECT_EQ(handler_.revoked, 1);
  EXPECT_FALSE(fake_.paused());
  EXPECT_EQ(consumer_.records(), 2);
}

}  // namespace
}  // namespace lamplighter::dispatcher
