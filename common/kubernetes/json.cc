#include "common/kubernetes/json.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "boost/json/parse.hpp"
#include "boost/json/string_view.hpp"
#include "boost/json/value.hpp"

namespace lamplighter {
namespace {

namespace json = boost::json;

json::string_view View(absl::string_view text) {
  return {text.data(), text.size()};
}

}  // namespace

absl::StatusOr<json::object> ParseJsonObject(absl::string_view text) {
  json::error_code error;
  json::parse_options options;
  options.max_depth = 64;
  json::value value = json::parse(View(text), error, {}, options);
  if (error) {
    return absl::InvalidArgumentError("not JSON: " + error.message());
  }
  json::object* object = value.if_object();
  if (object == nullptr) return absl::InvalidArgumentError("no JSON object");
  return std::move(*object);
}

std::string TextAt(const json::object& object,
                   std::initializer_list<absl::string_view> path) {
  const json::object* at = &object;
  for (const absl::string_view key : path) {
    const json::value* value =
        at == nullptr ? nullptr : at->if_contains(View(key));
    if (value == nullptr) return "";
    if (const json::string* text = value->if_string()) {
      return std::string(text->data(), text->size());
    }
    at = value->if_object();
  }
  return "";
}

}  // namespace lamplighter
