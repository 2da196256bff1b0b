#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/steady_timer.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "common/kafka/consumer.h"
#include "common/kafka/kafka_consumer.h"
#include "common/kafka/kafka_producer.h"
#include "common/kafka/record.h"
#include "common/kafka/testing/mock_kafka_test.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

namespace asio = boost::asio;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Remembers what it is told.
class RecordingHandler final : public Consumer::Handler {
 public:
  void OnRecord(ConsumedRecord record) override {
    records.push_back(std::move(record));
    if (on_record) on_record(records.back());
  }
  void OnAssigned(const std::vector<TopicPartition>& partitions) override {
    for (const auto& each : partitions) held.insert(each.partition);
  }
  asio::awaitable<void> OnRevoked(
      std::vector<TopicPartition> partitions) override {
    if (hang) {
      asio::steady_timer never(co_await asio::this_coro::executor,
                               std::chrono::hours(1));
      co_await never.async_wait(asio::use_awaitable);
    }
    if (on_revoked) on_revoked();
    for (const auto& each : partitions) held.erase(each.partition);
  }

  std::vector<std::string> Values() const {
    std::vector<std::string> values;
    for (const auto& each : records) values.push_back(each.record.value);
    return values;
  }

  std::vector<ConsumedRecord> records;
  std::set<int> held;
  std::function<void(const ConsumedRecord&)> on_record;
  std::function<void()> on_revoked;
  bool hang = false;
};

class KafkaConsumerTest : public MockKafkaTest {
 protected:
  KafkaConsumer::Options Options(const std::string& topic) const {
    KafkaConsumer::Options options;
    options.kafka = Kafka();
    options.group = "dispatcher";
    options.topics = {topic};
    options.commit_interval = absl::Milliseconds(50);
    // The mock cluster waits for a session's time when it rebalances.
    options.session_timeout = absl::Seconds(2);
    return options;
  }

  std::unique_ptr<KafkaConsumer> Start(const KafkaConsumer::Options& options,
                                       Consumer::Handler& handler) {
    auto consumer = KafkaConsumer::Create(options, loop_);
    EXPECT_THAT(consumer, IsOk());
    EXPECT_THAT((*consumer)->Start(handler), IsOk());
    return *std::move(consumer);
  }

  // Writes records "FROM" to "TO - 1", with their value as key.
  void Write(const std::string& topic, int from, int to) {
    KafkaProducer::Options options;
    options.kafka = Kafka();
    auto producer = KafkaProducer::Create(options, loop_);
    ASSERT_THAT(producer, IsOk());
    for (int i = from; i < to; ++i) {
      (*producer)->Produce(
          {topic, absl::StrCat(i), absl::StrCat(i), {{"n", absl::StrCat(i)}}},
          [](const absl::StatusOr<RecordPosition>& result) {
            EXPECT_THAT(result, IsOk());
          });
    }
    ASSERT_TRUE(Run((*producer)->Flush(kLimit)));
  }
};

TEST_F(KafkaConsumerTest, ReadsANewGroupsTopicFromItsFirstRecord) {
  const std::string topic = CreateTopic();
  Write(topic, 0, 3);
  RecordingHandler handler;
  const absl::Duration before = Clock::System().MonotonicNow();
  const auto consumer = Start(Options(topic), handler);
  EXPECT_THAT(consumer->Ready(), StatusIs(absl::StatusCode::kUnavailable));
  ASSERT_TRUE(RunUntil([&] { return consumer->Ready().ok(); }));
  RecordProperty("join_ms", static_cast<int>(absl::ToInt64Milliseconds(
                                Clock::System().MonotonicNow() - before)));
  ASSERT_TRUE(RunUntil([&] { return handler.records.size() == 3; }));
  EXPECT_THAT(handler.Values(), ElementsAre("0", "1", "2"));
  EXPECT_EQ(handler.records[2].position, (RecordPosition{topic, 0, 2}));
  EXPECT_EQ(handler.records[2].record.key, "2");
  EXPECT_EQ(FindHeader(handler.records[2].record, "n"), "2");
  EXPECT_THAT(handler.held, ElementsAre(0));
  EXPECT_TRUE(Run(consumer->Stop()));
}

TEST_F(KafkaConsumerTest, SaysWhatLayThereWhenItWasAssignedThePartition) {
  const std::string topic = CreateTopic();
  Write(topic, 0, 2);
  RecordingHandler handler;
  const auto consumer = Start(Options(topic), handler);
  ASSERT_TRUE(RunUntil([&] { return handler.records.size() == 2; }));
  Write(topic, 2, 4);
  ASSERT_TRUE(RunUntil([&] { return handler.records.size() == 4; }));
  std::vector<bool> inherited;
  for (const auto& each : handler.records) inherited.push_back(each.inherited);
  EXPECT_THAT(inherited, ElementsAre(true, true, false, false));
  EXPECT_TRUE(Run(consumer->Stop()));
}

TEST_F(KafkaConsumerTest, CommitsUpToTheFirstRecordThatIsNotDone) {
  const std::string topic = CreateTopic();
  Write(topic, 0, 5);
  RecordingHandler handler;
  auto consumer = Start(Options(topic), handler);
  ASSERT_TRUE(RunUntil([&] { return handler.records.size() == 5; }));
  for (const int done : {4, 1, 0, 3}) {
    consumer->MarkDone(handler.records[done].position);
  }
  ASSERT_TRUE(RunUntil([&] { return Committed("dispatcher", topic) == 2; }));
  ASSERT_TRUE(Run(consumer->Stop()));
  EXPECT_EQ(Committed("dispatcher", topic), 2);

  RecordingHandler next;
  consumer = Start(Options(topic), next);
  ASSERT_TRUE(RunUntil([&] { return next.records.size() == 3; }));
  EXPECT_THAT(next.Values(), ElementsAre("2", "3", "4"));
  EXPECT_TRUE(Run(consumer->Stop()));
}

TEST_F(KafkaConsumerTest, CommitsAtStopWhatWasDoneWhileBeingRevoked) {
  const std::string topic = CreateTopic();
  Write(topic, 0, 2);
  RecordingHandler handler;
  KafkaConsumer::Options options = Options(topic);
  options.commit_interval = absl::Hours(1);
  const auto consumer = Start(options, handler);
  ASSERT_TRUE(RunUntil([&] { return handler.records.size() == 2; }));
  handler.on_revoked = [&] {
    for (const auto& each : handler.records) consumer->MarkDone(each.position);
  };
  ASSERT_TRUE(Run(consumer->Stop()));
  EXPECT_EQ(Committed("dispatcher", topic), 2);
  EXPECT_THAT(handler.held, IsEmpty());
  EXPECT_THAT(consumer->Ready(), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(KafkaConsumerTest, HandsOutNothingWhilePaused) {
  const std::string topic = CreateTopic(2);
  RecordingHandler handler;
  const auto consumer = Start(Options(topic), handler);
  consumer->Pause();  // before anything is assigned
  ASSERT_TRUE(RunUntil([&] { return handler.held.size() == 2; }));
  Write(topic, 0, 20);
  EXPECT_FALSE(RunUntil([&] { return !handler.records.empty(); },
                        absl::Milliseconds(800)));
  consumer->Resume();
  ASSERT_TRUE(RunUntil([&] { return handler.records.size() == 20; }));

  consumer->Pause();
  Write(topic, 20, 40);
  EXPECT_FALSE(RunUntil([&] { return handler.records.size() > 20; },
                        absl::Milliseconds(800)));
  consumer->Resume();
  EXPECT_TRUE(RunUntil([&] { return handler.records.size() == 40; }));
  EXPECT_TRUE(Run(consumer->Stop()));
}

TEST_F(KafkaConsumerTest, SharesPartitionsAndRepeatsNoRecordThatIsDone) {
  const std::string topic = CreateTopic(4);
  Write(topic, 0, 40);
  std::map<std::string, int> handled;
  RecordingHandler first;
  RecordingHandler second;
  std::unique_ptr<KafkaConsumer> one;
  std::unique_ptr<KafkaConsumer> two;
  first.on_record = [&](const ConsumedRecord& record) {
    ++handled[record.record.value];
    one->MarkDone(record.position);
  };
  second.on_record = [&](const ConsumedRecord& record) {
    ++handled[record.record.value];
    two->MarkDone(record.position);
  };
  KafkaConsumer::Options options = Options(topic);
  options.commit_interval = absl::Hours(1);  // only revocation commits
  one = Start(options, first);
  ASSERT_TRUE(RunUntil([&] { return first.records.size() == 40; }));
  two = Start(options, second);
  ASSERT_TRUE(RunUntil(
      [&] { return first.held.size() == 2 && second.held.size() == 2; },
      absl::Seconds(30)));
  Write(topic, 40, 80);
  ASSERT_TRUE(RunUntil([&] { return handled.size() == 80; }));
  for (const auto& [value, times] : handled) EXPECT_EQ(times, 1) << value;
  EXPECT_FALSE(second.records.empty());
  EXPECT_TRUE(Run(one->Stop()));
  EXPECT_TRUE(Run(two->Stop()));
}

TEST_F(KafkaConsumerTest, GivesPartitionsUpThoughTheHandlerHangs) {
  const std::string topic = CreateTopic();
  Write(topic, 0, 1);
  RecordingHandler handler;
  handler.hang = true;
  KafkaConsumer::Options options = Options(topic);
  options.drain_timeout = absl::Milliseconds(200);
  const auto consumer = Start(options, handler);
  ASSERT_TRUE(RunUntil([&] { return handler.records.size() == 1; }));
  consumer->MarkDone(handler.records[0].position);
  ASSERT_TRUE(Run(consumer->Stop(), absl::Seconds(5)));
  EXPECT_EQ(Committed("dispatcher", topic), 1);
}

TEST_F(KafkaConsumerTest, StopsWithinItsLimitThoughTheBrokerIsGone) {
  const std::string topic = CreateTopic();
  Write(topic, 0, 1);
  RecordingHandler handler;
  KafkaConsumer::Options options = Options(topic);
  options.close_timeout = absl::Seconds(1);
  const auto consumer = Start(options, handler);
  ASSERT_TRUE(RunUntil([&] { return handler.records.size() == 1; }));
  consumer->MarkDone(handler.records[0].position);
  SetBrokerUp(false);
  EXPECT_TRUE(Run(consumer->Stop(), absl::Seconds(3)));
}

TEST_F(KafkaConsumerTest, StopsBeforeItCouldJoin) {
  KafkaConsumer::Options options = Options("events");
  options.kafka.bootstrap_servers = "127.0.0.1:1";
  options.close_timeout = absl::Seconds(1);
  RecordingHandler handler;
  const auto consumer = Start(options, handler);
  EXPECT_TRUE(Run(consumer->Stop(), absl::Seconds(3)));
}

TEST_F(KafkaConsumerTest, MayEndWithoutBeingStopped) {
  const std::string topic = CreateTopic();
  Write(topic, 0, 1);
  RecordingHandler handler;
  auto consumer = Start(Options(topic), handler);
  ASSERT_TRUE(RunUntil([&] { return handler.records.size() == 1; }));
  consumer.reset();
  Write(topic, 1, 2);
  EXPECT_THAT(handler.records, SizeIs(1));
}

TEST_F(KafkaConsumerTest, RetriesACommitThatFailed) {
  const std::string topic = CreateTopic();
  Write(topic, 0, 1);
  FailNext(KafkaRequest::kOffsetCommit, /*REQUEST_TIMED_OUT*/ 7, 1);
  RecordingHandler handler;
  const auto consumer = Start(Options(topic), handler);
  ASSERT_TRUE(RunUntil([&] { return handler.records.size() == 1; }));
  consumer->MarkDone(handler.records[0].position);
  EXPECT_TRUE(RunUntil([&] { return Committed("dispatcher", topic) == 1; }));
  EXPECT_TRUE(Run(consumer->Stop()));
}

}  // namespace
}  // namespace lamplighter
