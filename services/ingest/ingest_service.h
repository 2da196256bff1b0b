#pragma once

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/io_context.hpp"
#include "common/app/app.h"
#include "common/app/health.h"
#include "common/http/http_server.h"
#include "common/kafka/producer.h"
#include "common/time/clock.h"
#include "services/ingest/ingest_handler.h"
#include "services/ingest/metrics.h"
#include "services/ingest/sources.h"

namespace lamplighter::ingest {

// The HTTP server that takes events, over whichever producer. On the loop only.
class IngestService final : public Service {
 public:
  struct Options {
    HttpServer::Options http;
    // How long Stop() waits for requests that are being answered.
    absl::Duration drain_timeout = absl::Seconds(20);
  };

  // `context` and `producer` must outlive the service.
  IngestService(Options options, SourceRegistry sources, Producer& producer,
                AppContext& context);
  ~IngestService() override;

  // Binds and serves. Errors are HttpServer::Create's.
  boost::asio::awaitable<absl::Status> Start() override;
  boost::asio::awaitable<void> Stop() override;

  // Once started.
  uint16_t port() const { return server_->port(); }

 private:
  const Options options_;
  const SourceRegistry sources_;
  boost::asio::io_context& loop_;
  Health& health_;
  Producer& producer_;
  IngestMetrics metrics_;
  IngestHandler handler_;
  std::unique_ptr<HttpServer> server_;  // last: its requests use the handler
};

}  // namespace lamplighter::ingest
