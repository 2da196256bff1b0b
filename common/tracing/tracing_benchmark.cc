// What tracing costs a request: the server's span and the producer's, as ingest
// makes them.

#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "benchmark/benchmark.h"
#include "common/time/clock.h"
#include "common/tracing/attributes.h"
#include "common/tracing/span_sink.h"
#include "common/tracing/tracer.h"
#include "proto/opentelemetry/otlp.pb.h"

namespace lamplighter {
namespace {

constexpr char kSampled[] =
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
constexpr char kNotSampled[] =
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

// As the exporter does: fills requests of 512, and encodes them.
class EncodingSink final : public SpanSink {
 public:
  void Take(const std::string& /*service*/,
            std::unique_ptr<otlp::Span> span) override {
    spans_.mutable_spans()->AddAllocated(span.release());
    if (spans_.spans_size() < 512) return;
    bytes_ += spans_.SerializeAsString().size();
    sent_ += spans_.spans_size();
    spans_ = {};
  }
  double BytesPerSpan() const {
    return sent_ == 0 ? 0 : static_cast<double>(bytes_) / sent_;
  }

 private:
  otlp::ScopeSpans spans_;
  size_t bytes_ = 0;
  int sent_ = 0;
};

// The size of what is handed on.
size_t ServeRequest(const Tracer& tracer, absl::string_view traceparent) {
  Span span = tracer.Begin("POST", SpanKind::kServer, traceparent);
  span.Set(attribute::kHttpMethod, "POST")
      .Set(attribute::kHttpRoute, "/api/events-handler/v1/events/flux/{source}")
      .Set(attribute::kUrlScheme, "http")
      .Set(attribute::kEventSource, "//prod-eu/prod-eu");
  Span send =
      span.Child("send lamplighter.flux-events.v1", SpanKind::kProducer);
  send.Set(attribute::kMessagingSystem, "kafka")
      .Set(attribute::kMessagingOperationType, "send")
      .Set(attribute::kMessagingOperationName, "send")
      .Set(attribute::kMessagingDestination, "lamplighter.flux-events.v1")
      .Set(attribute::kEventId, "04124d7893bcac40771f789a91d551a3");
  const std::string handed_on = send.context().ToTraceparent();
  send.End();
  span.Set(attribute::kHttpStatusCode, 202);
  return handed_on.size();
}

// What it costs to hand on a traceparent at all.
void BM_Off(benchmark::State& state) {
  const Tracer off;
  for (auto _ : state) benchmark::DoNotOptimize(ServeRequest(off, kSampled));
}
BENCHMARK(BM_Off);

void BM_OffWithoutAParent(benchmark::State& state) {
  const Tracer off;
  for (auto _ : state) benchmark::DoNotOptimize(ServeRequest(off, ""));
}
BENCHMARK(BM_OffWithoutAParent);

void BM_OnNotSampled(benchmark::State& state) {
  EncodingSink sink;
  const Tracer tracer(sink, Clock::System(), 1);
  for (auto _ : state) {
    benchmark::DoNotOptimize(ServeRequest(tracer, kNotSampled));
  }
}
BENCHMARK(BM_OnNotSampled);

void BM_OnSampled(benchmark::State& state) {
  EncodingSink sink;
  const Tracer tracer(sink, Clock::System(), 1);
  for (auto _ : state) {
    benchmark::DoNotOptimize(ServeRequest(tracer, kSampled));
  }
  state.counters["bytes_per_span"] = sink.BytesPerSpan();
}
BENCHMARK(BM_OnSampled);

}  // namespace
}  // namespace lamplighter
