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

absl::string_view JsonText(const dom::object& object, absl::string_view key) {
  std::string_view text;
  if (object.at_key(Std(key)).get(text) != simdjson::SUCCESS) return {};
  return {text.data(), text.size()};
}

absl::optional<dom::object> JsonObject(const dom::object& object,
                                       absl::string_view key) {
  dom::object value;
  if (object.at_key(Std(key)).get(value) != simdjson::SUCCESS) {
    return absl::nullopt;
  }
  return value;
}

}  // namespace lamplighter::ingest
