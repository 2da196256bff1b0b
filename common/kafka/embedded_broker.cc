#include "common/kafka/embedded_broker.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/kafka/rdkafka_client.h"
#include "common/status/macros.h"
#include "common/status/status.h"
#include "librdkafka/rdkafka.h"
#include "librdkafka/rdkafka_mock.h"

namespace lamplighter {
namespace {

// A broker waits for so long for more members when a group is new. There is
// none to wait for within one process.
constexpr int kInitialRebalanceMillis = 50;

}  // namespace

struct EmbeddedBroker::Cluster {
  ~Cluster() {
    if (handle != nullptr) rd_kafka_mock_cluster_destroy(handle);
  }

  RdkafkaPtr<rd_kafka_t> client;  // the mock cluster runs on its thread
  rd_kafka_mock_cluster_t* handle = nullptr;
};

absl::StatusOr<std::unique_ptr<EmbeddedBroker>> EmbeddedBroker::Create(
    const Options& options) {
  KafkaOptions kafka;
  kafka.client_id = "embedded-broker";
  LAMPLIGHTER_ASSIGN_OR_RETURN(auto conf,
                               MakeRdkafkaConf(kafka, {{"log_level", "4"}}));
  auto cluster = std::make_unique<Cluster>();
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      cluster->client, MakeRdkafkaClient(RD_KAFKA_PRODUCER, std::move(conf)));
  cluster->handle = rd_kafka_mock_cluster_new(cluster->client.get(), 1);
  if (cluster->handle == nullptr) {
    return absl::InternalError("embedded Kafka broker does not start");
  }
  rd_kafka_mock_group_initial_rebalance_delay_ms(cluster->handle,
                                                 kInitialRebalanceMillis);
  return std::unique_ptr<EmbeddedBroker>(
      new EmbeddedBroker(options, std::move(cluster)));
}

EmbeddedBroker::EmbeddedBroker(const Options& options,
                               std::unique_ptr<Cluster> cluster)
    : options_(options),
      cluster_(std::move(cluster)),
      bootstrap_servers_(rd_kafka_mock_cluster_bootstraps(cluster_->handle)) {}

EmbeddedBroker::~EmbeddedBroker() = default;

rd_kafka_mock_cluster_s* EmbeddedBroker::mock_cluster() {
  return cluster_->handle;
}

absl::Status EmbeddedBroker::CreateTopic(const std::string& name,
                                         int partitions) {
  return Annotate(RdkafkaStatus(rd_kafka_mock_topic_create(
                      cluster_->handle, name.c_str(),
                      partitions > 0 ? partitions : options_.partitions, 1)),
                  "topic ", name);
}

absl::Status EmbeddedBroker::CreateTopics(const std::vector<TopicSpec>& specs) {
  for (const TopicSpec& spec : specs) {
    const absl::Status status = CreateTopic(spec.name, spec.partitions);
    if (!absl::IsAlreadyExists(status)) LAMPLIGHTER_RETURN_IF_ERROR(status);
  }
  return absl::OkStatus();
}

}  // namespace lamplighter
