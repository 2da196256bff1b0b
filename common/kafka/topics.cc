#include "common/kafka/topics.h"

#include <array>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/kafka/rdkafka_admin.h"
#include "common/kafka/rdkafka_client.h"
#include "common/kafka/topic_names.h"
#include "common/status/macros.h"
#include "common/status/status.h"
#include "librdkafka/rdkafka.h"

namespace lamplighter {
namespace {

namespace asio = boost::asio;

using Event = RdkafkaPtr<rd_kafka_event_t>;

struct NewTopicDeleter {
  void operator()(rd_kafka_NewTopic_t* topic) const {
    rd_kafka_NewTopic_destroy(topic);
  }
};
using NewTopic = std::unique_ptr<rd_kafka_NewTopic_t, NewTopicDeleter>;

absl::StatusOr<std::vector<NewTopic>> MakeNewTopics(
    const std::vector<TopicSpec>& specs) {
  std::vector<NewTopic> topics;
  for (const TopicSpec& spec : specs) {
    std::array<char, 256> error;
    NewTopic topic(
        rd_kafka_NewTopic_new(spec.name.c_str(), spec.partitions,
                              spec.replication > 0 ? spec.replication : -1,
                              error.data(), error.size()));
    if (topic == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("topic ", spec.name, ": ", error.data()));
    }
    for (const auto& [name, value] : spec.config) {
      rd_kafka_NewTopic_set_config(topic.get(), name.c_str(), value.c_str());
    }
    topics.push_back(std::move(topic));
  }
  return topics;
}

// Returns the topics that the account may not make.
asio::awaitable<absl::StatusOr<std::vector<std::string>>> Make(
    const RdkafkaAdmin* admin, std::vector<TopicSpec> specs) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const std::vector<NewTopic> topics,
                                  MakeNewTopics(specs));
  std::vector<rd_kafka_NewTopic_t*> raw;
  raw.reserve(topics.size());
  for (const NewTopic& topic : topics) raw.push_back(topic.get());
  const AdminOptions options = admin->Options(RD_KAFKA_ADMIN_OP_CREATETOPICS);
  rd_kafka_CreateTopics(admin->client.get(), raw.data(), raw.size(),
                        options.get(), admin->queue.get());
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const Event answer,
                                  co_await admin->NextAnswer());
  size_t count = 0;
  const rd_kafka_topic_result_t** const results =
      rd_kafka_CreateTopics_result_topics(
          rd_kafka_event_CreateTopics_result(answer.get()), &count);
  std::vector<std::string> refused;
  for (size_t i = 0; i < count; ++i) {
    const absl::Status status =
        RdkafkaStatus(rd_kafka_topic_result_error(results[i]),
                      rd_kafka_topic_result_error_string(results[i]));
    if (absl::IsPermissionDenied(status)) {
      refused.emplace_back(rd_kafka_topic_result_name(results[i]));
    } else if (!status.ok() && !absl::IsAlreadyExists(status)) {
      co_return Annotate(status, "make topic ",
                         rd_kafka_topic_result_name(results[i]));
    }
  }
  co_return refused;
}

}  // namespace

std::vector<TopicSpec> LamplighterTopics(int partitions, int replication) {
  const auto topic = [=](const char* name, absl::Duration kept) {
    return TopicSpec{
        name,
        partitions,
        replication,
        {{"cleanup.policy", "delete"},
         {"retention.ms", absl::StrCat(absl::ToInt64Milliseconds(kept))}}};
  };
  constexpr absl::Duration kWeek = absl::Hours(7 * 24);
  constexpr absl::Duration kMonth = absl::Hours(30 * 24);
  TopicSpec ledger = topic(kStatusLedgerTopic, kMonth);
  // It is read whole at each start, and only closed segments are compacted:
  // with Kafka's own settings most of it would be what was replaced since.
  ledger.config = {{"cleanup.policy", "compact"},
                   {"segment.bytes", "67108864"},
                   {"min.cleanable.dirty.ratio", "0.2"}};
  TopicSpec marks = topic(kDeadLetterMarksTopic, kMonth);
  marks.config["cleanup.policy"] = "compact,delete";
  TopicSpec catalog = topic(kCatalogChangesTopic, kMonth);
  catalog.config = {{"cleanup.policy", "compact"}};
  return {
      topic(kFluxEventsTopic, kWeek),
      topic(kGitEventsTopic, kWeek),
      topic(kStatusIntentsTopic, kWeek),
      topic(kStatusRetriesTopic, kWeek),
      ledger,
      topic(kStatusOutcomesTopic, kWeek),
      topic(kDeadLettersTopic, kMonth),
      marks,
      catalog,
  };
}

asio::awaitable<absl::Status> EnsureTopics(KafkaOptions options,
                                           std::vector<TopicSpec> specs,
                                           absl::Duration limit) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const RdkafkaAdmin admin,
                                  RdkafkaAdmin::Create(options, limit));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const std::vector<std::string> refused,
                                  co_await Make(&admin, std::move(specs)));
  if (refused.empty()) co_return absl::OkStatus();
  co_return absl::PermissionDeniedError(
      absl::StrCat("kafka: the account may not make topics: ",
                   absl::StrJoin(refused, ", ")));
}

}  // namespace lamplighter
