#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "common/kafka/embedded_broker.h"
#include "common/kafka/testing/mock_kafka_test.h"
#include "common/kafka/topic_names.h"
#include "common/kafka/topics.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

boost::asio::awaitable<void> Ensure(KafkaOptions options,
                                    std::vector<TopicSpec> specs,
                                    absl::Duration limit, absl::Status* out) {
  *out = co_await EnsureTopics(std::move(options), std::move(specs), limit);
}

class TopicsTest : public MockKafkaTest {};

TEST_F(TopicsTest, DeadLettersAreKeptLongerThanTheRest) {
  const std::vector<TopicSpec> topics = LamplighterTopics(12, 3);
  ASSERT_THAT(topics, SizeIs(9));
  for (const TopicSpec& topic : topics) {
    EXPECT_EQ(topic.partitions, 12);
    EXPECT_EQ(topic.replication, 3);
    if (topic.name == kStatusLedgerTopic ||
        topic.name == kCatalogChangesTopic) {
      continue;
    }
    const bool marks = topic.name == kDeadLetterMarksTopic;
    EXPECT_EQ(topic.config.at("cleanup.policy"),
              marks ? "compact,delete" : "delete");
    EXPECT_EQ(
        topic.config.at("retention.ms"),
        marks || topic.name == kDeadLettersTopic ? "2592000000" : "604800000");
  }
}

TEST_F(TopicsTest,
       LedgerAndCatalogKeepTheLastOfEachKeyForAsLongAsTheyAreThere) {
  for (const TopicSpec& topic : LamplighterTopics(12, 3)) {
    if (topic.name != kStatusLedgerTopic &&
        topic.name != kCatalogChangesTopic) {
      continue;
    }
    EXPECT_EQ(topic.config.at("cleanup.policy"), "compact");
    EXPECT_EQ(topic.config.count("retention.ms"), 0);
  }
}

TEST_F(TopicsTest, TheEmbeddedBrokerMakesWhatIsMissing) {
  const std::vector<TopicSpec> topics = LamplighterTopics(3, 0);
  ASSERT_THAT(broker_->CreateTopic(kGitEventsTopic), IsOk());
  EXPECT_THAT(broker_->CreateTopic(kGitEventsTopic),
              StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(broker_->CreateTopics(topics), IsOk());
  EXPECT_THAT(Records(kFluxEventsTopic), IsEmpty());
}

TEST_F(TopicsTest, GivesUpOnBrokersThatDoNotAnswer) {
  KafkaOptions options = Kafka();
  options.bootstrap_servers = "127.0.0.1:1";
  absl::Status status;
  ASSERT_TRUE(Run(Ensure(options, LamplighterTopics(1, 0),
                         absl::Milliseconds(300), &status),
                  absl::Seconds(5)));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(TopicsTest, RefusesASpecThatCannotBe) {
  absl::Status status;
  ASSERT_TRUE(Run(Ensure(Kafka(), LamplighterTopics(/*partitions=*/-5, 0),
                         kLimit, &status)));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace lamplighter
