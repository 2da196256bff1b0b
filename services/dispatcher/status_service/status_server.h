#pragma once

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/io_context.hpp"
#include "common/grpc/authenticator.h"
#include "common/grpc/grpc_server.h"
#include "common/grpc/server_config.h"
#include "common/kafka/kafka_options.h"
#include "common/kafka/kafka_producer.h"
#include "common/manifests/manifest_source.h"
#include "common/metrics/metrics.h"
#include "common/time/clock.h"
#include "common/tracing/tracer.h"
#include "services/dispatcher/provider_workers.h"
#include "services/dispatcher/status_service/dead_letters.h"
#include "services/dispatcher/status_service/grpc_status_reader.h"
#include "services/dispatcher/status_service/outcome_watches.h"
#include "services/dispatcher/status_service/status_service.h"

namespace lamplighter::dispatcher {

// StatusService with all that it is made of, behind a port. On the loop only.
class StatusServer {
 public:
  struct Options {
    ServerConfig server;
    KafkaOptions kafka;
    // How long Kafka may take to acknowledge what a call writes.
    absl::Duration produce_timeout = absl::Seconds(10);
    // How long a provider worker may take to answer.
    absl::Duration call_timeout = absl::Seconds(20);
  };

  // InvalidArgument or NotFound for options that cannot be used. All that is
  // given by reference must outlive the server.
  static absl::StatusOr<std::unique_ptr<StatusServer>> Create(
      const Options& options, const ProviderWorkers& workers,
      const ManifestSource& manifests, boost::asio::io_context& loop,
      const Clock& clock, Metrics& metrics, Tracer tracer);

  // Binds, and serves from now on. The errors are GrpcServer's.
  absl::Status Start();

  // Ends streams, answers what is under way within `drain`, and closes the
  // port. Harmless if Start() was not called or failed.
  boost::asio::awaitable<void> Stop(absl::Duration drain);

  // 0 until it serves.
  int port() const { return server_ == nullptr ? 0 : server_->port(); }

 private:
  StatusServer(const Options& options,
               std::unique_ptr<Authenticator> authenticator,
               std::unique_ptr<KafkaProducer> producer,
               const ProviderWorkers& workers, const ManifestSource& manifests,
               boost::asio::io_context& loop, const Clock& clock,
               Metrics& metrics, Tracer tracer);

  const Options options_;
  const Tracer tracer_;
  const std::unique_ptr<Authenticator> authenticator_;
  const std::unique_ptr<KafkaProducer> producer_;
  GrpcStatusReader statuses_;
  OutcomeWatches watches_;
  DeadLetters dead_letters_;
  StatusService service_;
  std::unique_ptr<GrpcServer> server_;  // last: it calls the service
};

}  // namespace lamplighter::dispatcher
