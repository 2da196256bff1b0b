#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "absl/types/variant.h"
#include "common/http/http_message.h"
#include "common/kafka/record.h"
#include "common/time/clock.h"
#include "services/ingest/json_parser.h"
#include "services/ingest/metrics.h"
#include "services/ingest/raw_body.h"
#include "services/ingest/sources.h"
#include "services/ingest/verify.h"

namespace lamplighter::ingest {

// Why and how a request is not accepted. `detail` goes to the sender.
struct Refusal {
  int status = 400;
  Reason reason = Reason::kMalformed;
  std::string detail;
  // In what time it may be sent again, in whole seconds; not said if zero.
  absl::Duration retry_after = absl::ZeroDuration();
};

// Somebody tries the connection: all is well, and there is nothing to write.
struct Nothing {};

// What becomes of a request.
using Intake = absl::variant<Record, Refusal, Nothing>;

// What turning requests into records takes. Used by one request at a time.
struct IntakeContext {
  const SourceRegistry& sources;
  const Clock& clock;
  IngestMetrics& metrics;
  size_t max_record_bytes = 0;
  JsonParser json;
  RawBodyPacker packer;
  std::string traceparent = {};  // of the record to be made
};

enum class BodyKind : uint8_t { kJson, kForm, kOther };

// What a Content-Type announces. None is taken for JSON: what is sent shows
// soon enough.
BodyKind BodyKindOf(absl::optional<absl::string_view> content_type);

// `value` if it is at most 128 characters of printable ASCII, else nothing.
// What comes from a header is not signed, and need not be UTF-8.
std::string PlainHeader(absl::optional<absl::string_view> value);

// The refusal of a request whose `proof` is not valid. `where` names what the
// source is to prove itself with.
Refusal Unproven(Proof proof, absl::string_view where, const Source& source);

}  // namespace lamplighter::ingest
