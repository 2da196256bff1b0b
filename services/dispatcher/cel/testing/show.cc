#include "services/dispatcher/cel/testing/show.h"

#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/log/log.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "services/dispatcher/cel/cel.h"
#include "services/dispatcher/cel/cel_struct.h"
#include "services/dispatcher/cel/number_text.h"
#include "services/dispatcher/cel/time_text.h"

namespace lamplighter::dispatcher {
namespace {

using Kind = CelValue::Kind;

constexpr char kObjects[] = R"({
  "event": {
    "involvedObject": {"kind": "Kustomization", "namespace": "ns",
                       "name": "apps"},
    "severity": "info",
    "message": "msg",
    "reason": "ReconciliationSucceeded",
    "timestamp": null,
    "metadata": {"cluster": "prod-1", "revision": "main@sha1:0"},
    "numbers": [1, 2.5],
    "mixed": [1, "a", true, null, {"k": "v"}]
  },
  "alert": {"metadata": {"name": "al", "labels": {"env": "prod"}},
            "spec": {}},
  "provider": {"metadata": {"name": "github-status"}}
})";

std::string ShowDouble(double value) {
  const std::string text = cel::ShortestText(value);
  return text.find_first_not_of("-0123456789") == std::string::npos
             ? text + ".0"
             : text;
}

std::string Quoted(absl::string_view text) {
  return absl::StrCat("\"", absl::Utf8SafeCEscape(text), "\"");
}

}  // namespace

std::string Show(const CelValue& value) {
  switch (value.kind()) {
    case Kind::kNull:
      return "null";
    case Kind::kBool:
      return value.bool_value() ? "true" : "false";
    case Kind::kInt:
      return absl::StrCat(value.int_value());
    case Kind::kUint:
      return absl::StrCat(value.uint_value(), "u");
    case Kind::kDouble:
      return ShowDouble(value.double_value());
    case Kind::kString:
      return Quoted(value.string_value());
    case Kind::kBytes:
      return absl::StrCat("b\"", absl::CEscape(value.bytes_value()), "\"");
    case Kind::kList:
      return absl::StrCat("[",
                          absl::StrJoin(value.list_value(), ", ",
                                        [](std::string* out, const auto& next) {
                                          out->append(Show(next));
                                        }),
                          "]");
    case Kind::kMap:
      return absl::StrCat(
          "{",
          absl::StrJoin(value.map_value(), ", ",
                        [](std::string* out, const CelMapEntry& entry) {
                          absl::StrAppend(out, Show(entry.key), ": ",
                                          Show(entry.value));
                        }),
          "}");
    case Kind::kTimestamp:
      return absl::StrCat("timestamp(\"",
                          cel::TimestampText(value.timestamp_value()), "\")");
    case Kind::kDuration:
      return absl::StrCat("duration(\"",
                          cel::DurationText(value.duration_value()), "\")");
    case Kind::kType:
      return std::string(TypeName(value.type_value()));
    case Kind::kOptional:
      return value.optional_value() == nullptr
                 ? "optional.none()"
                 : absl::StrCat("optional.of(", Show(*value.optional_value()),
                                ")");
  }
  return "";
}

std::string Evaluated(absl::string_view source) {
  return Evaluated(source, FluxOptions(), FluxBindings());
}

std::string Evaluated(absl::string_view source, const CelOptions& options,
                      const CelBindings& bindings) {
  const auto expression = CelExpression::Compile(source, options);
  if (!expression.ok()) {
    return absl::StrCat("error: ", expression.status().message());
  }
  const auto value = (*expression)->Evaluate(bindings);
  return value.ok() ? Show(*value)
                    : absl::StrCat("error: ", value.status().message());
}

CelOptions FluxOptions() {
  CelOptions options;
  options.variables = {{"event"}, {"alert"}, {"provider"}};
  return options;
}

CelBindings FluxBindings() {
  google::protobuf::Struct objects;
  const auto status =
      google::protobuf::util::JsonStringToMessage(kObjects, &objects);
  LAMPLIGHTER_CHECK(status.ok(), "the test's objects are JSON");
  CelBindings bindings;
  for (const auto& [name, object] : objects.fields()) {
    bindings[name] = CelValueFromStruct(object.struct_value());
  }
  return bindings;
}

}  // namespace lamplighter::dispatcher
