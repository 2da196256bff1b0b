#include "tests/forges/scripted_json.h"

#include <cstdint>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "boost/json/parse.hpp"
#include "boost/json/serialize.hpp"
#include "tests/forges/scripted_forge.h"

namespace lamplighter {

namespace json = ::boost::json;

HttpResponse Json(int status, const json::value& body) {
  return JsonResponse(status, json::serialize(body));
}

absl::optional<json::object> ReadBody(const HttpRequest& request) {
  json::error_code error;
  json::value value = json::parse(request.body, error);
  if (error || !value.is_object()) return absl::nullopt;
  return std::move(value.as_object());
}

std::string TextAt(const json::object& object, absl::string_view key) {
  const json::value* value = object.if_contains({key.data(), key.size()});
  if (value == nullptr || !value->is_string()) return "";
  return std::string(value->as_string());
}

size_t CountCharacters(absl::string_view text) {
  return absl::c_count_if(
      text, [](char c) { return (static_cast<uint8_t>(c) & 0xC0) != 0x80; });
}

bool IsKnownCommit(absl::string_view sha) {
  return sha.size() == 40 && absl::c_all_of(sha, &absl::ascii_isxdigit) &&
         !absl::c_all_of(sha, [](char c) { return c == '0'; });
}

}  // namespace lamplighter
