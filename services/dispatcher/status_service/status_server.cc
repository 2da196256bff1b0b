#include "services/dispatcher/status_service/status_server.h"

#include <string>
#include <utility>

#include "common/kafka/kafka_topic_reader.h"
#include "common/log/log.h"
#include "common/status/macros.h"
#include "proto/lamplighter/v1/status_service.grpc.pb.h"
#include "services/dispatcher/status_service/open_reader.h"

namespace lamplighter::dispatcher {
namespace {

using ::boost::asio::awaitable;

// Read ahead by each stream.
constexpr size_t kPrefetch = 2 << 20;

OpenReader KafkaReaders(const KafkaOptions& kafka,
                        boost::asio::io_context& loop) {
  return [kafka, &loop](const std::string& topic)
             -> absl::StatusOr<std::unique_ptr<TopicReader>> {
    KafkaTopicReader::Options options;
    options.kafka = kafka;
    options.topic = topic;
    options.max_prefetch_bytes = kPrefetch;
    return KafkaTopicReader::Create(options, loop);
  };
}

prometheus::Gauge& OpenStreams(Metrics& metrics) {
  return metrics
      .AddGauges("lamplighter_dispatcher_status_service_streams",
                 "Streams of WatchOutcomes that are open.")
      .Add({});
}

DeadLetters::Counters LetterCounters(Metrics& metrics) {
  Metrics::Counters& family =
      metrics.AddCounters("lamplighter_dispatcher_dead_letters_marked_total",
                          "Dead letters dealt with, by what was done.");
  return {family.Add({{"action", "replayed"}}),
          family.Add({{"action", "dropped"}})};
}

}  // namespace

absl::StatusOr<std::unique_ptr<StatusServer>> StatusServer::Create(
    const Options& options, const ProviderWorkers& workers,
    const ManifestSource& manifests, boost::asio::io_context& loop,
    const Clock& clock, Metrics& metrics, Tracer tracer) {
  Authenticator::Options clients = options.server.clients;
  clients.service = "dispatcher";
  LAMPLIGHTER_ASSIGN_OR_RETURN(std::unique_ptr<Authenticator> authenticator,
                               Authenticator::Create(clients, clock, metrics));
  KafkaProducer::Options producing;
  producing.kafka = options.kafka;
  producing.message_timeout = options.produce_timeout;
  LAMPLIGHTER_ASSIGN_OR_RETURN(std::unique_ptr<KafkaProducer> producer,
                               KafkaProducer::Create(producing, loop));
  return std::unique_ptr<StatusServer>(new StatusServer(
      options, std::move(authenticator), std::move(producer), workers,
      manifests, loop, clock, metrics, std::move(tracer)));
}

StatusServer::StatusServer(const Options& options,
                           std::unique_ptr<Authenticator> authenticator,
                           std::unique_ptr<KafkaProducer> producer,
                           const ProviderWorkers& workers,
                           const ManifestSource& manifests,
                           boost::asio::io_context& loop, const Clock& clock,
                           Metrics& metrics, Tracer tracer)
    : options_(options),
      tracer_(std::move(tracer)),
      authenticator_(std::move(authenticator)),
      producer_(std::move(producer)),
      statuses_(workers, options.call_timeout, clock),
      watches_({}, KafkaReaders(options.kafka, loop), clock,
               OpenStreams(metrics)),
      dead_letters_(KafkaReaders(options.kafka, loop), *producer_, clock,
                    LetterCounters(metrics)),
      service_({.authenticator = *authenticator_,
                .manifests = manifests,
                .producer = *producer_,
                .statuses = statuses_,
                .watches = watches_,
                .dead_letters = dead_letters_,
                .clock = clock,
                .metrics = metrics,
                .tracer = tracer_},
               loop) {}

absl::Status StatusServer::Start() {
  GrpcServer::Options options = options_.server.server;
  options.health_names = {v1::StatusService::service_full_name()};
  LAMPLIGHTER_ASSIGN_OR_RETURN(server_,
                               GrpcServer::Create(options, {&service_}));
  LAMPLIGHTER_LOG(kInfo, "status service serves")
      .With("port", port())
      .With("tls", options.tls.has_value())
      .With("clients", options_.server.clients.clients.size());
  return absl::OkStatus();
}

awaitable<void> StatusServer::Stop(absl::Duration drain) {
  watches_.Stop();
  if (server_ != nullptr) co_await server_->Stop(drain);
}

}  // namespace lamplighter::dispatcher
