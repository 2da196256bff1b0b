#include "services/dispatcher/cel/conformance/cases.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <memory>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "boost/json/parse.hpp"
#include "common/status/macros.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/dynamic_message.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/json_util.h"
#include "services/dispatcher/cel/time_text.h"

namespace lamplighter::dispatcher::cel {
namespace {

namespace json = boost::json;
namespace protobuf = google::protobuf;

const json::object* Object(const json::object& parent, const char* field) {
  const json::value* const value = parent.if_contains(field);
  return value == nullptr ? nullptr : value->if_object();
}

std::string String(const json::object& parent, const char* field) {
  const json::value* const value = parent.if_contains(field);
  if (value == nullptr || !value->is_string()) return "";
  return std::string(*value->if_string());
}

std::vector<json::object> Objects(const json::object& parent,
                                  const char* field) {
  std::vector<json::object> objects;
  const json::value* const value = parent.if_contains(field);
  if (value == nullptr || !value->is_array()) return objects;
  for (const json::value& element : *value->if_array()) {
    if (element.is_object()) objects.push_back(*element.if_object());
  }
  return objects;
}

absl::StatusOr<json::object> FileAsJson(const protobuf::Message& prototype,
                                        const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  const std::unique_ptr<protobuf::Message> message(prototype.New());
  if (!protobuf::TextFormat::ParseFromString(text.str(), message.get())) {
    return absl::InvalidArgumentError(absl::StrCat("read ", path.string()));
  }
  protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string printed;
  const auto status =
      protobuf::util::MessageToJsonString(*message, &printed, options);
  if (!status.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("print ", path.string(), ": ", status.ToString()));
  }
  boost::json::error_code error;
  json::value parsed = json::parse(printed, error);
  if (error || !parsed.is_object()) {
    return absl::InternalError(absl::StrCat("parse ", path.string()));
  }
  return std::move(*parsed.if_object());
}

double ReadDouble(const json::value& value) {
  if (value.is_double()) return *value.if_double();
  if (value.is_int64()) return static_cast<double>(*value.if_int64());
  if (value.is_uint64()) return static_cast<double>(*value.if_uint64());
  const std::string text(*value.if_string());
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  return text == "-Infinity" ? -kInfinity : kInfinity;
}

absl::optional<CelValue> ReadList(const json::object& list) {
  CelValue::List elements;
  for (const json::object& element : Objects(list, "values")) {
    const absl::optional<CelValue> value = ReadValue(element);
    if (!value.has_value()) return absl::nullopt;
    elements.push_back(*value);
  }
  return CelValue::MakeList(std::move(elements));
}

absl::optional<CelValue> ReadMap(const json::object& map) {
  CelValue::Map entries;
  for (const json::object& entry : Objects(map, "entries")) {
    const absl::optional<CelValue> key = ReadValue(*Object(entry, "key"));
    const absl::optional<CelValue> value = ReadValue(*Object(entry, "value"));
    if (!key.has_value() || !value.has_value()) return absl::nullopt;
    entries.push_back({*key, *value});
  }
  auto made = CelValue::MakeMap(std::move(entries));
  if (!made.ok()) return absl::nullopt;
  return *std::move(made);
}

absl::optional<CelValue> ReadObject(const json::object& object) {
  const std::string type = String(object, "@type");
  const std::string text = String(object, "value");
  absl::StatusOr<CelValue> value = absl::UnimplementedError("");
  if (type == "type.googleapis.com/google.protobuf.Timestamp") {
    value = ParseTimestamp(text);
  } else if (type == "type.googleapis.com/google.protobuf.Duration") {
    value = ParseDuration(text);
  }
  if (!value.ok()) return absl::nullopt;
  return *std::move(value);
}

absl::optional<CelValue> ReadTypeValue(const std::string& name) {
  for (int kind = 0; kind <= static_cast<int>(CelValue::Kind::kOptional);
       ++kind) {
    const auto candidate = static_cast<CelValue::Kind>(kind);
    if (TypeName(candidate) == name) return CelValue::Type(candidate);
  }
  return absl::nullopt;
}

}  // namespace

std::string Case::Text(const char* field) const { return String(test, field); }

bool Case::Is(const char* field) const {
  const json::value* const value = test.if_contains(field);
  return value != nullptr && value->is_bool() && *value->if_bool();
}

absl::StatusOr<std::vector<Case>> ReadCases(const std::string& module,
                                            const std::string& schema) {
  protobuf::FileDescriptorSet files;
  std::ifstream stream(schema, std::ios::binary);
  if (!files.ParseFromIstream(&stream)) {
    return absl::NotFoundError(absl::StrCat("read ", schema));
  }
  protobuf::DescriptorPool pool;
  for (const protobuf::FileDescriptorProto& file : files.file()) {
    pool.BuildFile(file);
  }
  const protobuf::Descriptor* const type =
      pool.FindMessageTypeByName("cel.expr.conformance.test.SimpleTestFile");
  if (type == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat(schema, " does not describe the tests"));
  }
  protobuf::DynamicMessageFactory factory(&pool);
  const protobuf::Message& prototype = *factory.GetPrototype(type);

  std::vector<std::filesystem::path> paths;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(
           module + "/tests/simple/testdata", error)) {
    if (entry.path().extension() == ".textproto") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<Case> cases;
  for (const std::filesystem::path& path : paths) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(const json::object file,
                                 FileAsJson(prototype, path));
    for (const json::object& section : Objects(file, "section")) {
      for (json::object& test : Objects(section, "test")) {
        cases.push_back(
            {path.stem().string(), String(section, "name"), std::move(test)});
      }
    }
  }
  return cases;
}

absl::optional<CelValue> ReadValue(const json::object& value) {
  if (value.empty()) return absl::nullopt;
  const std::string kind(value.begin()->key());
  const json::value& content = value.begin()->value();
  const std::string text = String(value, kind.c_str());
  if (kind == "null_value") return CelValue();
  if (kind == "bool_value") return CelValue::Bool(*content.if_bool());
  if (kind == "string_value") return CelValue::String(text);
  if (kind == "double_value") return CelValue::Double(ReadDouble(content));
  if (kind == "type_value") return ReadTypeValue(text);
  if (kind == "list_value") return ReadList(*content.if_object());
  if (kind == "map_value") return ReadMap(*content.if_object());
  if (kind == "object_value") return ReadObject(*content.if_object());
  if (kind == "int64_value") {
    int64_t number = 0;
    if (absl::SimpleAtoi(text, &number)) return CelValue::Int(number);
  }
  if (kind == "uint64_value") {
    uint64_t number = 0;
    if (absl::SimpleAtoi(text, &number)) return CelValue::Uint(number);
  }
  if (kind == "bytes_value") {
    std::string bytes;
    if (absl::Base64Unescape(text, &bytes)) return CelValue::Bytes(bytes);
  }
  return absl::nullopt;
}

absl::optional<CelType> ReadType(const json::object& type) {
  const auto parse = [](const std::string& text) -> absl::optional<CelType> {
    auto parsed = CelType::Parse(text);
    if (!parsed.ok()) return absl::nullopt;
    return *std::move(parsed);
  };
  // The arguments of a type; nothing where one of them is none.
  const auto inner = [](const json::object& parent, const char* field) {
    const json::object* const object = Object(parent, field);
    return object == nullptr ? absl::optional<CelType>(absl::nullopt)
                             : ReadType(*object);
  };
  if (type.if_contains("dyn") != nullptr) return CelType();
  if (type.if_contains("null") != nullptr) return parse("null");
  if (const std::string name = String(type, "primitive"); !name.empty()) {
    const std::string lower = absl::AsciiStrToLower(name);
    return parse(lower == "int64" ? "int" : lower == "uint64" ? "uint" : lower);
  }
  if (const std::string name = String(type, "well_known"); !name.empty()) {
    return parse(absl::AsciiStrToLower(name));
  }
  if (const json::object* const list = Object(type, "list_type")) {
    const auto element = inner(*list, "elem_type");
    if (element.has_value()) return CelType::List(*element);
  }
  if (const json::object* const map = Object(type, "map_type")) {
    const auto key = inner(*map, "key_type");
    const auto value = inner(*map, "value_type");
    if (key.has_value() && value.has_value()) return CelType::Map(*key, *value);
  }
  if (type.if_contains("type") != nullptr) {
    const auto of = inner(type, "type");
    return CelType::TypeOf(of.has_value() ? *of : CelType());
  }
  if (const json::object* const abstract = Object(type, "abstract_type");
      abstract != nullptr && String(*abstract, "name") == "optional_type") {
    const std::vector<json::object> of = Objects(*abstract, "parameter_types");
    const auto value = of.empty() ? absl::nullopt : ReadType(of[0]);
    if (value.has_value()) return CelType::Optional(*value);
  }
  return absl::nullopt;
}

}  // namespace lamplighter::dispatcher::cel
