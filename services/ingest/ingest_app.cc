#include "services/ingest/ingest_app.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/async/sleeper.h"
#include "common/async/task_group.h"
#include "common/async/timer_sleeper.h"
#include "common/config/duration.h"
#include "common/kafka/kafka_options.h"
#include "common/kafka/kafka_producer.h"
#include "common/kafka/producer.h"
#include "common/kafka/topic_names.h"
#include "common/kafka/topic_setup.h"
#include "common/status/macros.h"
#include "services/ingest/listener_config.h"
#include "services/ingest/metrics.h"
#include "services/ingest/source_config.h"
#include "services/ingest/sources.h"
#include "services/ingest/spool/spooling_producer.h"

namespace lamplighter::ingest {
namespace {

namespace asio = boost::asio;

constexpr uint64_t kLeastSpool = 16 << 20;

// The spool behind the producer, with what it measures.
struct SpoolOverKafka {
  SpoolOverKafka(std::unique_ptr<SpoolFile> file, Producer& kafka,
                 Sleeper& sleeper, AppContext& context)
      : metrics(context.metrics),
        producer(SpoolingProducer::Options(), std::move(file), kafka,
                 context.loop, sleeper, metrics, context.clock) {}

  SpoolMetrics metrics;
  SpoolingProducer producer;
};

// IngestService with the producers that it writes to.
class KafkaIngest final : public Service {
 public:
  // `spool` may be null.
  KafkaIngest(IngestService::Options options, SourceRegistry sources,
              std::unique_ptr<KafkaProducer> producer,
              std::unique_ptr<SpoolFile> spool, KafkaOptions kafka,
              AppContext& context)
      : flush_timeout_(options.drain_timeout),
        health_(context.health),
        topics_(std::move(kafka), context.config.kafka(),
                {kFluxEventsTopic, kGitEventsTopic}, sleeper_),
        producer_(std::move(producer)),
        spool_(spool == nullptr
                   ? nullptr
                   : std::make_unique<SpoolOverKafka>(
                         std::move(spool), *producer_, sleeper_, context)),
        ingest_(std::move(options), std::move(sources),
                spool_ == nullptr ? static_cast<Producer&>(*producer_)
                                  : spool_->producer,
                context),
        tasks_(context.loop.get_executor(), "ingest") {}

  // They end the requests that still wait for them, and the handler must be
  // there for that; so must the spool for what the producer ends.
  ~KafkaIngest() override {
    producer_.reset();
    spool_.reset();
  }

  asio::awaitable<absl::Status> Start() override {
    health_.AddCheck("ingest topics", [this] { return topics_.Ready(); });
    tasks_.Spawn(topics_.Run());
    if (spool_ != nullptr) spool_->producer.Start();
    co_return co_await ingest_.Start();
  }

  asio::awaitable<void> Stop() override {
    co_await ingest_.Stop();
    if (spool_ != nullptr) co_await spool_->producer.Stop(flush_timeout_);
    co_await producer_->Flush(flush_timeout_);
    co_await tasks_.Drain(absl::ZeroDuration());
    health_.RemoveCheck("ingest topics");
  }

 private:
  const absl::Duration flush_timeout_;
  Health& health_;
  TimerSleeper sleeper_;
  TopicSetup topics_;
  std::unique_ptr<KafkaProducer> producer_;
  std::unique_ptr<SpoolOverKafka> spool_;
  IngestService ingest_;
  TaskGroup tasks_;  // last: its tasks use what is above
};

}  // namespace

absl::StatusOr<IngestService::Options> ReadOptions(
    const config::v1::Ingest& config, const ConfigFile& file) {
  IngestService::Options options;
  HttpServer::Options& http = options.http;
  http.listen = config.listen().empty() ? "0.0.0.0:8080" : config.listen();
  if (config.max_body() > 0) http.max_body = config.max_body();
  if (config.max_connections() > 0) {
    http.max_connections = config.max_connections();
  }
  if (config.max_body_memory() > 0) {
    http.max_body_memory = config.max_body_memory();
  }
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      http.header_timeout,
      DurationOr(
          file, "ingest.header_timeout",
          config.has_header_timeout() ? &config.header_timeout() : nullptr,
          http.header_timeout));
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      http.body_timeout,
      DurationOr(file, "ingest.body_timeout",
                 config.has_body_timeout() ? &config.body_timeout() : nullptr,
                 http.body_timeout));
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      http.idle_timeout,
      DurationOr(file, "ingest.idle_timeout",
                 config.has_idle_timeout() ? &config.idle_timeout() : nullptr,
                 http.idle_timeout));
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      options.drain_timeout,
      DurationOr(file, "ingest.drain_timeout",
                 config.has_drain_timeout() ? &config.drain_timeout() : nullptr,
                 options.drain_timeout));
  LAMPLIGHTER_ASSIGN_OR_RETURN(http.tls, ReadTls(config, file));
  LAMPLIGHTER_ASSIGN_OR_RETURN(http.trusted_proxies,
                               ReadTrustedProxies(config, file));
  http.proxy_protocol = config.proxy_protocol();
  return options;
}

absl::StatusOr<std::unique_ptr<SpoolFile>> OpenSpool(
    const config::v1::Ingest& config, const ConfigFile& file) {
  if (!config.has_spool()) return nullptr;
  const config::v1::Spool& spool = config.spool();
  SpoolFile::Options options;
  options.path = spool.path();
  if (options.path.empty()) {
    return file.Error("ingest.spool.path", "must name a file");
  }
  if (spool.max_bytes() > 0) {
    if (spool.max_bytes() < kLeastSpool || spool.max_bytes() > INT64_MAX) {
      return file.Error("ingest.spool.max_bytes", "must be at least 16MiB");
    }
    options.max_bytes = static_cast<int64_t>(spool.max_bytes());
  }
  auto opened = SpoolFile::Open(options);
  if (opened.ok()) return opened;
  return file.Error("ingest.spool.path", opened.status().message());
}

absl::StatusOr<std::unique_ptr<Service>> MakeIngest(AppContext& context) {
  const config::v1::Ingest& config = context.config.ingest();
  const config::v1::Kafka& kafka = context.config.kafka();
  LAMPLIGHTER_ASSIGN_OR_RETURN(IngestService::Options options,
                               ReadOptions(config, context.config_file));
  LAMPLIGHTER_ASSIGN_OR_RETURN(std::vector<Source> sources,
                               ReadSources(config, context.config_file));
  KafkaProducer::Options producer_options;
  LAMPLIGHTER_ASSIGN_OR_RETURN(producer_options.kafka, MakeKafkaOptions(kafka));
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      producer_options.message_timeout,
      DurationOr(
          context.config_file, "kafka.produce_timeout",
          kafka.has_produce_timeout() ? &kafka.produce_timeout() : nullptr,
          producer_options.message_timeout));
  producer_options.on_fatal = context.fail;
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      std::unique_ptr<KafkaProducer> producer,
      KafkaProducer::Create(producer_options, context.loop));
  LAMPLIGHTER_ASSIGN_OR_RETURN(std::unique_ptr<SpoolFile> spool,
                               OpenSpool(config, context.config_file));
  return std::make_unique<KafkaIngest>(
      std::move(options), SourceRegistry(std::move(sources)),
      std::move(producer), std::move(spool), producer_options.kafka, context);
}

}  // namespace lamplighter::ingest
