#include "common/manifests/yaml_json.h"

#include <cmath>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "boost/json/serialize.hpp"
#include "boost/json/string.hpp"

namespace lamplighter {
namespace {

std::string Quoted(const std::string& text) {
  return boost::json::serialize(boost::json::string(text));
}

bool IsNull(absl::string_view text) {
  return text.empty() || text == "~" || text == "null" || text == "Null" ||
         text == "NULL";
}

bool IsTrue(absl::string_view text) {
  return text == "true" || text == "True" || text == "TRUE";
}

bool IsFalse(absl::string_view text) {
  return text == "false" || text == "False" || text == "FALSE";
}

std::string Scalar(const YAML::Node& node) {
  const std::string& text = node.Scalar();
  if (node.Tag() != "?") return Quoted(text);  // in quotes, or with a tag
  if (IsNull(text)) return "null";
  if (IsTrue(text)) return "true";
  if (IsFalse(text)) return "false";
  int64_t whole = 0;
  if (absl::SimpleAtoi(text, &whole)) return absl::StrCat(whole);
  double number = 0;
  const bool is_number =
      text.find_first_not_of("+-.0123456789eE") == std::string::npos &&
      absl::SimpleAtod(text, &number) && std::isfinite(number);
  return is_number ? absl::StrCat(number) : Quoted(text);
}

}  // namespace

std::string YamlToJson(const YAML::Node& node) {
  std::string json;
  switch (node.Type()) {
    case YAML::NodeType::Scalar:
      return Scalar(node);
    case YAML::NodeType::Sequence:
      for (const YAML::Node& element : node) {
        absl::StrAppend(&json, json.empty() ? "" : ",", YamlToJson(element));
      }
      return absl::StrCat("[", json, "]");
    case YAML::NodeType::Map:
      for (const auto& field : node) {
        absl::StrAppend(&json, json.empty() ? "" : ",",
                        Quoted(field.first.Scalar()), ":",
                        YamlToJson(field.second));
      }
      return absl::StrCat("{", json, "}");
    default:
      return "null";
  }
}

}  // namespace lamplighter
