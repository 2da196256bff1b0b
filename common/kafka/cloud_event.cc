#include "common/kafka/cloud_event.h"

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace lamplighter {
namespace {

constexpr absl::string_view kSpecVersion = "1.0";

}  // namespace

std::vector<RecordHeader> ToHeaders(const CloudEvent& event) {
  std::vector<RecordHeader> headers;
  headers.reserve(9);
  headers.push_back({"ce_specversion", std::string(kSpecVersion)});
  headers.push_back({"ce_id", event.id});
  headers.push_back({"ce_source", event.source});
  headers.push_back({"ce_type", event.type});
  headers.push_back(
      {"ce_time", absl::FormatTime("%Y-%m-%d%ET%H:%M:%E*SZ", event.time,
                                   absl::UTCTimeZone())});
  const auto add = [&headers](absl::string_view name, const std::string& text) {
    if (!text.empty()) headers.push_back({std::string(name), text});
  };
  add("ce_subject", event.subject);
  add("ce_dataschema", event.dataschema);
  add("content-type", event.content_type);
  add("traceparent", event.traceparent);
  return headers;
}

absl::StatusOr<CloudEvent> CloudEventFromHeaders(
    const std::vector<RecordHeader>& headers) {
  CloudEvent event;
  absl::string_view specversion;
  absl::string_view time;
  for (const auto& [name, value] : headers) {
    if (name == "ce_specversion") specversion = value;
    if (name == "ce_id") event.id = value;
    if (name == "ce_source") event.source = value;
    if (name == "ce_type") event.type = value;
    if (name == "ce_subject") event.subject = value;
    if (name == "ce_time") time = value;
    if (name == "ce_dataschema") event.dataschema = value;
    if (name == "traceparent") event.traceparent = value;
    // Kafka's names have case; other writers of events do not agree on it.
    if (absl::EqualsIgnoreCase(name, "content-type")) {
      event.content_type = value;
    }
  }
  if (specversion != kSpecVersion) {
    return absl::InvalidArgumentError("header ce_specversion is not 1.0");
  }
  if (event.id.empty()) return absl::InvalidArgumentError("no header ce_id");
  if (event.source.empty()) {
    return absl::InvalidArgumentError("no header ce_source");
  }
  if (event.type.empty()) {
    return absl::InvalidArgumentError("no header ce_type");
  }
  std::string error;
  if (!time.empty() &&
      !absl::ParseTime(absl::RFC3339_full, time, &event.time, &error)) {
    return absl::InvalidArgumentError(absl::StrCat("header ce_time: ", error));
  }
  return event;
}

}  // namespace lamplighter
