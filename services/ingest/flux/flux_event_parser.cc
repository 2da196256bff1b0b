#include "services/ingest/flux/flux_event_parser.h"

#include <string_view>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/status/macros.h"
#include "common/time/proto_time.h"
#include "services/ingest/event_id.h"

namespace lamplighter::ingest {
namespace {

namespace dom = simdjson::dom;

absl::string_view Absl(std::string_view text) {
  return {text.data(), text.size()};
}

absl::Status Wrong(absl::string_view path, absl::string_view problem) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", problem));
}

absl::Status ReadText(const dom::element& value, absl::string_view path,
                      std::string& text) {
  if (value.is_null()) return absl::OkStatus();
  std::string_view read;
  if (value.get(read) != simdjson::SUCCESS) {
    return Wrong(path, "must be a string");
  }
  text.assign(read);
  return absl::OkStatus();
}

template <typename Message>
struct TextField {
  absl::string_view path;
  std::string* (Message::*mutable_text)();
};

constexpr absl::string_view kObject = "involvedObject";

const TextField<v1::ObjectReference> kObjectFields[] = {
    {"involvedObject.kind", &v1::ObjectReference::mutable_kind},
    {"involvedObject.namespace", &v1::ObjectReference::mutable_namespace_},
    {"involvedObject.name", &v1::ObjectReference::mutable_name},
    {"involvedObject.uid", &v1::ObjectReference::mutable_uid},
    {"involvedObject.apiVersion", &v1::ObjectReference::mutable_api_version},
    {"involvedObject.resourceVersion",
     &v1::ObjectReference::mutable_resource_version},
    {"involvedObject.fieldPath", &v1::ObjectReference::mutable_field_path},
};

const TextField<v1::FluxEvent> kEventFields[] = {
    {"severity", &v1::FluxEvent::mutable_severity},
    {"message", &v1::FluxEvent::mutable_message},
    {"reason", &v1::FluxEvent::mutable_reason},
    {"reportingController", &v1::FluxEvent::mutable_reporting_controller},
    {"reportingInstance", &v1::FluxEvent::mutable_reporting_instance},
};

absl::Status ReadObject(const dom::element& value,
                        v1::ObjectReference& reference) {
  if (value.is_null()) return absl::OkStatus();
  dom::object object;
  if (value.get(object) != simdjson::SUCCESS) {
    return Wrong(kObject, "must be an object");
  }
  for (const auto [key, member] : object) {
    for (const auto& field : kObjectFields) {
      const absl::string_view name = field.path.substr(kObject.size() + 1);
      if (!absl::EqualsIgnoreCase(Absl(key), name)) continue;
      LAMPLIGHTER_RETURN_IF_ERROR(
          ReadText(member, field.path, *(reference.*field.mutable_text)()));
    }
  }
  return absl::OkStatus();
}

absl::Status ReadMetadata(const dom::element& value, v1::FluxEvent& event) {
  if (value.is_null()) return absl::OkStatus();
  dom::object object;
  if (value.get(object) != simdjson::SUCCESS) {
    return Wrong("metadata", "must be an object");
  }
  for (const auto [key, member] : object) {
    // As in Go, null is an empty value here, not an absent one.
    std::string text;
    const absl::string_view name = key.size() > 100 ? "..." : Absl(key);
    LAMPLIGHTER_RETURN_IF_ERROR(
        ReadText(member, absl::StrCat("metadata.", name), text));
    (*event.mutable_metadata())[std::string(key)] = std::move(text);
  }
  return absl::OkStatus();
}

// The bounds of google.protobuf.Timestamp.
const absl::Time kFirstTime = absl::FromUnixSeconds(-62135596800);
const absl::Time kLastTime = absl::FromUnixSeconds(253402300799);

absl::Status ReadTimestamp(const dom::element& value, v1::FluxEvent& event) {
  if (value.is_null()) return absl::OkStatus();
  std::string_view text;
  absl::Time time;
  // ParseTime() alone would also take spaces and "infinite-future".
  if (value.get(text) != simdjson::SUCCESS || text.size() < 20 ||
      text.find_first_not_of("0123456789-+:.TZ") != std::string_view::npos ||
      !absl::ascii_isdigit(text.front()) || text[4] != '-' ||
      !absl::ParseTime(absl::RFC3339_full, Absl(text), &time, nullptr) ||
      time < kFirstTime || time > kLastTime) {
    return Wrong("timestamp", "must be an RFC 3339 time");
  }
  *event.mutable_timestamp() = ToProto(time);
  return absl::OkStatus();
}

absl::Status ReadField(absl::string_view key, const dom::element& value,
                       v1::FluxEvent& event) {
  if (absl::EqualsIgnoreCase(key, kObject)) {
    return ReadObject(value, *event.mutable_involved_object());
  }
  if (absl::EqualsIgnoreCase(key, "metadata"))
    return ReadMetadata(value, event);
  if (absl::EqualsIgnoreCase(key, "timestamp")) {
    return ReadTimestamp(value, event);
  }
  for (const auto& field : kEventFields) {
    if (absl::EqualsIgnoreCase(key, field.path)) {
      return ReadText(value, field.path, *(event.*field.mutable_text)());
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::FluxEvent> ParseFluxEvent(JsonParser& parser,
                                             absl::string_view body) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const dom::element document, parser.Parse(body));
  v1::FluxEvent event;
  dom::object object;
  if (document.get(object) == simdjson::SUCCESS) {
    for (const auto [key, value] : object) {
      LAMPLIGHTER_RETURN_IF_ERROR(ReadField(Absl(key), value, event));
    }
  } else if (!document.is_null()) {
    return absl::InvalidArgumentError("the body must be a JSON object");
  }
  for (const auto& [path, text] :
       {std::pair(absl::string_view("involvedObject.kind"),
                  &event.involved_object().kind()),
        std::pair(absl::string_view("involvedObject.name"),
                  &event.involved_object().name())}) {
    if (text->empty()) return Wrong(path, "must not be empty");
  }
  return event;
}

std::string FluxEventId(const v1::FluxEvent& event) {
  const v1::ObjectReference& object = event.involved_object();
  const std::string timestamp =
      absl::StrCat(event.timestamp().seconds(), ".", event.timestamp().nanos());
  std::vector<absl::string_view> parts = {event.cluster(),
                                          object.kind(),
                                          object.namespace_(),
                                          object.name(),
                                          object.uid(),
                                          object.api_version(),
                                          object.resource_version(),
                                          object.field_path(),
                                          event.severity(),
                                          timestamp,
                                          event.reason(),
                                          event.message()};
  std::vector<std::pair<absl::string_view, absl::string_view>> metadata(
      event.metadata().begin(), event.metadata().end());
  absl::c_sort(metadata);
  for (const auto& [key, value] : metadata) {
    parts.push_back(key);
    parts.push_back(value);
  }
  return ContentId(parts);
}

}  // namespace lamplighter::ingest
