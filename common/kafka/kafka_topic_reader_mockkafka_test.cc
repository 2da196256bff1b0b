#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "common/kafka/consumer.h"
#include "common/kafka/kafka_producer.h"
#include "common/kafka/kafka_topic_reader.h"
#include "common/kafka/record.h"
#include "common/kafka/testing/mock_kafka_test.h"
#include "common/kafka/topic_reader.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

namespace asio = boost::asio;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

template <typename T>
asio::awaitable<void> Store(asio::awaitable<T> from, std::vector<T>* to) {
  to->push_back(co_await std::move(from));
}

class KafkaTopicReaderTest : public MockKafkaTest {
 protected:
  std::unique_ptr<KafkaTopicReader> Open(const std::string& topic) {
    KafkaTopicReader::Options options;
    options.kafka = Kafka();
    options.topic = topic;
    auto reader = KafkaTopicReader::Create(options, loop_);
    EXPECT_THAT(reader, IsOk());
    return *std::move(reader);
  }

  // Runs one call of a reader to its end.
  template <typename T>
  T Await(asio::awaitable<T> call) {
    std::vector<T> result;
    EXPECT_TRUE(Run(Store(std::move(call), &result)));
    if (result.empty()) return absl::InternalError("it did not end");
    return std::move(result.front());
  }

  // Values of the next `count` records, or of those that came in time.
  std::vector<std::string> Values(TopicReader& reader, size_t count) {
    std::vector<std::string> values;
    while (values.size() < count) {
      const auto records = Await(reader.Next(kLimit / 2));
      EXPECT_THAT(records, IsOk());
      if (!records.ok() || records->empty()) return values;
      for (const ConsumedRecord& record : *records) {
        values.push_back(record.record.value);
      }
    }
    return values;
  }

  void Write(const std::vector<Record>& records) {
    KafkaProducer::Options options;
    options.kafka = Kafka();
    auto producer = KafkaProducer::Create(options, loop_);
    ASSERT_THAT(producer, IsOk());
    for (const Record& record : records) {
      (*producer)->Produce(record,
                           [](const absl::StatusOr<RecordPosition>& result) {
                             EXPECT_THAT(result, IsOk());
                           });
    }
    ASSERT_TRUE(Run((*producer)->Flush(kLimit)));
  }

  // Writes the numbers in [from, to) to `partition`.
  void WriteNumbers(const std::string& topic, int from, int to,
                    int partition = 0) {
    std::vector<Record> records;
    for (int i = from; i < to; ++i) {
      records.push_back({.topic = topic,
                         .key = absl::StrCat("k", i),
                         .value = absl::StrCat(i),
                         .headers = {{"n", absl::StrCat(i)}},
                         .partition = partition});
    }
    Write(records);
  }
};

TEST_F(KafkaTopicReaderTest, TellsWhatEachPartitionHolds) {
  const std::string topic = CreateTopic(/*partitions=*/2);
  WriteNumbers(topic, 0, 3, /*partition=*/1);
  const auto reader = Open(topic);
  const auto offsets = Await(reader->Offsets(kLimit));
  ASSERT_THAT(offsets, IsOk());
  EXPECT_THAT(*offsets, ElementsAre(PartitionOffsets{0, 0, 0},
                                    PartitionOffsets{1, 0, 3}));
}

TEST_F(KafkaTopicReaderTest, ReadsFromWhereItIsToldAndGoesOnWithWhatComes) {
  const std::string topic = CreateTopic(/*partitions=*/2);
  WriteNumbers(topic, 0, 5, /*partition=*/0);
  WriteNumbers(topic, 100, 101, /*partition=*/1);
  const auto reader = Open(topic);
  ASSERT_THAT(reader->Assign({{topic, 0, 3}}), IsOk());
  EXPECT_THAT(Values(*reader, 2), ElementsAre("3", "4"));
  WriteNumbers(topic, 5, 6, /*partition=*/0);
  const auto records = Await(reader->Next(kLimit));
  ASSERT_THAT(records, IsOk());
  ASSERT_THAT(*records, SizeIs(1));
  EXPECT_EQ((*records)[0].position, (RecordPosition{topic, 0, 5}));
  EXPECT_EQ((*records)[0].record.key, "k5");
  EXPECT_EQ(FindHeader((*records)[0].record, "n"), "5");
  EXPECT_FALSE((*records)[0].record.tombstone);
}

TEST_F(KafkaTopicReaderTest, IsAssignedAnewAsOftenAsNeeded) {
  const std::string topic = CreateTopic(/*partitions=*/2);
  WriteNumbers(topic, 0, 5, /*partition=*/0);
  WriteNumbers(topic, 100, 102, /*partition=*/1);
  const auto reader = Open(topic);
  ASSERT_THAT(reader->Assign({{topic, 0, 0}}), IsOk());
  EXPECT_THAT(Values(*reader, 5), SizeIs(5));
  ASSERT_THAT(reader->Assign({{topic, 0, 4}}), IsOk());
  EXPECT_THAT(Values(*reader, 1), ElementsAre("4"));
  ASSERT_THAT(reader->Assign({{topic, 1, 1}}), IsOk());
  EXPECT_THAT(Values(*reader, 1), ElementsAre("101"));
}

TEST_F(KafkaTopicReaderTest, ReturnsNothingWhereNothingComesInTime) {
  const std::string topic = CreateTopic();
  const auto reader = Open(topic);
  const auto unassigned = Await(reader->Next(kLimit));
  ASSERT_THAT(unassigned, IsOk());
  EXPECT_THAT(*unassigned, IsEmpty());
  ASSERT_THAT(reader->Assign({{topic, 0, 0}}), IsOk());
  const auto records = Await(reader->Next(absl::Milliseconds(50)));
  ASSERT_THAT(records, IsOk());
  EXPECT_THAT(*records, IsEmpty());
}

TEST_F(KafkaTopicReaderTest, SaysThatAnOffsetIsNotThere) {
  const std::string topic = CreateTopic();
  WriteNumbers(topic, 0, 2);
  const auto reader = Open(topic);
  ASSERT_THAT(reader->Assign({{topic, 0, 1000}}), IsOk());
  EXPECT_THAT(Await(reader->Next(kLimit)),
              StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("1000")));
  ASSERT_THAT(reader->Assign({{topic, 0, 1}}), IsOk());
  EXPECT_THAT(Values(*reader, 1), ElementsAre("1"));
}

TEST_F(KafkaTopicReaderTest, TellsATombstoneFromAnEmptyValue) {
  const std::string topic = CreateTopic();
  Write({{topic, "a", "", {}, /*tombstone=*/true}, {topic, "b", "", {}}});
  const auto reader = Open(topic);
  ASSERT_THAT(reader->Assign({{topic, 0, 0}}), IsOk());
  std::vector<bool> tombstones;
  while (tombstones.size() < 2) {
    const auto records = Await(reader->Next(kLimit));
    ASSERT_THAT(records, IsOk());
    ASSERT_FALSE(records->empty());
    for (const auto& record : *records) {
      tombstones.push_back(record.record.tombstone);
    }
  }
  EXPECT_THAT(tombstones, ElementsAre(true, false));
}

TEST_F(KafkaTopicReaderTest, RefusesWhatItCannotRead) {
  const std::string topic = CreateTopic();
  const auto reader = Open(topic);
  for (const std::vector<RecordPosition>& from :
       std::vector<std::vector<RecordPosition>>{
           {{"another", 0, 0}},
           {{topic, -1, 0}},
           {{topic, 0, -2}},
           {{topic, 0, 0}, {topic, 0, 1}}}) {
    EXPECT_THAT(reader->Assign(from),
                StatusIs(absl::StatusCode::kInvalidArgument));
  }
}

TEST_F(KafkaTopicReaderTest, DoesNotWaitForBrokersThatAreAway) {
  const std::string topic = CreateTopic();
  SetBrokerUp(false);
  const auto reader = Open(topic);
  EXPECT_THAT(Await(reader->Offsets(absl::Milliseconds(300))),
              StatusIs(absl::StatusCode::kUnavailable));
}

// The embedded broker knows no times; from its first record on is not too
// little.
TEST_F(KafkaTopicReaderTest, ReadsAllWhereTheBrokerCannotLookForATime) {
  const std::string topic = CreateTopic();
  WriteNumbers(topic, 0, 3);
  const auto reader = Open(topic);
  const auto offsets =
      Await(reader->OffsetsSince(absl::FromUnixSeconds(1), kLimit));
  ASSERT_THAT(offsets, IsOk());
  EXPECT_THAT(*offsets, ElementsAre(PartitionOffsets{0, 0, 3}));
}

TEST_F(KafkaTopicReaderTest, ReadsManyRecordsInOrder) {
  const std::string topic = CreateTopic();
  constexpr int kMany = 50'000;
  for (int i = 0; i < kMany; i += 10'000) WriteNumbers(topic, i, i + 10'000);
  const auto reader = Open(topic);
  ASSERT_THAT(reader->Assign({{topic, 0, 0}}), IsOk());
  const std::vector<std::string> values = Values(*reader, kMany);
  ASSERT_THAT(values, SizeIs(kMany));
  for (int i = 0; i < kMany; ++i) ASSERT_EQ(values[i], absl::StrCat(i));
}

}  // namespace
}  // namespace lamplighter
