#pragma once

#include <vector>

#include "boost/asio/awaitable.hpp"
#include "common/http/http_server.h"
#include "common/kafka/producer.h"
#include "common/time/clock.h"
#include "common/tracing/tracer.h"
#include "services/ingest/intake.h"
#include "services/ingest/metrics.h"
#include "services/ingest/source_gate.h"
#include "services/ingest/sources.h"

namespace lamplighter::ingest {

// Answers requests with events: 202 once the broker has the event, never
// before, and otherwise an error that makes the sender do the right thing. On
// the loop only.
//
// Flux drops what is answered 4xx and takes 429 for a duplicate, so whatever
// may work later is 503, without Retry-After: its emitter would sleep through
// that within a reconciliation.
class IngestHandler {
 public:
  // All must outlive the handler, and the handler its requests.
  IngestHandler(const SourceRegistry& sources, Producer& producer,
                IngestMetrics& metrics, const Clock& clock, Tracer tracer);

  std::vector<HttpRoute> Routes();

 private:
  boost::asio::awaitable<HttpResponse> Handle(SourceType type,
                                              HttpRequest request);
  Span BeginSpan(SourceType type, const HttpRequest& request) const;
  Intake Take(SourceType type, HttpRequest request);

  Producer& producer_;
  IngestMetrics& metrics_;
  const Clock& clock_;
  const Tracer tracer_;
  IntakeContext context_;
  SourceGate gate_;
};

}  // namespace lamplighter::ingest
