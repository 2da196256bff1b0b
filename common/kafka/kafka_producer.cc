#include "common/kafka/kafka_producer.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "boost/asio/post.hpp"
#include "boost/intrusive/list.hpp"
#include "common/kafka/queue_signal.h"
#include "common/kafka/rdkafka_client.h"
#include "common/kafka/rdkafka_record.h"
#include "common/kafka/signal_timer.h"
#include "common/log/log.h"
#include "common/status/macros.h"
#include "librdkafka/rdkafka.h"

namespace lamplighter {
namespace {

// What a record's frame and headers' lengths take at most, for the few headers
// that our records have.
constexpr size_t kFraming = 1024;

// Drains of the queue per turn of the loop; each takes all there is.
constexpr int kPollsPerTurn = 16;

// A record under way. librdkafka reads the value out of it until the delivery
// report, which saves a copy.
struct Sent : boost::intrusive::list_base_hook<> {
  Sent(Record sent, Producer::Done on_done)
      : record(std::move(sent)), done(std::move(on_done)) {}

  Record record;
  Producer::Done done;
};

size_t SizeOf(const Record& record) {
  size_t size = record.key.size() + record.value.size();
  for (const auto& [name, value] : record.headers) {
    size += name.size() + value.size();
  }
  return size;
}

RdkafkaSettings Settings(const KafkaProducer::Options& options) {
  const bool for_ever = options.message_timeout == absl::InfiniteDuration();
  return {
      {"enable.idempotence", "true"},
      {"acks", "all"},
      // Zero means for ever to librdkafka; a finite timeout must not become it.
      {"message.timeout.ms",
       for_ever ? "0"
                : RdkafkaMillis(
                      std::max(options.message_timeout, absl::Milliseconds(1)),
                      INT32_MAX)},
      {"linger.ms", absl::StrCat(absl::ToDoubleMilliseconds(options.linger))},
      {"queue.buffering.max.kbytes",
       absl::StrCat(std::max<size_t>(options.max_queue_bytes / 1024, 1))},
      {"message.max.bytes", absl::StrCat(options.max_message_bytes)},
      // As Kafka's own clients choose, so that a key's partition is the same
      // whoever writes.
      {"partitioner", "murmur2_random"},
      // For Ready().
      {"statistics.interval.ms", "500"},
  };
}

}  // namespace

class KafkaProducer::Core {
 public:
  Core(const Options& options, boost::asio::io_context& loop)
      : options_(options), loop_(loop) {}
  ~Core();

  absl::Status Open();
  void Produce(Record record, Done done);
  absl::Status Ready() const;
  boost::asio::awaitable<void> Flush(absl::Duration limit);

  size_t max_record_bytes() const {
    return options_.max_message_bytes > kFraming
               ? options_.max_message_bytes - kFraming
               : 0;
  }
  size_t pending() const { return sent_.size(); }

 private:
  // Called by rd_kafka_poll(), so on the loop.
  static void OnDelivered(rd_kafka_t* client, const rd_kafka_message_t* message,
                          void* core);
  static void OnError(rd_kafka_t* client, int error, const char* reason,
                      void* core);
  static int OnStatistics(rd_kafka_t* client, char* json, size_t size,
                          void* core);

  void Drain();
  absl::Status Enqueue(Sent& sent);
  rd_kafka_topic_t* TopicHandle(const std::string& name);
  void Complete(Sent* sent, absl::StatusOr<RecordPosition> result);
  void CompleteLater(Done done, absl::Status error);

  const Options options_;
  boost::asio::io_context& loop_;
  boost::intrusive::list<Sent> sent_;
  std::shared_ptr<SignalTimer> drained_;  // while Flush() waits
  bool connected_ = false;
  std::string last_error_;
  absl::Status fatal_;
  // Posted handlers hold it weakly, and do nothing once we are gone.
  std::shared_ptr<Core*> self_ = std::make_shared<Core*>(this);
  RdkafkaPtr<rd_kafka_t> client_;
  absl::flat_hash_map<std::string, RdkafkaPtr<rd_kafka_topic_t>> topics_;
  RdkafkaPtr<rd_kafka_queue_t> queue_;
  std::unique_ptr<QueueSignal> signal_;  // last: it calls us
};

KafkaProducer::Core::~Core() {
  signal_.reset();
  queue_.reset();
  topics_.clear();
  // Ends librdkafka's threads, which read out of `sent_` until then.
  client_.reset();
  fatal_ = absl::CancelledError("kafka: producer stopped");
  while (!sent_.empty()) {
    Complete(&sent_.front(), fatal_);
  }
}

absl::Status KafkaProducer::Core::Open() {
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      auto conf, MakeRdkafkaConf(options_.kafka, Settings(options_)));
  rd_kafka_conf_set_opaque(conf.get(), this);
  rd_kafka_conf_set_dr_msg_cb(conf.get(), &Core::OnDelivered);
  rd_kafka_conf_set_error_cb(conf.get(), &Core::OnError);
  rd_kafka_conf_set_stats_cb(conf.get(), &Core::OnStatistics);
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      client_, MakeRdkafkaClient(RD_KAFKA_PRODUCER, std::move(conf)));
  queue_.reset(rd_kafka_queue_get_main(client_.get()));
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      signal_, QueueSignal::Create(queue_.get(), loop_.get_executor(),
                                   [this] { Drain(); }));
  return absl::OkStatus();
}

void KafkaProducer::Core::Produce(Record record, Done done) {
  if (!fatal_.ok()) {
    CompleteLater(std::move(done), absl::UnavailableError(fatal_.message()));
    return;
  }
  if (SizeOf(record) > max_record_bytes()) {
    CompleteLater(std::move(done),
                  absl::InvalidArgumentError(absl::StrCat(
                      "kafka: record of ", SizeOf(record), " bytes; at most ",
                      max_record_bytes(), " are taken")));
    return;
  }
  auto sent = std::make_unique<Sent>(std::move(record), std::move(done));
  if (absl::Status error = Enqueue(*sent); !error.ok()) {
    CompleteLater(std::move(sent->done), std::move(error));
    return;
  }
  sent_.push_back(*sent.release());  // until its delivery report
}

absl::Status KafkaProducer::Core::Enqueue(Sent& sent) {
  rd_kafka_topic_t* const topic = TopicHandle(sent.record.topic);
  if (topic == nullptr) return RdkafkaStatus(rd_kafka_last_error());
  RdkafkaPtr<rd_kafka_headers_t> headers =
      ToRdkafkaHeaders(sent.record.headers);
  const std::string& key = sent.record.key;
  std::string& value = sent.record.value;
  const rd_kafka_resp_err_t error = rd_kafka_producev(
      client_.get(), RD_KAFKA_V_RKT(topic), RD_KAFKA_V_MSGFLAGS(0),
      RD_KAFKA_V_PARTITION(
          sent.record.partition.value_or(RD_KAFKA_PARTITION_UA)),
      RD_KAFKA_V_KEY(key.empty() ? nullptr : key.data(), key.size()),
      RD_KAFKA_V_VALUE(sent.record.tombstone ? nullptr : value.data(),
                       sent.record.tombstone ? 0 : value.size()),
      RD_KAFKA_V_HEADERS(headers.get()), RD_KAFKA_V_OPAQUE(&sent),
      RD_KAFKA_V_END);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return RdkafkaStatus(error);
  static_cast<void>(headers.release());  // the message's now
  return absl::OkStatus();
}

rd_kafka_topic_t* KafkaProducer::Core::TopicHandle(const std::string& name) {
  RdkafkaPtr<rd_kafka_topic_t>& handle = topics_[name];
  if (handle == nullptr) {
    handle.reset(rd_kafka_topic_new(client_.get(), name.c_str(), nullptr));
  }
  return handle.get();
}

absl::Status KafkaProducer::Core::Ready() const {
  if (!fatal_.ok()) return absl::UnavailableError(fatal_.message());
  if (connected_) return absl::OkStatus();
  return absl::UnavailableError(last_error_.empty()
                                    ? "kafka: no connection to the brokers yet"
                                    : absl::StrCat("kafka: ", last_error_));
}

boost::asio::awaitable<void> KafkaProducer::Core::Flush(absl::Duration limit) {
  if (sent_.empty()) co_return;
  const auto drained = std::make_shared<SignalTimer>(loop_.get_executor());
  drained_ = drained;
  co_await drained->Wait(limit);
}

void KafkaProducer::Core::OnDelivered(rd_kafka_t* /*client*/,
                                      const rd_kafka_message_t* message,
                                      void* core) {
  auto* const self = static_cast<Core*>(core);
  auto* const sent = static_cast<Sent*>(message->_private);
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    // rd_kafka_message_errstr() would give the record's value here.
    self->Complete(
        sent,
        RdkafkaStatus(message->err, rd_kafka_message_produce_errstr(message)));
    return;
  }
  self->Complete(sent, RecordPosition{std::move(sent->record.topic),
                                      message->partition, message->offset});
}

void KafkaProducer::Core::OnError(rd_kafka_t* client, int error,
                                  const char* reason, void* core) {
  auto& self = *static_cast<Core*>(core);
  LAMPLIGHTER_LOG_EVERY_SECOND(kWarning, "kafka producer")
      .With("error", rd_kafka_err2name(static_cast<rd_kafka_resp_err_t>(error)))
      .With("reason", RdkafkaAdvice(reason));
  // "1/1 brokers are down" would hide why.
  if (error != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
    self.last_error_ = RdkafkaAdvice(reason);
  }
  if (error != RD_KAFKA_RESP_ERR__FATAL || !self.fatal_.ok()) return;
  self.fatal_ = RdkafkaFatalError(client);
  // Later, as it may destroy the producer, and rd_kafka_poll() is under way.
  if (self.options_.on_fatal != nullptr) {
    boost::asio::post(self.loop_, [on_fatal = self.options_.on_fatal,
                                   fatal = self.fatal_] { on_fatal(fatal); });
  }
}

int KafkaProducer::Core::OnStatistics(rd_kafka_t* /*client*/, char* json,
                                      size_t size, void* core) {
  // Looks for two words rather than parse what may be 100 KB.
  const absl::string_view text(json, size);
  static_cast<Core*>(core)->connected_ =
      absl::StrContains(text, R"("idemp_state": "Assigned")") &&
      absl::StrContains(text, R"("state":"UP")");
  return 0;  // librdkafka frees it
}

void KafkaProducer::Core::Drain() {
  for (int i = 0; i < kPollsPerTurn; ++i) {
    if (rd_kafka_poll(client_.get(), 0) == 0) return;
  }
  boost::asio::post(loop_, [self = std::weak_ptr<Core*>(self_)] {
    if (const auto core = self.lock()) (*core)->Drain();
  });
}

void KafkaProducer::Core::Complete(Sent* sent,
                                   absl::StatusOr<RecordPosition> result) {
  const std::unique_ptr<Sent> owned(sent);
  sent_.erase(sent_.iterator_to(*sent));
  if (sent_.empty() && drained_ != nullptr) {
    std::exchange(drained_, nullptr)->Set();
  }
  std::move(owned->done)(std::move(result));
}

void KafkaProducer::Core::CompleteLater(Done done, absl::Status error) {
  boost::asio::post(
      loop_, [done = std::move(done), error = std::move(error)]() mutable {
        std::move(done)(std::move(error));
      });
}

KafkaProducer::KafkaProducer(std::unique_ptr<Core> core)
    : core_(std::move(core)) {}

KafkaProducer::~KafkaProducer() = default;

absl::StatusOr<std::unique_ptr<KafkaProducer>> KafkaProducer::Create(
    const Options& options, boost::asio::io_context& loop) {
  auto core = std::make_unique<Core>(options, loop);
  LAMPLIGHTER_RETURN_IF_ERROR(core->Open());
  return std::unique_ptr<KafkaProducer>(new KafkaProducer(std::move(core)));
}

void KafkaProducer::Produce(Record record, Done done) {
  core_->Produce(std::move(record), std::move(done));
}

absl::Status KafkaProducer::Ready() const { return core_->Ready(); }

size_t KafkaProducer::max_record_bytes() const {
  return core_->max_record_bytes();
}

boost::asio::awaitable<void> KafkaProducer::Flush(absl::Duration limit) {
  return core_->Flush(limit);
}

size_t KafkaProducer::pending() const { return core_->pending(); }

}  // namespace lamplighter
