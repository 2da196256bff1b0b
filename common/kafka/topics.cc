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
#include "common/time/clock.h"
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

struct TopicCollectionDeleter {
  void operator()(rd_kafka_TopicCollection_t* topics) const {
    rd_kafka_TopicCollection_destroy(topics);
  }
};
using TopicCollection =
    std::unique_ptr<rd_kafka_TopicCollection_t, TopicCollectionDeleter>;

// A client for one request after the other.
struct Admin {
  RdkafkaPtr<rd_kafka_t> client;
  RdkafkaPtr<rd_kafka_queue_t> queue;
  absl::Duration deadline;  // monotonic

  absl::Duration Left() const {
    return std::max(deadline - Clock::System().MonotonicNow(),
                    absl::Milliseconds(1));
  }
};

absl::StatusOr<Admin> MakeAdmin(const KafkaOptions& options,
                                absl::Duration limit) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(auto conf, MakeRdkafkaConf(options, {}));
  Admin admin;
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      admin.client, MakeRdkafkaClient(RD_KAFKA_PRODUCER, std::move(conf)));
  admin.queue.reset(rd_kafka_queue_new(admin.client.get()));
  admin.deadline = Clock::System().MonotonicNow() + limit;
  return admin;
}

AdminOptions OptionsFor(const Admin& admin, rd_kafka_admin_op_t operation) {
  return MakeAdminOptions(admin.client.get(), operation, admin.Left());
}

// What the brokers answered. Unavailable where they did not.
asio::awaitable<absl::StatusOr<Event>> NextAnswer(const Admin* admin) {
  return NextAdminAnswer(admin->queue.get(), admin->Left());
}

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
    const Admin* admin, std::vector<TopicSpec> specs) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const std::vector<NewTopic> topics,
                                  MakeNewTopics(specs));
  std::vector<rd_kafka_NewTopic_t*> raw;
  raw.reserve(topics.size());
  for (const NewTopic& topic : topics) raw.push_back(topic.get());
  const AdminOptions options =
      OptionsFor(*admin, RD_KAFKA_ADMIN_OP_CREATETOPICS);
  rd_kafka_CreateTopics(admin->client.get(), raw.data(), raw.size(),
                        options.get(), admin->queue.get());
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const Event answer,
                                  co_await NextAnswer(admin));
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

// PermissionDenied if one of `names` is not there, or cannot be seen.
asio::awaitable<absl::Status> CheckThere(const Admin* admin,
                                         std::vector<std::string> names) {
  std::vector<const char*> raw;
  raw.reserve(names.size());
  for (const std::string& name : names) raw.push_back(name.c_str());
  const TopicCollection topics(
      rd_kafka_TopicCollection_of_topic_names(raw.data(), raw.size()));
  const AdminOptions options =
      OptionsFor(*admin, RD_KAFKA_ADMIN_OP_DESCRIBETOPICS);
  rd_kafka_DescribeTopics(admin->client.get(), topics.get(), options.get(),
                          admin->queue.get());
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const Event answer,
                                  co_await NextAnswer(admin));
  size_t count = 0;
  const rd_kafka_TopicDescription_t** const found =
      rd_kafka_DescribeTopics_result_topics(
          rd_kafka_event_DescribeTopics_result(answer.get()), &count);
  std::vector<std::string> missing;
  for (size_t i = 0; i < count; ++i) {
    const rd_kafka_error_t* const error =
        rd_kafka_TopicDescription_error(found[i]);
    if (error != nullptr && rd_kafka_error_code(error) != 0) {
      missing.emplace_back(rd_kafka_TopicDescription_name(found[i]));
    }
  }
  if (missing.empty()) co_return absl::OkStatus();
  co_return absl::PermissionDeniedError(
      absl::StrCat("kafka: topics are missing and the account may not make "
                   "them: ",
                   absl::StrJoin(missing, ", ")));
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
  return {
      topic(kFluxEventsTopic, kWeek),
      topic(kGitEventsTopic, kWeek),
      topic(kStatusIntentsTopic, kWeek),
      topic(kStatusRetriesTopic, kWeek),
      ledger,
      topic(kStatusOutcomesTopic, kWeek),
      topic(kDeadLettersTopic, kMonth),
      marks,
  };
}

asio::awaitable<absl::Status> EnsureTopics(KafkaOptions options,
                                           std::vector<TopicSpec> specs,
                                           absl::Duration limit) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const Admin admin, MakeAdmin(options, limit));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const std::vector<std::string> refused,
                                  co_await Make(&admin, std::move(specs)));
  if (refused.empty()) co_return absl::OkStatus();
  co_return co_await CheckThere(&admin, refused);
}

}  // namespace lamplighter
