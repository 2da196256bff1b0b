#pragma once

#include <string>

#include "absl/time/time.h"
#include "common/http/http_server.h"
#include "services/ingest/intake.h"
#include "services/ingest/metrics.h"
#include "services/ingest/sources.h"

namespace lamplighter::ingest {

// Counts and logs that a request is refused, and words the answer. `peer` is
// the client's address, `took` the time since the request was there.
HttpResponse Refuse(SourceType type, const Refusal& refusal,
                    const std::string& peer, absl::Duration took,
                    IngestMetrics& metrics);

}  // namespace lamplighter::ingest
