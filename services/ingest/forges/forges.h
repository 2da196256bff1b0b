#pragma once

#include "services/ingest/forges/webhook_normalizer.h"
#include "services/ingest/sources.h"

namespace lamplighter::ingest {

// What knows the deliveries of sources of `type`; null for Flux, which is no
// forge. Lives as long as the program.
const WebhookNormalizer* NormalizerOf(SourceType type);

}  // namespace lamplighter::ingest
