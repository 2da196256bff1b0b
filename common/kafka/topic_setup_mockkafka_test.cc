#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "common/async/testing/fake_sleeper.h"
#include "common/kafka/kafka_options.h"
#include "common/kafka/testing/mock_kafka_test.h"
#include "common/kafka/topic_check.h"
#include "common/kafka/topic_setup.h"
#include "common/kafka/topics.h"
#include "common/status/testing/status_matchers.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/config/v1/kafka.pb.h"

namespace lamplighter {
namespace {

using Differences = absl::StatusOr<std::vector<std::string>>;

boost::asio::awaitable<void> Check(KafkaOptions kafka,
                                   std::vector<TopicSpec> specs,
                                   absl::Duration limit, Differences* out) {
  *out = co_await CheckTopics(std::move(kafka), std::move(specs), limit);
}

class TopicSetupTest : public MockKafkaTest {};

TEST_F(TopicSetupTest, AsksNothingWhereOthersMakeTheTopics) {
  config::v1::Kafka config;
  config.set_create_topics(false);
  FakeSleeper sleeper;
  TopicSetup setup(Kafka(), config, {}, sleeper);
  ASSERT_TRUE(Run(setup.Run(), absl::Milliseconds(500)));
  EXPECT_THAT(setup.Ready(), IsOk());
}

TEST_F(TopicSetupTest, IsReadyWhileTheBrokersHaveNotSaidThatTopicsAreMissing) {
  KafkaOptions nobody = Kafka();
  nobody.bootstrap_servers = "127.0.0.1:1";
  FakeSleeper sleeper;
  TopicSetup setup(nobody, config::v1::Kafka(), {}, sleeper);
  EXPECT_FALSE(Run(setup.Run(), absl::Milliseconds(300)));
  EXPECT_THAT(setup.Ready(), IsOk());
}

TEST_F(TopicSetupTest, TheCheckGivesUpOnBrokersThatDoNotAnswer) {
  KafkaOptions nobody = Kafka();
  nobody.bootstrap_servers = "127.0.0.1:1";
  Differences differences;
  ASSERT_TRUE(Run(Check(nobody, LamplighterTopics(1, 0),
                        absl::Milliseconds(300), &differences)));
  EXPECT_THAT(differences.status(), StatusIs(absl::StatusCode::kUnavailable));
}

}  // namespace
}  // namespace lamplighter
