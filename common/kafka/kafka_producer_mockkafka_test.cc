#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "common/kafka/kafka_options.h"
#include "common/kafka/kafka_producer.h"
#include "common/kafka/producer.h"
#include "common/kafka/record.h"
#include "common/kafka/testing/mock_kafka_test.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "librdkafka/rdkafka.h"

namespace lamplighter {
namespace {

namespace asio = boost::asio;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

using Result = absl::StatusOr<RecordPosition>;

class KafkaProducerTest : public MockKafkaTest {
 protected:
  KafkaProducer::Options Options() const {
    KafkaProducer::Options options;
    options.kafka = Kafka();
    return options;
  }

  std::unique_ptr<KafkaProducer> Make(const KafkaProducer::Options& options) {
    auto producer = KafkaProducer::Create(options, loop_);
    EXPECT_THAT(producer, IsOk());
    return *std::move(producer);
  }

  // Produces and waits for the outcome.
  Result Produce(KafkaProducer& producer, Record record) {
    Result result = absl::UnknownError("no outcome in time");
    producer.Produce(std::move(record), [&result](Result outcome) {
      result = std::move(outcome);
    });
    RunUntil([&] { return !absl::IsUnknown(result.status()); });
    return result;
  }
};

asio::awaitable<void> SendOne(Producer* producer, Record record, Result* out) {
  *out = co_await Send(*producer, std::move(record));
}

TEST_F(KafkaProducerTest, WritesKeyValueAndHeaders) {
  const std::string topic = CreateTopic();
  const auto producer = Make(Options());
  const std::string binary("\0\x01\xff", 3);
  const Result result =
      Produce(*producer, {topic,
                          "org/repo",
                          binary,
                          {{"ce_id", "7"}, {"ce_id", binary}, {"e", ""}}});
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(*result, (RecordPosition{topic, 0, 0}));

  const auto records = Records(topic);
  ASSERT_THAT(records, SizeIs(1));
  EXPECT_EQ(records[0].record.key, "org/repo");
  EXPECT_EQ(records[0].record.value, binary);
  ASSERT_THAT(records[0].record.headers, SizeIs(3));
  EXPECT_EQ(records[0].record.headers[0].value, "7");
  EXPECT_EQ(records[0].record.headers[1].value, binary);
  EXPECT_EQ(records[0].record.headers[2].value, "");
}

TEST_F(KafkaProducerTest, SendResumesWithThePosition) {
  const std::string topic = CreateTopic();
  const auto producer = Make(Options());
  Result result = absl::UnknownError("not resumed");
  ASSERT_TRUE(Run(SendOne(producer.get(), {topic, "k", "v", {}}, &result)));
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(*result, (RecordPosition{topic, 0, 0}));
}

TEST_F(KafkaProducerTest, KeepsTheOrderOfEachKey) {
  const std::string topic = CreateTopic(4);
  const auto producer = Make(Options());
  int acknowledged = 0;
  for (int i = 0; i < 400; ++i) {
    producer->Produce({topic, absl::StrCat("key-", i % 8), absl::StrCat(i), {}},
                      [&acknowledged](const Result& result) {
                        ASSERT_THAT(result, IsOk());
                        ++acknowledged;
                      });
  }
  ASSERT_TRUE(RunUntil([&] { return acknowledged == 400; }));

  std::map<std::string, std::pair<int, int>> last;  // partition, value
  for (const ConsumedRecord& each : Records(topic)) {
    const int value = std::stoi(each.record.value);
    const auto [found, first] =
        last.try_emplace(each.record.key, each.position.partition, -1);
    EXPECT_EQ(found->second.first, each.position.partition);
    EXPECT_LT(found->second.second, value);
    found->second.second = value;
  }
  EXPECT_THAT(last, SizeIs(8));
}

TEST_F(KafkaProducerTest, RetriesWhatTheBrokerRefusesForNow) {
  const std::string topic = CreateTopic();
  const auto producer = Make(Options());
  FailNext(KafkaRequest::kProduce, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, 3);
  EXPECT_THAT(Produce(*producer, {topic, "k", "once", {}}), IsOk());
  EXPECT_THAT(Records(topic), SizeIs(1));
}

TEST_F(KafkaProducerTest, GivesUpAfterTheMessageTimeout) {
  KafkaProducer::Options options = Options();
  options.kafka.bootstrap_servers = "127.0.0.1:1";
  options.message_timeout = absl::Milliseconds(300);
  const auto producer = Make(options);
  const Result result = Produce(*producer, {"events", "k", "the value", {}});
  EXPECT_THAT(result, StatusIs(absl::StatusCode::kUnavailable,
                               Not(HasSubstr("the value"))));
}

TEST_F(KafkaProducerTest, DeliversWhatWaitedForTheBroker) {
  const std::string topic = CreateTopic();
  KafkaProducer::Options options = Options();
  options.message_timeout = absl::InfiniteDuration();
  const auto producer = Make(options);
  ASSERT_THAT(Produce(*producer, {topic, "k", "before", {}}), IsOk());
  SetBrokerUp(false);
  std::vector<Result> results;
  producer->Produce({topic, "k", "during", {}}, [&results](Result result) {
    results.push_back(std::move(result));
  });
  ASSERT_TRUE(RunUntil([&] { return !producer->Ready().ok(); }));
  EXPECT_THAT(results, SizeIs(0));
  SetBrokerUp(true);
  ASSERT_TRUE(RunUntil([&] { return !results.empty(); }));
  ASSERT_THAT(results[0], IsOk());
  EXPECT_EQ(results[0]->offset, 1);
}

TEST_F(KafkaProducerTest, RefusesRecordsLargerThanTheBrokerTakes) {
  const std::string topic = CreateTopic();
  KafkaProducer::Options options = Options();
  options.max_message_bytes = 100'000;
  const auto producer = Make(options);
  const size_t most = producer->max_record_bytes();
  EXPECT_THAT(Produce(*producer, {topic, "k", std::string(most, 'x'), {}}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Produce(*producer, {topic, "k", std::string(most - 1, 'x'), {}}),
              IsOk());
}

TEST_F(KafkaProducerTest, RefusesRecordsThatTheBrokerCallsTooLarge) {
  const std::string topic = CreateTopic();
  const auto producer = Make(Options());
  FailNext(KafkaRequest::kProduce, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
  EXPECT_THAT(Produce(*producer, {topic, "k", "v", {}}),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(KafkaProducerTest, TellsThatTheAccountMayNotWrite) {
  const std::string topic = CreateTopic();
  const auto producer = Make(Options());
  FailNext(KafkaRequest::kProduce,
           RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
  EXPECT_THAT(Produce(*producer, {topic, "k", "v", {}}),
              StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST_F(KafkaProducerTest, RefusesRecordsBeyondTheBoundOfItsQueue) {
  KafkaProducer::Options options = Options();
  options.kafka.bootstrap_servers = "127.0.0.1:1";
  options.max_queue_bytes = 64 << 10;
  std::vector<absl::StatusCode> outcomes;  // outlives the producer
  const auto producer = Make(options);
  for (int i = 0; i < 3; ++i) {
    producer->Produce({"events", "k", std::string(30 << 10, 'x'), {}},
                      [&outcomes](const Result& result) {
                        outcomes.push_back(result.status().code());
                      });
    EXPECT_THAT(outcomes, SizeIs(0)) << "completed within Produce()";
  }
  ASSERT_TRUE(RunUntil([&] { return !outcomes.empty(); }));
  EXPECT_THAT(outcomes, ElementsAre(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(producer->pending(), 2);
}

TEST_F(KafkaProducerTest, CancelsWhatIsLeftWhenItEnds) {
  KafkaProducer::Options options = Options();
  options.kafka.bootstrap_servers = "127.0.0.1:1";
  auto producer = Make(options);
  std::vector<absl::StatusCode> outcomes;
  for (int i = 0; i < 2; ++i) {
    producer->Produce({"events", "k", "v", {}},
                      [&outcomes](const Result& result) {
                        outcomes.push_back(result.status().code());
                      });
  }
  producer.reset();
  EXPECT_THAT(outcomes, ElementsAre(absl::StatusCode::kCancelled,
                                    absl::StatusCode::kCancelled));
}

TEST_F(KafkaProducerTest, FlushWaitsForWhatIsUnderWay) {
  const std::string topic = CreateTopic();
  const auto producer = Make(Options());
  int acknowledged = 0;
  for (int i = 0; i < 100; ++i) {
    producer->Produce({topic, "k", "v", {}},
                      [&acknowledged](const Result&) { ++acknowledged; });
  }
  ASSERT_TRUE(Run(producer->Flush(kLimit)));
  EXPECT_EQ(acknowledged, 100);
}

TEST_F(KafkaProducerTest, FlushEndsAtItsLimit) {
  KafkaProducer::Options options = Options();
  options.kafka.bootstrap_servers = "127.0.0.1:1";
  const auto producer = Make(options);
  producer->Produce({"events", "k", "v", {}}, [](const Result&) {});
  ASSERT_TRUE(Run(producer->Flush(absl::Milliseconds(50)), absl::Seconds(2)));
  EXPECT_EQ(producer->pending(), 1);
}

TEST_F(KafkaProducerTest, IsReadyOnceItHasItsId) {
  FailNext(KafkaRequest::kInitProducerId,
           RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, 2);
  const auto producer = Make(Options());
  EXPECT_THAT(producer->Ready(), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_TRUE(RunUntil([&] { return producer->Ready().ok(); }));
}

TEST_F(KafkaProducerTest, SaysWhyItIsNotReady) {
  KafkaProducer::Options options = Options();
  options.kafka.bootstrap_servers = "127.0.0.1:1";
  const auto producer = Make(options);
  EXPECT_TRUE(RunUntil([&] {
    return absl::StrContains(producer->Ready().message(), "127.0.0.1:1");
  })) << producer->Ready();
}

TEST_F(KafkaProducerTest, TellsOnceThatItCanDoNoMore) {
  const std::string topic = CreateTopic();
  std::vector<absl::Status> fatal;
  KafkaProducer::Options options = Options();
  options.on_fatal = [&fatal](absl::Status status) { fatal.push_back(status); };
  FailNext(KafkaRequest::kInitProducerId,
           RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, 1);
  const auto producer = Make(options);
  ASSERT_TRUE(RunUntil([&] { return !fatal.empty(); }));
  EXPECT_THAT(fatal, ElementsAre(Not(IsOk())));
  EXPECT_THAT(producer->Ready(), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(Produce(*producer, {topic, "k", "v", {}}),
              StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(KafkaProducerTest, RefusesACertificateThatIsNotThere) {
  KafkaProducer::Options options = Options();
  options.kafka.tls = KafkaOptions::Tls{"/nonexistent/ca.pem", "", ""};
  EXPECT_THAT(KafkaProducer::Create(options, loop_),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("ssl.ca.location")));
}

}  // namespace
}  // namespace lamplighter
