#include "common/kafka/testing/mock_kafka_test.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "boost/asio/co_spawn.hpp"
#include "common/kafka/rdkafka_client.h"
#include "common/kafka/rdkafka_record.h"
#include "common/log/log.h"
#include "common/time/clock.h"
#include "librdkafka/rdkafka.h"
#include "librdkafka/rdkafka_mock.h"

namespace lamplighter {
namespace {

constexpr int kPollMillis = 100;

RdkafkaPtr<rd_kafka_t> MakeReader(const KafkaOptions& options,
                                  const std::string& group) {
  auto conf = MakeRdkafkaConf(options, {{"group.id", group},
                                        {"auto.offset.reset", "earliest"},
                                        {"enable.auto.commit", "false"},
                                        {"fetch.wait.max.ms", "10"},
                                        {"enable.partition.eof", "true"}});
  LAMPLIGHTER_CHECK(conf.ok(), conf.status().ToString());
  auto client = MakeRdkafkaClient(RD_KAFKA_CONSUMER, *std::move(conf));
  LAMPLIGHTER_CHECK(client.ok(), client.status().ToString());
  rd_kafka_poll_set_consumer(client->get());
  return *std::move(client);
}

int PartitionsOf(rd_kafka_t* client, const std::string& name) {
  const RdkafkaPtr<rd_kafka_topic_t> topic(
      rd_kafka_topic_new(client, name.c_str(), nullptr));
  const rd_kafka_metadata_t* metadata = nullptr;
  const rd_kafka_resp_err_t error =
      rd_kafka_metadata(client, 0, topic.get(), &metadata, 10'000);
  LAMPLIGHTER_CHECK(error == RD_KAFKA_RESP_ERR_NO_ERROR,
                    rd_kafka_err2str(error));
  const int partitions = metadata->topics[0].partition_cnt;
  rd_kafka_metadata_destroy(metadata);
  return partitions;
}

}  // namespace

MockKafkaTest::MockKafkaTest() {
  auto broker = EmbeddedBroker::Create({});
  LAMPLIGHTER_CHECK(broker.ok(), broker.status().ToString());
  broker_ = *std::move(broker);
}

std::string MockKafkaTest::CreateTopic(int partitions) {
  const std::string topic = absl::StrCat("topic-", ++topics_);
  const absl::Status status = broker_->CreateTopic(topic, partitions);
  LAMPLIGHTER_CHECK(status.ok(), status.ToString());
  return topic;
}

KafkaOptions MockKafkaTest::Kafka() const {
  KafkaOptions options;
  options.bootstrap_servers = broker_->bootstrap_servers();
  return options;
}

void MockKafkaTest::FailNext(KafkaRequest request, int error, int times) {
  const std::vector<rd_kafka_resp_err_t> errors(
      times, static_cast<rd_kafka_resp_err_t>(error));
  rd_kafka_mock_push_request_errors_array(broker_->mock_cluster(),
                                          static_cast<int16_t>(request),
                                          errors.size(), errors.data());
}

void MockKafkaTest::SetBrokerUp(bool up) {
  if (up) {
    rd_kafka_mock_broker_set_up(broker_->mock_cluster(), 1);
  } else {
    rd_kafka_mock_broker_set_down(broker_->mock_cluster(), 1);
  }
}

std::vector<ConsumedRecord> MockKafkaTest::Records(const std::string& topic) {
  const RdkafkaPtr<rd_kafka_t> client = MakeReader(Kafka(), "records");
  const int partitions = PartitionsOf(client.get(), topic);
  const RdkafkaPtr<rd_kafka_topic_partition_list_t> all(
      rd_kafka_topic_partition_list_new(partitions));
  for (int i = 0; i < partitions; ++i) {
    rd_kafka_topic_partition_list_add(all.get(), topic.c_str(), i)->offset =
        RD_KAFKA_OFFSET_BEGINNING;
  }
  rd_kafka_assign(client.get(), all.get());
  std::vector<ConsumedRecord> found;
  const absl::Duration deadline = Deadline(kLimit);
  for (int ended = 0; ended < partitions;) {
    LAMPLIGHTER_CHECK(Clock::System().MonotonicNow() < deadline,
                      "records not read in time");
    rd_kafka_message_t* const message =
        rd_kafka_consumer_poll(client.get(), kPollMillis);
    if (message == nullptr) continue;
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) ++ended;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      found.push_back(ToConsumedRecord(*message));
    }
    rd_kafka_message_destroy(message);
  }
  std::sort(found.begin(), found.end(),
            [](const ConsumedRecord& a, const ConsumedRecord& b) {
              return std::pair(a.position.partition, a.position.offset) <
                     std::pair(b.position.partition, b.position.offset);
            });
  return found;
}

int64_t MockKafkaTest::Committed(const std::string& group,
                                 const std::string& topic, int32_t partition) {
  const RdkafkaPtr<rd_kafka_t> client = MakeReader(Kafka(), group);
  const RdkafkaPtr<rd_kafka_topic_partition_list_t> list(
      rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition);
  const rd_kafka_resp_err_t error =
      rd_kafka_committed(client.get(), list.get(), 10'000);
  LAMPLIGHTER_CHECK(error == RD_KAFKA_RESP_ERR_NO_ERROR,
                    rd_kafka_err2str(error));
  return std::max<int64_t>(list->elems[0].offset, -1);
}

bool MockKafkaTest::Run(boost::asio::awaitable<void> coroutine,
                        absl::Duration limit) {
  bool ended = false;
  boost::asio::co_spawn(loop_, std::move(coroutine),
                        [&ended](const std::exception_ptr& error) {
                          if (error) std::rethrow_exception(error);
                          ended = true;
                        });
  return RunUntil([&ended] { return ended; }, limit);
}

absl::Duration MockKafkaTest::Deadline(absl::Duration limit) {
  return Clock::System().MonotonicNow() + limit;
}

bool MockKafkaTest::RunOne(absl::Duration deadline) {
  const absl::Duration left = deadline - Clock::System().MonotonicNow();
  if (left <= absl::ZeroDuration()) return false;
  // Short, so that what changes outside the loop is seen too.
  loop_.run_one_for(absl::ToChronoMilliseconds(
      std::clamp(left, absl::Milliseconds(1), absl::Milliseconds(20))));
  return true;
}

}  // namespace lamplighter
