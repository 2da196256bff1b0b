#include "common/kafka/topic_check.h"

#include <map>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/kafka/rdkafka_admin.h"
#include "common/kafka/rdkafka_client.h"
#include "common/status/macros.h"
#include "common/status/status.h"
#include "librdkafka/rdkafka.h"

namespace lamplighter {
namespace {

namespace asio = boost::asio;

using Event = RdkafkaPtr<rd_kafka_event_t>;
using Differences = std::vector<std::string>;
using Specs = std::map<std::string, TopicSpec>;  // by name

struct TopicCollectionDeleter {
  void operator()(rd_kafka_TopicCollection_t* topics) const {
    rd_kafka_TopicCollection_destroy(topics);
  }
};
using TopicCollection =
    std::unique_ptr<rd_kafka_TopicCollection_t, TopicCollectionDeleter>;

struct ConfigResourceDeleter {
  void operator()(rd_kafka_ConfigResource_t* resource) const {
    rd_kafka_ConfigResource_destroy(resource);
  }
};
using ConfigResource =
    std::unique_ptr<rd_kafka_ConfigResource_t, ConfigResourceDeleter>;

absl::Status Absent(const std::vector<std::string>& missing,
                    const std::vector<std::string>& hidden) {
  if (!missing.empty()) {
    return absl::NotFoundError(absl::StrCat("kafka: topics are missing: ",
                                            absl::StrJoin(missing, ", ")));
  }
  if (!hidden.empty()) {
    return absl::PermissionDeniedError(
        absl::StrCat("kafka: the account may not see topics: ",
                     absl::StrJoin(hidden, ", ")));
  }
  return absl::OkStatus();
}

// Tells only what is less than asked for: more does no harm.
void CompareShape(const rd_kafka_TopicDescription_t* topic,
                  const TopicSpec& spec, Differences& differences) {
  size_t partitions = 0;
  const rd_kafka_TopicPartitionInfo_t** const found =
      rd_kafka_TopicDescription_partitions(topic, &partitions);
  if (static_cast<int>(partitions) < spec.partitions) {
    differences.push_back(absl::StrCat(spec.name, " has ", partitions,
                                       " partitions, not ", spec.partitions));
  }
  size_t replicas = 0;
  if (partitions == 0) return;
  rd_kafka_TopicPartitionInfo_replicas(found[0], &replicas);
  if (static_cast<int>(replicas) < spec.replication) {
    differences.push_back(absl::StrCat(spec.name, " has ", replicas,
                                       " replicas, not ", spec.replication));
  }
}

asio::awaitable<absl::Status> CompareShapes(const RdkafkaAdmin* admin,
                                            const Specs* specs,
                                            Differences* differences) {
  std::vector<const char*> names;
  for (const auto& [name, spec] : *specs) names.push_back(name.c_str());
  const TopicCollection topics(
      rd_kafka_TopicCollection_of_topic_names(names.data(), names.size()));
  const AdminOptions options = admin->Options(RD_KAFKA_ADMIN_OP_DESCRIBETOPICS);
  rd_kafka_DescribeTopics(admin->client.get(), topics.get(), options.get(),
                          admin->queue.get());
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const Event answer,
                                  co_await admin->NextAnswer());
  size_t count = 0;
  const rd_kafka_TopicDescription_t** const found =
      rd_kafka_DescribeTopics_result_topics(
          rd_kafka_event_DescribeTopics_result(answer.get()), &count);
  std::vector<std::string> missing;
  std::vector<std::string> hidden;
  for (size_t i = 0; i < count; ++i) {
    const char* const name = rd_kafka_TopicDescription_name(found[i]);
    const rd_kafka_error_t* const error =
        rd_kafka_TopicDescription_error(found[i]);
    switch (error == nullptr ? RD_KAFKA_RESP_ERR_NO_ERROR
                             : rd_kafka_error_code(error)) {
      case RD_KAFKA_RESP_ERR_NO_ERROR:
        CompareShape(found[i], specs->at(name), *differences);
        break;
      case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
        missing.emplace_back(name);
        break;
      case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
        hidden.emplace_back(name);
        break;
      default:
        co_return absl::UnavailableError(absl::StrCat(
            "kafka: topic ", name, ": ", rd_kafka_error_string(error)));
    }
  }
  co_return Absent(missing, hidden);
}

void CompareConfig(const rd_kafka_ConfigResource_t* topic,
                   const TopicSpec& spec, Differences& differences) {
  size_t count = 0;
  const rd_kafka_ConfigEntry_t** const entries =
      rd_kafka_ConfigResource_configs(topic, &count);
  for (size_t i = 0; i < count; ++i) {
    const char* const value = rd_kafka_ConfigEntry_value(entries[i]);
    const auto wanted = spec.config.find(rd_kafka_ConfigEntry_name(entries[i]));
    if (wanted == spec.config.end() || value == nullptr ||
        wanted->second == value) {
      continue;
    }
    differences.push_back(absl::StrCat(spec.name, " has ", wanted->first, "=",
                                       value, ", not ", wanted->second));
  }
}

asio::awaitable<absl::Status> CompareConfigs(const RdkafkaAdmin* admin,
                                             const Specs* specs,
                                             Differences* differences) {
  std::vector<ConfigResource> topics;
  std::vector<rd_kafka_ConfigResource_t*> raw;
  for (const auto& [name, spec] : *specs) {
    topics.emplace_back(
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name.c_str()));
    raw.push_back(topics.back().get());
  }
  const AdminOptions options =
      admin->Options(RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
  rd_kafka_DescribeConfigs(admin->client.get(), raw.data(), raw.size(),
                           options.get(), admin->queue.get());
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const Event answer,
                                  co_await admin->NextAnswer());
  size_t count = 0;
  const rd_kafka_ConfigResource_t** const found =
      rd_kafka_DescribeConfigs_result_resources(
          rd_kafka_event_DescribeConfigs_result(answer.get()), &count);
  for (size_t i = 0; i < count; ++i) {  // one that may not be read has no entry
    CompareConfig(found[i], specs->at(rd_kafka_ConfigResource_name(found[i])),
                  *differences);
  }
  co_return absl::OkStatus();
}

}  // namespace

asio::awaitable<absl::StatusOr<Differences>> CheckTopics(
    KafkaOptions options, std::vector<TopicSpec> specs, absl::Duration limit) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const RdkafkaAdmin admin,
                                  RdkafkaAdmin::Create(options, limit));
  Specs by_name;
  for (TopicSpec& spec : specs) by_name[spec.name] = std::move(spec);
  Differences differences;
  LAMPLIGHTER_CO_RETURN_IF_ERROR(
      co_await CompareShapes(&admin, &by_name, &differences));
  (co_await CompareConfigs(&admin, &by_name, &differences))
      .IgnoreError();  // they are there, which is what matters
  co_return differences;
}

}  // namespace lamplighter
