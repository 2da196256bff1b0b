#pragma once

#include "common/http/http_server.h"
#include "services/ingest/forges/webhook_normalizer.h"
#include "services/ingest/intake.h"

namespace lamplighter::ingest {

// Turns a forge's delivery into a record for the Git events. Its path parameter
// is the source, where the path has it.
Intake TakeWebhook(IntakeContext& context, SourceType type,
                   const WebhookNormalizer& normalizer, HttpRequest request);

}  // namespace lamplighter::ingest
