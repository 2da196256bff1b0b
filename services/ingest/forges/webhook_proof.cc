#include "services/ingest/forges/webhook_proof.h"

namespace lamplighter::ingest {
namespace {

constexpr char kGitLabSignature[] = "webhook-signature";
constexpr char kGitLabToken[] = "X-Gitlab-Token";

// A signature that is there must be good: no token makes up for it.
WebhookProof CheckGitLab(const Source& source, const HttpHeaders& headers,
                         absl::string_view body, absl::Time now) {
  const auto signature = headers.Find(kGitLabSignature);
  if (signature.has_value() || source.tokens.empty()) {
    const StandardWebhook webhook = {
        .id = headers.Find("webhook-id").value_or(""),
        .timestamp = headers.Find("webhook-timestamp").value_or(""),
        .signature = signature.value_or("")};
    return {VerifyStandardWebhook(source.secrets, webhook, body, now),
            kGitLabSignature};
  }
  return {VerifyToken(source.tokens, headers.Find(kGitLabToken).value_or("")),
          kGitLabToken};
}

}  // namespace

absl::optional<absl::string_view> FindFirst(const HttpHeaders& headers,
                                            WebhookNormalizer::Names names) {
  for (const absl::string_view name : names) {
    const auto value = headers.Find(name);
    if (value.has_value()) return value;
  }
  return absl::nullopt;
}

WebhookProof CheckWebhook(const Source& source,
                          const WebhookNormalizer::Dialect& dialect,
                          const HttpHeaders& headers, absl::string_view body,
                          absl::string_view json, absl::Time now) {
  switch (source.proof_by) {
    case Source::ProofBy::kGitLab:
      return CheckGitLab(source, headers, body, now);
    case Source::ProofBy::kBasic:
      return {VerifyBasic(source.tokens, headers.Find("Authorization")),
              "the user and password in Authorization"};
    case Source::ProofBy::kSignature:
      return {VerifyWebhook(source.secrets,
                            FindFirst(headers, dialect.signature_headers),
                            dialect.signature_prefix,
                            dialect.form_signs_json ? json : body),
              dialect.signature_headers.front()};
    case Source::ProofBy::kNothing:
    case Source::ProofBy::kBearer:
    case Source::ProofBy::kPathToken:
      break;  // no forge proves itself so, and none is believed without
  }
  return {Proof::kWrong, "the source's proof"};
}

}  // namespace lamplighter::ingest
