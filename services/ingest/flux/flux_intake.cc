#include "services/ingest/flux/flux_intake.h"

#include <utility>

#include "absl/status/statusor.h"
#include "common/time/proto_time.h"
#include "services/ingest/event_records.h"
#include "services/ingest/flux/flux_event_parser.h"

namespace lamplighter::ingest {
namespace {

constexpr char kSignatureHeader[] = "X-Signature";
constexpr char kAuthorizationHeader[] = "Authorization";

absl::string_view PathParam(const HttpRequest& request, size_t index) {
  if (index >= request.path_params.size()) return {};
  return request.path_params[index];
}

absl::optional<Refusal> Verify(const Source& source,
                               const HttpRequest& request) {
  Proof proof = Proof::kValid;
  absl::string_view where;
  switch (source.proof_by) {
    case Source::ProofBy::kNothing:
      break;
    case Source::ProofBy::kSignature:
      where = kSignatureHeader;
      proof = VerifyFluxHmac(source.secrets, request.headers.Find(where),
                             request.body);
      break;
    case Source::ProofBy::kBearer:
      where = "the bearer token in Authorization";
      proof = VerifyBearer(source.tokens,
                           request.headers.Find(kAuthorizationHeader));
      break;
    case Source::ProofBy::kPathToken:
      where = "the token at the end of the path";
      proof = VerifyToken(source.tokens, PathParam(request, 1));
      break;
    case Source::ProofBy::kGitLab:
    case Source::ProofBy::kBasic:
      proof = Proof::kWrong;  // these are of forges
      break;
  }
  if (proof != Proof::kValid) return Unproven(proof, where, source);
  return absl::nullopt;
}

}  // namespace

Intake TakeFluxEvent(IntakeContext& context, HttpRequest request) {
  const auto content_type = request.headers.Find("Content-Type");
  if (BodyKindOf(content_type) != BodyKind::kJson) {
    return Refusal{415, Reason::kContentType,
                   "Content-Type must be application/json"};
  }
  const absl::StatusOr<const Source*> source =
      context.sources.Find(SourceType::kFlux, PathParam(request, 0));
  if (!source.ok()) {
    return Refusal{404, Reason::kUnknownSource,
                   std::string(source.status().message())};
  }
  if (!PathParam(request, 1).empty() &&
      (*source)->proof_by != Source::ProofBy::kPathToken) {
    return Refusal{404, Reason::kUnknownSource,
                   "this source has no token in its path"};
  }
  if (auto refusal = Verify(**source, request)) return *std::move(refusal);

  absl::StatusOr<v1::FluxEvent> event =
      ParseFluxEvent(context.json, request.body);
  if (!event.ok()) {
    return Refusal{400, Reason::kMalformed,
                   std::string(event.status().message())};
  }
  event->set_source((*source)->name);
  event->set_cluster((*source)->name);
  event->set_id(FluxEventId(*event));
  *event->mutable_received_at() = ToProto(context.clock.Now());
  *event->mutable_raw() =
      context.packer.Pack(std::move(request.body), PlainHeader(content_type));
  return MakeFluxRecord(*std::move(event), context.traceparent,
                        context.max_record_bytes);
}

}  // namespace lamplighter::ingest
