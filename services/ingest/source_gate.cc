#include "services/ingest/source_gate.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "absl/algorithm/container.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "services/ingest/refuse.h"

namespace lamplighter::ingest {
namespace {

// What a sender is answered beyond its limits. 429 goes to those that make
// nothing of it; the others would lose the event by it, or be switched off:
// Flux takes it for "duplicate, done", Azure DevOps and older GitLabs distrust
// all of 4xx, and Bitbucket sends again what was answered 5xx.
int StatusBeyondLimits(SourceType type) {
  switch (type) {
    case SourceType::kGitHub:
    case SourceType::kGitea:
    case SourceType::kForgejo:
      return 429;
    case SourceType::kFlux:
    case SourceType::kGitLab:
    case SourceType::kBitbucket:
    case SourceType::kBitbucketServer:
    case SourceType::kAzureDevOps:
      break;
  }
  return 503;
}

// With 503 there is no Retry-After: Flux would sleep through it within a
// reconciliation.
Refusal BeyondLimits(const Source& source, absl::Duration wait,
                     absl::string_view what) {
  Refusal refusal{StatusBeyondLimits(source.type), Reason::kLimit,
                  absl::StrCat("source ", source.name, " sends ", what,
                               ": send it again later")};
  if (refusal.status == 429) {
    refusal.retry_after =
        absl::Seconds(std::max(1.0, std::ceil(absl::ToDoubleSeconds(wait))));
  }
  return refusal;
}

absl::optional<Refusal> CheckCertificate(const Source& source,
                                         const HttpRequest& request) {
  if (source.certificate_name.empty()) return absl::nullopt;
  if (request.certificate_names.empty()) {
    return Refusal{401, Reason::kNoSignature,
                   absl::StrCat("source ", source.name,
                                " must show a client certificate: give the "
                                "sender one, and nothing that ends TLS in "
                                "between")};
  }
  if (absl::c_linear_search(request.certificate_names,
                            source.certificate_name)) {
    return absl::nullopt;
  }
  return Refusal{401, Reason::kSignature,
                 absl::StrCat("the client certificate is not that of source ",
                              source.name)};
}

}  // namespace

SourceGate::SourceGate(const SourceRegistry& sources, IngestMetrics& metrics,
                       const Clock& clock)
    : sources_(sources), metrics_(metrics), clock_(clock) {
  for (const Source& source : sources.sources()) {
    State& state = states_.emplace_back(source);
    state.refused = metrics.RefusalsOf(source.name);
    state.group->on_refused = [refused = state.refused](int status) mutable {
      refused.CountByStatus(status);
    };
  }
}

Admission SourceGate::Admit(SourceType type, const HttpRequest& request,
                            absl::optional<uint64_t> length) {
  const auto refuse = [&](const Refusal& refusal) {
    return Admission{.refusal = Refuse(type, refusal, request.peer,
                                       absl::ZeroDuration(), metrics_)};
  };
  const absl::StatusOr<const Source*> found = sources_.Find(
      type, request.path_params.empty() ? "" : request.path_params[0]);
  if (!found.ok()) {
    return refuse(
        {404, Reason::kUnknownSource, std::string(found.status().message())});
  }
  const Source& source = **found;
  // Before its limits, so that others cannot use them up.
  if (const auto refusal = CheckCertificate(source, request)) {
    return refuse(*refusal);
  }
  State& state = states_[&source - sources_.sources().data()];
  if (const auto refusal = CheckLimits(source, state, length)) {
    return refuse(*refusal);
  }
  return {.refusal = absl::nullopt,
          .max_body = source.limits.max_body,
          .group = state.group};
}

absl::optional<Refusal> SourceGate::CheckLimits(
    const Source& source, State& state, absl::optional<uint64_t> length) {
  const SourceLimits& limits = source.limits;
  if (length && *length > limits.max_body) {
    state.refused.Count(SourceRefusals::Limit::kSize);
    return Refusal{413, Reason::kSize,
                   absl::StrCat("source ", source.name, " may send at most ",
                                limits.max_body, " bytes")};
  }
  if (state.group->requests >= limits.max_concurrent) {
    state.refused.Count(SourceRefusals::Limit::kConcurrency);
    return BeyondLimits(source, absl::ZeroDuration(), "too much at once");
  }
  const absl::Duration wait = state.bucket.Take(clock_.MonotonicNow());
  if (wait == absl::ZeroDuration()) return absl::nullopt;
  state.refused.Count(SourceRefusals::Limit::kRate);
  return BeyondLimits(source, wait, "too fast");
}

}  // namespace lamplighter::ingest
