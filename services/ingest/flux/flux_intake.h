#pragma once

#include "common/http/http_server.h"
#include "services/ingest/intake.h"

namespace lamplighter::ingest {

// Turns a request of a Flux controller or of notification-controller into a
// record for the Flux events. Its path parameters are source and path token,
// where the path has them.
Intake TakeFluxEvent(IntakeContext& context, HttpRequest request);

}  // namespace lamplighter::ingest
