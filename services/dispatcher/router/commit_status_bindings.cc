#include "services/dispatcher/router/commit_status_bindings.h"

#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/time/proto_time.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "services/dispatcher/cel/cel_struct.h"

namespace lamplighter::dispatcher {
namespace {

using Fields = CelValue::Map;

void Add(Fields& fields, const char* name, const std::string& value) {
  if (value.empty()) return;  // as Go's `omitempty` has it
  fields.push_back({CelValue::String(name), CelValue::String(value)});
}

// Its keys are all different.
CelValue ToMap(Fields fields) {
  return CelValue::MakeMap(std::move(fields)).value_or(CelValue());
}

CelValue ReferenceValue(const v1::ObjectReference& object) {
  Fields fields;
  Add(fields, "kind", object.kind());
  Add(fields, "namespace", object.namespace_());
  Add(fields, "name", object.name());
  Add(fields, "uid", object.uid());
  Add(fields, "apiVersion", object.api_version());
  Add(fields, "resourceVersion", object.resource_version());
  return ToMap(std::move(fields));
}

CelValue EventValue(const v1::FluxEvent& event,
                    const std::map<std::string, std::string>& metadata) {
  Fields fields;
  fields.push_back({CelValue::String("involvedObject"),
                    ReferenceValue(event.involved_object())});
  for (const auto& [name, value] :
       {std::pair("severity", &event.severity()),
        std::pair("message", &event.message()),
        std::pair("reason", &event.reason()),
        std::pair("reportingController", &event.reporting_controller())}) {
    fields.push_back({CelValue::String(name), CelValue::String(*value)});
  }
  Add(fields, "reportingInstance", event.reporting_instance());
  fields.push_back({CelValue::String("timestamp"),
                    event.has_timestamp() ? CelValue::String(absl::FormatTime(
                                                "%Y-%m-%dT%H:%M:%SZ",
                                                FromProto(event.timestamp()),
                                                absl::UTCTimeZone()))
                                          : CelValue()});
  if (!metadata.empty()) {
    Fields entries;
    for (const auto& [key, value] : metadata) {
      entries.push_back({CelValue::String(key), CelValue::String(value)});
    }
    fields.push_back({CelValue::String("metadata"), ToMap(std::move(entries))});
  }
  return ToMap(std::move(fields));
}

}  // namespace

CelValue ObjectValue(const std::string& json) {
  google::protobuf::Struct object;
  // An empty map for what is no JSON object: only tests make such objects.
  if (!google::protobuf::util::JsonStringToMessage(json, &object).ok()) {
    object.Clear();
  }
  return CelValueFromStruct(object);
}

CelBindings CommitStatusBindings(
    const v1::FluxEvent& event,
    const std::map<std::string, std::string>& metadata, CelValue provider,
    CelValue alert) {
  return {{"event", EventValue(event, metadata)},
          {"provider", std::move(provider)},
          {"alert", std::move(alert)}};
}

}  // namespace lamplighter::dispatcher
