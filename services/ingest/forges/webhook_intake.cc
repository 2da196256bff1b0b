#include "services/ingest/forges/webhook_intake.h"

#include <utility>

#include "absl/algorithm/container.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/time/proto_time.h"
#include "services/ingest/event_id.h"
#include "services/ingest/event_records.h"
#include "services/ingest/forges/webhook_proof.h"
#include "services/ingest/form.h"

namespace lamplighter::ingest {
namespace {

using Dialect = WebhookNormalizer::Dialect;

// Headers by which one forge's deliveries are told from another's.
constexpr absl::string_view kMarks[] = {"X-Forgejo-Event", "X-Gitea-Event",
                                        "X-Gitlab-Event",  "X-GitHub-Event",
                                        "X-Event-Key",     "X-Hook-UUID"};

Refusal WrongForge(absl::string_view sign) {
  return {400, Reason::kWrongForge,
          absl::StrCat("this is another forge's delivery, as it has ", sign,
                       ": send it to that forge's path")};
}

// The path says which forge it is; the headers must not say otherwise.
absl::optional<Refusal> RefuseOtherForge(const Dialect& dialect,
                                         const HttpHeaders& headers) {
  for (const absl::string_view mark : kMarks) {
    if (headers.Find(mark).has_value() &&
        !absl::EqualsIgnoreCase(mark, dialect.event_header) &&
        !absl::c_linear_search(dialect.also_sends, mark)) {
      return WrongForge(mark);
    }
  }
  if (dialect.event_header.empty()) return absl::nullopt;
  const auto event = headers.Find(dialect.event_header);
  if (!event.has_value()) {
    return Refusal{400, Reason::kWrongForge,
                   absl::StrCat(dialect.event_header,
                                " is missing: this is no delivery of the "
                                "forge that the path names")};
  }
  for (const absl::string_view foreign : dialect.foreign_events) {
    if (absl::StartsWith(*event, foreign)) {
      return WrongForge(absl::StrCat(dialect.event_header, " ", foreign));
    }
  }
  return absl::nullopt;
}

Refusal NotProven(const WebhookProof& proof, const Source& source) {
  if (proof.proof != Proof::kStale) {
    return Unproven(proof.proof, proof.where, source);
  }
  return {401, Reason::kSignature,
          absl::StrCat(proof.where,
                       " is more than five minutes old or early: check both "
                       "machines' clocks")};
}

// The JSON of a request whose proof is good, or nothing where a form has none.
absl::optional<std::string> Payload(BodyKind kind, const std::string& body) {
  if (kind != BodyKind::kForm) return absl::nullopt;
  return FormValue(body, "payload");
}

// The same for a delivery that is sent again with the same delivery id or,
// where the forge gave none, with the same body for the same event.
std::string EventId(SourceType type, const v1::GitEvent& event,
                    absl::string_view event_id, absl::string_view body) {
  const std::string delivery = event.delivery_id().empty()
                                   ? ContentId({event.event(), event_id, body})
                                   : event.delivery_id();
  return absl::StrCat(NameOf(type), "/", event.source(), "/", delivery);
}

v1::GitEvent Normalize(const WebhookNormalizer& normalizer,
                       const Source& source,
                       const simdjson::dom::element& document,
                       const HttpHeaders& headers) {
  const Dialect& dialect = normalizer.dialect();
  v1::GitEvent event;
  event.set_source(source.name);
  event.set_provider_type(std::string(ProviderTypeOf(source.type)));
  event.set_instance(source.instance);
  event.set_event(PlainHeader(headers.Find(dialect.event_header)));
  event.set_delivery_id(
      PlainHeader(FindFirst(headers, dialect.delivery_headers)));
  event.set_type(v1::GitEvent::OTHER);
  simdjson::dom::object body;
  if (document.get(body) == simdjson::SUCCESS) {
    normalizer.Normalize(body, event);
  }
  if (event.instance().empty()) {
    event.set_instance(std::string(dialect.default_instance));
  }
  // Of some forges they are from the body.
  event.set_event(PlainHeader(event.event()));
  event.set_delivery_id(PlainHeader(event.delivery_id()));
  return event;
}

// The record of a delivery that proved itself.
Intake Keep(IntakeContext& context, const WebhookNormalizer& normalizer,
            const Source& source, absl::string_view json,
            HttpRequest& request) {
  const absl::StatusOr<simdjson::dom::element> document =
      context.json.Parse(json);
  if (!document.ok()) {
    return Refusal{400, Reason::kMalformed,
                   std::string(document.status().message())};
  }
  v1::GitEvent event =
      Normalize(normalizer, source, *document, request.headers);
  const auto event_id =
      request.headers.Find(normalizer.dialect().event_id_header);
  event.set_id(EventId(source.type, event, event_id.value_or(""), json));
  *event.mutable_received_at() = ToProto(context.clock.Now());
  context.metrics.Normalized(source.type, event.type());
  *event.mutable_raw() =
      context.packer.Pack(std::move(request.body),
                          PlainHeader(request.headers.Find("Content-Type")));
  return MakeGitRecord(std::move(event), context.traceparent,
                       context.max_record_bytes);
}

}  // namespace

Intake TakeWebhook(IntakeContext& context, SourceType type,
                   const WebhookNormalizer& normalizer, HttpRequest request) {
  const Dialect& dialect = normalizer.dialect();
  const BodyKind kind = BodyKindOf(request.headers.Find("Content-Type"));
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
  const absl::optional<std::string> payload = Payload(kind, request.body);
  const absl::string_view json = payload.has_value() ? *payload : request.body;
  const WebhookProof proof =
      CheckWebhook(**source, dialect, request.headers, request.body, json,
                   context.clock.Now());
  if (proof.proof == Proof::kMissing && !dialect.unproven_test.empty() &&
      request.headers.Find(dialect.event_header) == dialect.unproven_test) {
    return Nothing{};
  }
  if (proof.proof != Proof::kValid) return NotProven(proof, **source);
  if (kind == BodyKind::kForm && !payload.has_value()) {
    return Refusal{400, Reason::kMalformed,
                   "the form has no well encoded field payload"};
  }
  return Keep(context, normalizer, **source, json, request);
}

}  // namespace lamplighter::ingest
