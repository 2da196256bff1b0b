#include "common/kafka/topic_setup.h"

#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/kafka/topics.h"
#include "common/log/log.h"
#include "common/status/status.h"

namespace lamplighter {
namespace {

constexpr int kDefaultPartitions = 12;
constexpr absl::Duration kAttempt = absl::Seconds(10);
constexpr absl::Duration kPause = absl::Seconds(5);

}  // namespace

boost::asio::awaitable<void> SetUpTopics(KafkaOptions kafka,
                                         config::v1::Kafka config,
                                         Sleeper& sleeper) {
  if (config.has_create_topics() && !config.create_topics()) co_return;
  const std::vector<TopicSpec> topics = LamplighterTopics(
      config.partitions() > 0 ? config.partitions() : kDefaultPartitions,
      config.replication_factor());
  absl::Status slept;
  while (slept.ok()) {
    const absl::Status made = co_await EnsureTopics(kafka, topics, kAttempt);
    if (made.ok()) co_return;
    LAMPLIGHTER_LOG(kWarning, "topics could not be made")
        .With("error", made.message());
    if (!IsTransient(made)) co_return;
    slept = co_await sleeper.SleepFor(kPause);
  }
}

}  // namespace lamplighter
