#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/lamplighter/v1/events.pb.h"
#include "services/ingest/json_parser.h"

namespace lamplighter::ingest {

// Reads the body that a Flux controller or notification-controller posts, with
// the rules of Go's encoding/json, which wrote it: keys ignore case, unknown
// ones are skipped, null leaves a field empty, the last of equal keys counts.
// Sets what the body says: not id, source, cluster, received_at and raw.
//
// InvalidArgument as "metadata.revision: must be a string". Unlike in
// notification-controller that is also the answer to an event without an
// object's kind and name, since no Alert can be meant by it, and to invalid
// UTF-8, which Go never sends.
absl::StatusOr<v1::FluxEvent> ParseFluxEvent(JsonParser& parser,
                                             absl::string_view body);

// The same for the same event, however often and in whatever order of keys it
// is sent: made of cluster, object, severity, timestamp, reason, message and
// metadata.
std::string FluxEventId(const v1::FluxEvent& event);

}  // namespace lamplighter::ingest
