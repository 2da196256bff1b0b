#include "services/ingest/ingest_handler.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/kafka/record.h"
#include "common/log/log.h"
#include "services/ingest/event_records.h"
#include "services/ingest/flux/flux_intake.h"
#include "services/ingest/forges/forges.h"
#include "services/ingest/forges/webhook_intake.h"

namespace lamplighter::ingest {
namespace {

namespace asio = boost::asio;

constexpr char kEventsPath[] = "/api/events-handler/v1/events/";

// The producer says InvalidArgument of a record that is too large and of a
// topic that does not exist. Only the first is the sender's affair.
Refusal NotWritten(const absl::Status& status, bool too_large) {
  if (absl::IsInvalidArgument(status) && too_large) {
    return {413, Reason::kSize, "the event is larger than the broker takes"};
  }
  LAMPLIGHTER_LOG_EVERY_SECOND(kError, "event not written")
      .With("error", status.message());
  return {503, Reason::kBroker,
          "the event could not be stored just now: send it again"};
}

HttpResponse Answer(SourceType type, const Refusal& refusal) {
  HttpResponse response = Problem(refusal.status, refusal.detail);
  // RFC 9110 wants a challenge with each 401, and signatures have no scheme.
  if (refusal.status == 401) {
    response.headers.Add("WWW-Authenticate", type == SourceType::kAzureDevOps
                                                 ? "Basic realm=\"webhooks\""
                                                 : "Bearer");
  }
  return response;
}

}  // namespace

IngestHandler::IngestHandler(const SourceRegistry& sources, Producer& producer,
                             IngestMetrics& metrics, const Clock& clock)
    : producer_(producer),
      metrics_(metrics),
      clock_(clock),
      context_{.sources = sources,
               .clock = clock,
               .metrics = metrics,
               .max_record_bytes = producer.max_record_bytes(),
               .json = {},
               .packer = {}} {}

std::vector<HttpRoute> IngestHandler::Routes() {
  std::vector<HttpRoute> routes;
  const auto add = [this, &routes](SourceType type, std::string path) {
    routes.push_back(
        {"POST", std::move(path), [this, type](HttpRequest request) {
           return Handle(type, std::move(request));
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
  Intake intake = Take(type, std::move(request));
  if (Record* record = absl::get_if<Record>(&intake); record != nullptr) {
    const bool too_large = SizeOf(*record) > context_.max_record_bytes;
    const absl::StatusOr<RecordPosition> written =
        co_await Send(producer_, std::move(*record));
    if (!written.ok()) intake = NotWritten(written.status(), too_large);
  }
  const absl::Duration took = clock_.MonotonicNow() - begun;
  const Refusal* const refusal = absl::get_if<Refusal>(&intake);
  if (refusal == nullptr) {
    metrics_.Accepted(type, took);
    HttpResponse accepted;
    accepted.status = absl::holds_alternative<Nothing>(intake) ? 200 : 202;
    co_return accepted;
  }
  metrics_.Rejected(type, refusal->reason, took);
  LAMPLIGHTER_LOG_EVERY_SECOND(kWarning, "request rejected")
      .With("provider", NameOf(type))
      .With("status", refusal->status)
      .With("peer", peer);
  co_return Answer(type, *refusal);
}

}  // namespace lamplighter::ingest
