#include "services/ingest/ingest_handler.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/kafka/record.h"
#include "common/kafka/record_span.h"
#include "common/log/log.h"
#include "common/tracing/attributes.h"
#include "common/tracing/trace_context.h"
#include "services/ingest/event_records.h"
#include "services/ingest/flux/flux_intake.h"
#include "services/ingest/forges/forges.h"
#include "services/ingest/forges/webhook_intake.h"
#include "services/ingest/refuse.h"

namespace lamplighter::ingest {
namespace {

namespace asio = boost::asio;

constexpr char kEventsPath[] = "/api/events-handler/v1/events/";

// The producer says InvalidArgument of a record that is too large and of a
// topic that does not exist. Only the first is the sender's affair.
Refusal NotWritten(const absl::Status& status, bool too_large,
                   const TraceContext& trace) {
  if (absl::IsInvalidArgument(status) && too_large) {
    return {413, Reason::kSize, "the event is larger than the broker takes"};
  }
  LAMPLIGHTER_LOG_EVERY_SECOND(kError, "event not written")
      .With("error", status.message())
      .With("trace_id", trace.TraceId());
  return {503, Reason::kBroker,
          "the event could not be stored just now: send it again"};
}

// The path of the route that a request came by; it holds no token.
std::string RouteOf(SourceType type, const HttpRequest& request) {
  if (request.path == "/") return request.path;
  constexpr const char* kParameters[] = {"", "/{source}",
                                         "/{source}/{path_token}"};
  return absl::StrCat(kEventsPath, NameOf(type),
                      kParameters[request.path_params.size()]);
}

void EndSpan(Span& span, int status) {
  span.Set(attribute::kHttpStatusCode, status);
  if (status >= 500) span.SetError(absl::StrCat(status));
  span.End();
}

}  // namespace

IngestHandler::IngestHandler(const SourceRegistry& sources, Producer& producer,
                             IngestMetrics& metrics, const Clock& clock,
                             Tracer tracer)
    : producer_(producer),
      metrics_(metrics),
      clock_(clock),
      tracer_(std::move(tracer)),
      context_{.sources = sources,
               .clock = clock,
               .metrics = metrics,
               .max_record_bytes = producer.max_record_bytes(),
               .json = {},
               .packer = {}},
      gate_(sources, metrics, clock) {}

std::vector<HttpRoute> IngestHandler::Routes() {
  std::vector<HttpRoute> routes;
  const auto add = [this, &routes](SourceType type, std::string path) {
    routes.push_back({"POST", std::move(path),
                      [this, type](HttpRequest request) {
                        return Handle(type, std::move(request));
                      },
                      [this, type](const HttpRequest& header,
                                   absl::optional<uint64_t> length) {
                        return gate_.Admit(type, header, length);
                      }});
  };
  add(SourceType::kFlux, "/");
  for (const SourceType type : kSourceTypes) {
    add(type, absl::StrCat(kEventsPath, NameOf(type)));
    add(type, absl::StrCat(kEventsPath, NameOf(type), "/{source}"));
  }
  add(SourceType::kFlux,
      absl::StrCat(kEventsPath, "flux/{source}/{path_token}"));
  return routes;
}

Span IngestHandler::BeginSpan(SourceType type,
                              const HttpRequest& request) const {
  Span span = tracer_.Begin("POST", SpanKind::kServer,
                            request.headers.Find("traceparent").value_or(""));
  if (!span.recorded()) return span;
  const std::string route = RouteOf(type, request);
  span.SetName(absl::StrCat("POST ", route));
  span.Set(attribute::kHttpMethod, "POST").Set(attribute::kHttpRoute, route);
  return span;
}

Intake IngestHandler::Take(SourceType type, HttpRequest request) {
  const WebhookNormalizer* const forge = NormalizerOf(type);
  return forge == nullptr
             ? TakeFluxEvent(context_, std::move(request))
             : TakeWebhook(context_, type, *forge, std::move(request));
}

asio::awaitable<HttpResponse> IngestHandler::Handle(SourceType type,
                                                    HttpRequest request) {
  const absl::Duration begun = clock_.MonotonicNow();
  const std::string peer = request.peer;
  Span span = BeginSpan(type, request);
  context_.traceparent = span.context().ToTraceparent();
  Intake intake = Take(type, std::move(request));
  if (Record* record = absl::get_if<Record>(&intake); record != nullptr) {
    const bool too_large = SizeOf(*record) > context_.max_record_bytes;
    if (span.recorded()) {
      span.Set(attribute::kEventSource,
               FindHeader(*record, "ce_source").value_or(""));
    }
    Span send = BeginSendSpan(span, *record);
    const absl::StatusOr<RecordPosition> written =
        co_await Send(producer_, std::move(*record));
    if (!written.ok()) {
      send.SetError(absl::StatusCodeToString(written.status().code()),
                    written.status().message());
      intake = NotWritten(written.status(), too_large, span.context());
    }
  } else {
    // Who has proved nothing shall not fill what is recorded.
    span.Discard();
  }
  const absl::Duration took = clock_.MonotonicNow() - begun;
  const Refusal* const refusal = absl::get_if<Refusal>(&intake);
  if (refusal == nullptr) {
    metrics_.Accepted(type, took);
    HttpResponse accepted;
    accepted.status = absl::holds_alternative<Nothing>(intake) ? 200 : 202;
    EndSpan(span, accepted.status);
    co_return accepted;
  }
  EndSpan(span, refusal->status);
  co_return Refuse(type, *refusal, peer, took, metrics_);
}

}  // namespace lamplighter::ingest
