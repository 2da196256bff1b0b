#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/io_context.hpp"
#include "common/async/timer_sleeper.h"
#include "common/config/config_file.h"
#include "common/http/http_client.h"
#include "common/metrics/metrics.h"
#include "common/otlp/otlp_exporter.h"
#include "common/time/clock.h"
#include "common/tracing/tracer.h"
#include "proto/lamplighter/config/v1/telemetry.pb.h"

namespace lamplighter {

// Sends the process's spans where section `telemetry` says. On the loop only.
class TraceExport {
 public:
  // Null where no endpoint is configured. InvalidArgument "FILE:LINE:
  // telemetry.…" for what cannot be used. The rest must outlive it.
  static absl::StatusOr<std::unique_ptr<TraceExport>> Create(
      const config::v1::Telemetry& telemetry, const ConfigFile& file,
      boost::asio::io_context& loop, Metrics& metrics, const Clock& clock);

  // For whoever makes spans.
  const Tracer& tracer() const { return tracer_; }

  // Sends what waits, for up to `limit`. Call once, when nobody makes spans any
  // more.
  boost::asio::awaitable<void> Stop(absl::Duration limit) {
    return exporter_.Stop(limit);
  }

 private:
  TraceExport(OtlpExporter::Options options, double ratio,
              std::unique_ptr<HttpClient> http, boost::asio::io_context& loop,
              Metrics& metrics, const Clock& clock);

  TimerSleeper sleeper_;
  const std::unique_ptr<HttpClient> http_;
  OtlpExporter exporter_;
  const Tracer tracer_;
};

}  // namespace lamplighter
