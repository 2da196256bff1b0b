#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/kafka/record.h"

namespace lamplighter {

// The attributes of a CloudEvents 1.0 event, as they stand in the headers of a
// Kafka record (binary content mode of the CloudEvents Kafka binding).
struct CloudEvent {
  std::string id;
  std::string source;   // URI reference of who made it
  std::string type;     // e.g. dev.lamplighter.flux-event.v1
  std::string subject;  // may be empty
  absl::Time time;
  std::string dataschema;    // may be empty
  std::string content_type;  // of the value; application/protobuf for ours
  std::string traceparent;   // W3C; may be empty. Header `traceparent`.
};

// The headers that carry `event`.
std::vector<RecordHeader> ToHeaders(const CloudEvent& event);

// Reads them back; InvalidArgument if one that CloudEvents requires (id,
// source, type, specversion 1.0) is missing.
absl::StatusOr<CloudEvent> CloudEventFromHeaders(
    const std::vector<RecordHeader>& headers);

}  // namespace lamplighter
