#include "services/ingest/forges/webhook_intake.h"

#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/time/proto_time.h"
#include "common/tracing/trace_context.h"
#include "services/ingest/event_id.h"
#include "services/ingest/event_records.h"
#include "services/ingest/form.h"

namespace lamplighter::ingest {
namespace {

using Dialect = WebhookNormalizer::Dialect;

// The path says which forge it is; the headers must not say otherwise.
absl::optional<Refusal> RefuseOtherForge(const Dialect& dialect,
                                         const HttpHeaders& headers) {
  for (const absl::string_view foreign : dialect.foreign_headers) {
    if (!headers.Find(foreign).has_value()) continue;
    return Refusal{400, Reason::kWrongForge,
                   absl::StrCat("this is another forge's delivery, as it has ",
                                foreign, ": send it to that forge's path")};
  }
  if (!headers.Find(dialect.event_header).has_value()) {
    return Refusal{400, Reason::kWrongForge,
                   absl::StrCat(dialect.event_header,
                                " is missing: this is no delivery of the "
                                "forge that the path names")};
  }
  return absl::nullopt;
}

// The same for a delivery that is sent again with the same delivery id or,
// where the forge gave none, with the same body.
std::string EventId(const v1::GitEvent& event, absl::string_view body) {
  const std::string delivery = event.delivery_id().empty()
                                   ? ContentId({event.event(), body})
                                   : event.delivery_id();
  return absl::StrCat(event.provider_type(), "/", event.source(), "/",
                      delivery);
}

v1::GitEvent Normalize(const WebhookNormalizer& normalizer,
                       const simdjson::dom::element& document,
                       const HttpHeaders& headers) {
  const Dialect& dialect = normalizer.dialect();
  v1::GitEvent event;
  event.set_event(PlainHeader(headers.Find(dialect.event_header)));
  event.set_delivery_id(PlainHeader(headers.Find(dialect.delivery_header)));
  event.set_type(v1::GitEvent::OTHER);
  simdjson::dom::object body;
  if (document.get(body) == simdjson::SUCCESS) {
    normalizer.Normalize(body, event);
  }
  if (event.instance().empty()) {
    event.set_instance(std::string(dialect.default_instance));
  }
  return event;
}

}  // namespace

Intake TakeWebhook(IntakeContext& context, SourceType type,
                   const WebhookNormalizer& normalizer, HttpRequest request) {
  const Dialect& dialect = normalizer.dialect();
  const auto content_type = request.headers.Find("Content-Type");
  const BodyKind kind = BodyKindOf(content_type);
  if (kind == BodyKind::kOther) {
    return Refusal{415, Reason::kContentType,
                   "Content-Type must be application/json or "
                   "application/x-www-form-urlencoded"};
  }
  if (auto refusal = RefuseOtherForge(dialect, request.headers)) {
    return *std::move(refusal);
  }
  const absl::StatusOr<const Source*> source = context.sources.Find(
      type, request.path_params.empty() ? "" : request.path_params[0]);
  if (!source.ok()) {
    return Refusal{404, Reason::kUnknownSource,
                   std::string(source.status().message())};
  }
  absl::optional<std::string> payload;
  if (kind == BodyKind::kForm) payload = FormValue(request.body, "payload");
  const absl::string_view json = payload.has_value() ? *payload : request.body;
  const Proof proof = VerifyWebhook(
      (*source)->secrets, request.headers.Find(dialect.signature_header),
      dialect.signature_prefix, dialect.form_signs_json ? json : request.body);
  if (proof != Proof::kValid) {
    return Unproven(proof, dialect.signature_header, **source);
  }
  if (kind == BodyKind::kForm && !payload.has_value()) {
    return Refusal{400, Reason::kMalformed,
                   "the form has no well encoded field payload"};
  }
  const absl::StatusOr<simdjson::dom::element> document =
      context.json.Parse(json);
  if (!document.ok()) {
    return Refusal{400, Reason::kMalformed,
                   std::string(document.status().message())};
  }

  v1::GitEvent event = Normalize(normalizer, *document, request.headers);
  event.set_provider_type(std::string(NameOf(type)));
  event.set_source((*source)->name);
  event.set_id(EventId(event, json));
  *event.mutable_received_at() = ToProto(context.clock.Now());
  context.metrics.Normalized(type, event.type());
  const TraceContext trace =
      TraceContext::Continue(request.headers.Find("traceparent").value_or(""));
  *event.mutable_raw() =
      context.packer.Pack(std::move(request.body), PlainHeader(content_type));
  return MakeGitRecord(std::move(event), trace.ToTraceparent(),
                       context.max_record_bytes);
}

}  // namespace lamplighter::ingest
