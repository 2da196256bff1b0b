#include "services/ingest/json_parser.h"

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "boost/json/stream_parser.hpp"

namespace lamplighter::ingest {
namespace {

namespace dom = simdjson::dom;

// The memory for a document is some 13 times its size: that of a large one is
// given back.
constexpr size_t kMaxKeptCapacity = 1 << 20;
// What may be spent on telling somebody where their text is wrong.
constexpr size_t kMaxDiagnosed = 64 << 10;

// simdjson's DOM does not say where it stopped.
std::string Place(absl::string_view json) {
  if (json.empty()) return "it is empty";
  boost::json::parse_options options;
  options.max_depth = 1024;
  boost::json::stream_parser parser({}, options);
  boost::system::error_code error;
  const absl::string_view head = json.substr(0, kMaxDiagnosed);
  const size_t read = parser.write_some(head.data(), head.size(), error);
  if (error) {
    return absl::StrCat(error.message(), " near byte ", read);
  }
  if (read < head.size()) return absl::StrCat("more follows at byte ", read);
  if (head.size() < json.size()) {
    return absl::StrCat("beyond byte ", kMaxDiagnosed);
  }
  parser.finish(error);
  return error ? "it ends too early" : "";
}

std::string_view Std(absl::string_view text) {
  return {text.data(), text.size()};
}

// What is at `path`, if it is a T.
template <typename T>
absl::optional<T> Get(dom::object object, absl::string_view path) {
  for (size_t slash = path.find('/'); slash != absl::string_view::npos;
       slash = path.find('/')) {
    if (object.at_key(Std(path.substr(0, slash))).get(object) !=
        simdjson::SUCCESS) {
      return absl::nullopt;
    }
    path.remove_prefix(slash + 1);
  }
  T value;
  if (object.at_key(Std(path)).get(value) != simdjson::SUCCESS) {
    return absl::nullopt;
  }
  return value;
}

}  // namespace

absl::StatusOr<dom::element> JsonParser::Parse(absl::string_view json) {
  if (parser_.capacity() > kMaxKeptCapacity) parser_ = dom::parser();
  dom::element document;
  const simdjson::error_code error =
      parser_.parse(json.data(), json.size(), /*realloc_if_needed=*/true)
          .get(document);
  if (error == simdjson::SUCCESS) return document;
  std::string place = Place(json);
  if (place.empty()) place = simdjson::error_message(error);
  return absl::InvalidArgumentError(
      absl::StrCat("the body is not valid JSON: ", place));
}

absl::string_view JsonText(const dom::object& object, absl::string_view path) {
  const std::string_view text =
      Get<std::string_view>(object, path).value_or("");
  return {text.data(), text.size()};
}

absl::optional<dom::object> JsonObject(const dom::object& object,
                                       absl::string_view path) {
  return Get<dom::object>(object, path);
}

std::vector<dom::element> JsonArray(const dom::object& object,
                                    absl::string_view path) {
  std::vector<dom::element> elements;
  if (const auto array = Get<dom::array>(object, path); array.has_value()) {
    for (const dom::element element : *array) elements.push_back(element);
  }
  return elements;
}

absl::optional<int64_t> JsonInteger(const dom::object& object,
                                    absl::string_view path) {
  return Get<int64_t>(object, path);
}

bool JsonFlag(const dom::object& object, absl::string_view path) {
  return Get<bool>(object, path).value_or(false);
}

std::string JsonId(const dom::object& object, absl::string_view path) {
  if (const auto number = JsonInteger(object, path); number.has_value()) {
    return absl::StrCat(*number);
  }
  return std::string(JsonText(object, path));
}

}  // namespace lamplighter::ingest
