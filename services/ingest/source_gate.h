#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/http/http_server.h"
#include "common/time/clock.h"
#include "services/ingest/intake.h"
#include "services/ingest/metrics.h"
#include "services/ingest/sources.h"
#include "services/ingest/token_bucket.h"

namespace lamplighter::ingest {

// Decides on requests by their header, before their bodies are read: whether
// there is such a source, has shown the certificate that it must, and is within
// its limits. What one source takes is never another's. On the loop only.
class SourceGate {
 public:
  // All must outlive the gate, and the gate its requests' headers.
  SourceGate(const SourceRegistry& sources, IngestMetrics& metrics,
             const Clock& clock);

  // Counts what it refuses.
  Admission Admit(SourceType type, const HttpRequest& request,
                  absl::optional<uint64_t> length);

 private:
  struct State {
    explicit State(const Source& source)
        : bucket(source.limits.requests_per_second, source.limits.burst) {}

    TokenBucket bucket;
    // Shared with the requests, which may outlive the gate.
    std::shared_ptr<RequestGroup> group = std::make_shared<RequestGroup>();
    SourceRefusals refused;
  };

  absl::optional<Refusal> CheckLimits(const Source& source, State& state,
                                      absl::optional<uint64_t> length);

  const SourceRegistry& sources_;
  IngestMetrics& metrics_;
  const Clock& clock_;
  std::vector<State> states_;  // as the registry's sources
};

}  // namespace lamplighter::ingest
