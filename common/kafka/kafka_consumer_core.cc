#include "common/kafka/kafka_consumer_core.h"

#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "boost/asio/post.hpp"
#include "common/kafka/rdkafka_record.h"
#include "common/log/log.h"
#include "common/status/macros.h"

namespace lamplighter {
namespace {

namespace asio = boost::asio;

// Events handled per turn of the loop, so that others get theirs.
constexpr int kEventsPerTurn = 256;

// Polls even when nothing was signalled: librdkafka expels members that do not
// poll, and a poll may return early with something left.
constexpr absl::Duration kPollInterval = absl::Seconds(1);

RdkafkaSettings Settings(const KafkaConsumer::Options& options) {
  const absl::Duration heartbeat =
      std::min(options.session_timeout / 10, absl::Seconds(3));
  const size_t prefetch_kb =
      std::max<size_t>(options.max_prefetch_bytes >> 10, 1);
  RdkafkaSettings settings = {
      {"group.id", options.group},
      {"partition.assignment.strategy", "cooperative-sticky"},
      {"auto.offset.reset", "earliest"},
      {"enable.auto.commit", "false"},
      {"enable.auto.offset.store", "false"},
      {"session.timeout.ms", RdkafkaMillis(options.session_timeout)},
      {"heartbeat.interval.ms", RdkafkaMillis(heartbeat)},
      {"queued.max.messages.kbytes", absl::StrCat(prefetch_kb)},
      // New topics and partitions show at a refresh; by default after minutes.
      {"topic.metadata.refresh.interval.ms", "10000"},
      // Else a full prefetch stops the partition for a second, though the
      // handler takes milliseconds to empty it.
      {"fetch.queue.backoff.ms", "20"},
  };
  if (!options.static_member_id.empty()) {
    settings.emplace_back("group.instance.id", options.static_member_id);
  }
  return settings;
}

std::vector<TopicPartition> FromList(
    const rd_kafka_topic_partition_list_t& list) {
  std::vector<TopicPartition> partitions;
  for (int i = 0; i < list.cnt; ++i) {
    partitions.push_back({list.elems[i].topic, list.elems[i].partition});
  }
  return partitions;
}
}  // namespace

absl::Status KafkaConsumer::Core::Open() {
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      auto conf, MakeRdkafkaConf(options_.kafka, Settings(options_)));
  rd_kafka_conf_set_events(conf.get(), RD_KAFKA_EVENT_REBALANCE |
                                           RD_KAFKA_EVENT_OFFSET_COMMIT |
                                           RD_KAFKA_EVENT_ERROR);
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      client_, MakeRdkafkaClient(RD_KAFKA_CONSUMER, std::move(conf)));
  rd_kafka_poll_set_consumer(client_.get());  // one queue for everything
  queue_.reset(rd_kafka_queue_get_consumer(client_.get()));
  return absl::OkStatus();
}

absl::Status KafkaConsumer::Core::Start(Handler& handler) {
  handler_ = &handler;
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      signal_, QueueSignal::Create(queue_.get(), loop_.get_executor(),
                                   [this] { Poll(); }));
  RdkafkaPtr<rd_kafka_topic_partition_list_t> topics(
      rd_kafka_topic_partition_list_new(
          static_cast<int>(options_.topics.size())));
  for (const std::string& topic : options_.topics) {
    rd_kafka_topic_partition_list_add(topics.get(), topic.c_str(),
                                      RD_KAFKA_PARTITION_UA);
  }
  LAMPLIGHTER_RETURN_IF_ERROR(
      RdkafkaStatus(rd_kafka_subscribe(client_.get(), topics.get())));
  PollAgain();
  CommitAgain();
  return absl::OkStatus();
}

absl::Status KafkaConsumer::Core::Ready() const {
  if (!fatal_.ok()) return absl::UnavailableError(fatal_.message());
  if (assigned_) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(
      "kafka: no partitions assigned yet in group ", options_.group));
}

void KafkaConsumer::Core::Poll() {
  for (int i = 0; i < kEventsPerTurn; ++i) {
    if (client_ == nullptr) return;  // a callback closed us
    Event event(rd_kafka_queue_poll(queue_.get(), 0));
    if (event == nullptr) {
      if (closed_ != nullptr && rd_kafka_consumer_closed(client_.get()) != 0) {
        closed_->Set();
      }
      return;
    }
    Handle(std::move(event));
  }
  if (std::exchange(poll_posted_, true)) return;
  asio::post(loop_, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self == nullptr) return;
    self->poll_posted_ = false;
    self->Poll();
  });
}

void KafkaConsumer::Core::PollAgain() {
  // While closing, nothing else says when it is done.
  poll_timer_.expires_after(absl::ToChronoNanoseconds(
      closed_ != nullptr ? absl::Milliseconds(20) : kPollInterval));
  poll_timer_.async_wait([weak = weak_from_this()](auto error) {
    const auto self = weak.lock();
    if (error || self == nullptr || self->client_ == nullptr) return;
    self->Poll();
    self->PollAgain();
  });
}

void KafkaConsumer::Core::CommitAgain() {
  commit_timer_.expires_after(
      absl::ToChronoNanoseconds(options_.commit_interval));
  commit_timer_.async_wait([weak = weak_from_this()](auto error) {
    const auto self = weak.lock();
    if (error || self == nullptr || self->client_ == nullptr) return;
    if (self->commit_ == nullptr) self->Commit();
    self->CommitAgain();
  });
}

void KafkaConsumer::Core::Handle(Event event) {
  switch (rd_kafka_event_type(event.get())) {
    case RD_KAFKA_EVENT_FETCH:
      while (const auto* message = rd_kafka_event_message_next(event.get())) {
        OnMessage(*message);
      }
      break;
    case RD_KAFKA_EVENT_REBALANCE:
      rebalances_.push_back(
          {rd_kafka_event_error(event.get()) ==
               RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS,
           FromList(*rd_kafka_event_topic_partition_list(event.get()))});
      NextRebalance();
      break;
    case RD_KAFKA_EVENT_OFFSET_COMMIT:
      OnCommitted(*event);
      break;
    case RD_KAFKA_EVENT_ERROR:
      OnError(*event);
      break;
    default:
      break;
  }
}

void KafkaConsumer::Core::OnMessage(const rd_kafka_message_t& message) {
  const char* const topic = rd_kafka_topic_name(message.rkt);
  if (!assignment_.Accept(topic, message.partition, message.offset)) return;
  ConsumedRecord record = ToConsumedRecord(message);
  // As the brokers said with the first record, which is late enough.
  const auto end = [&] {
    int64_t first = 0;
    int64_t known = 0;
    const rd_kafka_resp_err_t error = rd_kafka_get_watermark_offsets(
        client_.get(), topic, message.partition, &first, &known);
    return error == RD_KAFKA_RESP_ERR_NO_ERROR && known >= 0
               ? known
               : std::numeric_limits<int64_t>::max();
  };
  record.inherited =
      assignment_.IsInherited(topic, message.partition, message.offset, end);
  handler_->OnRecord(std::move(record));
}

void KafkaConsumer::Core::OnError(rd_kafka_event_t& event) {
  LAMPLIGHTER_LOG_EVERY_SECOND(kWarning, "kafka consumer")
      .With("group", options_.group)
      .With("error", rd_kafka_err2name(rd_kafka_event_error(&event)))
      .With("reason", rd_kafka_event_error_string(&event));
  if (!fatal_.ok()) return;
  fatal_ = RdkafkaFatalError(client_.get());
  if (fatal_.ok() || options_.on_fatal == nullptr) return;
  // Later, as it may destroy the consumer.
  asio::post(loop_, [on_fatal = options_.on_fatal, fatal = fatal_] {
    on_fatal(fatal);
  });
}

}  // namespace lamplighter
