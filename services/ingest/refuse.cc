#include "services/ingest/refuse.h"

#include "absl/strings/str_cat.h"
#include "common/log/log.h"

namespace lamplighter::ingest {

HttpResponse Refuse(SourceType type, const Refusal& refusal,
                    const std::string& peer, absl::Duration took,
                    IngestMetrics& metrics) {
  metrics.Rejected(type, refusal.reason, took);
  LAMPLIGHTER_LOG_EVERY_SECOND(kWarning, "request rejected")
      .With("provider", NameOf(type))
      .With("status", refusal.status)
      .With("peer", peer);
  HttpResponse response = Problem(refusal.status, refusal.detail);
  // RFC 9110 wants a challenge with each 401, and signatures have no scheme.
  if (refusal.status == 401) {
    response.headers.Add("WWW-Authenticate", type == SourceType::kAzureDevOps
                                                 ? "Basic realm=\"webhooks\""
                                                 : "Bearer");
  }
  if (refusal.retry_after > absl::ZeroDuration()) {
    response.headers.Add(
        "Retry-After", absl::StrCat(absl::ToInt64Seconds(refusal.retry_after)));
  }
  return response;
}

}  // namespace lamplighter::ingest
