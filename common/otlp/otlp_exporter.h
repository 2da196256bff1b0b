#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/steady_timer.hpp"
#include "common/async/sleeper.h"
#include "common/async/task_group.h"
#include "common/http/http_client.h"
#include "common/metrics/metrics.h"
#include "common/tracing/span_sink.h"
#include "proto/opentelemetry/otlp.pb.h"

namespace lamplighter {

// Reads the headers to send to a collector, from files by the header's name.
// InvalidArgument or NotFound, which never hold what is in the file.
absl::StatusOr<HttpHeaders> ReadHeaderFiles(
    const std::map<std::string, std::string>& files);

// Sends spans to an OpenTelemetry collector by OTLP over HTTP, as binary
// Protobuf: in batches, one request at a time. Where the collector is slower
// than the work, or away, the spans that come last are dropped, and counted;
// nobody ever waits for it. On the loop only.
class OtlpExporter final : public SpanSink {
 public:
  struct Options {
    std::string url;  // whole, with the path
    // Files of headers, by their names. Read again before each batch, so that a
    // secret may be changed.
    std::map<std::string, std::string> header_files = {};
    // Of whatever makes spans here, beside service.name.
    std::vector<std::pair<std::string, std::string>> resource = {};
    size_t max_waiting = 2048;
    // So many are sent at once; fewer after `interval`.
    size_t batch = 512;
    absl::Duration interval = absl::Seconds(5);
    absl::Duration timeout = absl::Seconds(10);  // of one request
    // Tries of a batch that the collector cannot take just now.
    int tries = 5;
  };

  // The rest must outlive the exporter.
  OtlpExporter(Options options, boost::asio::io_context& loop, HttpClient& http,
               Sleeper& sleeper, Metrics& metrics);

  void Take(const std::string& service,
            std::unique_ptr<otlp::Span> span) override;

  // Sends what waits, for up to `limit`, and drops the rest. What comes
  // afterwards is dropped. Call once.
  boost::asio::awaitable<void> Stop(absl::Duration limit);

 private:
  // Where the next span of `service` goes.
  otlp::ScopeSpans& SpansOf(const std::string& service);
  boost::asio::awaitable<void> ExportUntilEmpty();
  boost::asio::awaitable<void> ExportBatch();
  // The answer of a collector that took the batch, or why none did.
  boost::asio::awaitable<absl::StatusOr<HttpResult>> Post(std::string body);
  absl::Duration WaitAfter(int tries, const absl::StatusOr<HttpResult>& answer);
  void RefreshHeaders();

  const Options options_;
  HttpClient& http_;
  Sleeper& sleeper_;
  prometheus::Counter& exported_;
  prometheus::Counter& rejected_;
  prometheus::Counter& dropped_;
  prometheus::Counter& failed_;
  absl::BitGen random_;
  HttpHeaders headers_;

  otlp::ExportTraceServiceRequest waiting_;  // a ResourceSpans a service
  std::vector<std::string> services_;        // whose they are, in their order
  size_t waiting_spans_ = 0;
  size_t sending_spans_ = 0;
  bool exporting_ = false;  // a task is there that will send what waits
  bool stopping_ = false;
  boost::asio::steady_timer timer_;
  TaskGroup tasks_;  // last: its task uses what is above
};

}  // namespace lamplighter
