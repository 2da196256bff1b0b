#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "simdjson.h"

namespace lamplighter::provider {

// For a 2xx that is not what the API answers: a gateway's page, half an answer.
inline absl::Status UnreadableAnswer() {
  return absl::UnavailableError(
      "the forge answered with something else than its API does");
}

// The text at `key` of a forge's answer; empty where there is none or it is no
// string: null, say.
inline std::string StringAt(simdjson::dom::element object,
                            std::string_view key) {
  std::string_view value;
  if (object[key].get(value)) return "";
  return std::string(value);
}

// The same at a JSON pointer: "/links/html/href".
inline std::string StringAtPointer(simdjson::dom::element object,
                                   std::string_view pointer) {
  std::string_view value;
  if (object.at_pointer(pointer).get(value)) return "";
  return std::string(value);
}

// The whole number at `key`, an id say, in digits; empty where there is none.
inline std::string IdAt(simdjson::dom::element object, std::string_view key) {
  int64_t id = 0;
  if (object[key].get(id)) return "";
  return absl::StrCat(id);
}

// True if `key` is true.
inline bool FlagAt(simdjson::dom::element object, std::string_view key) {
  bool flag = false;
  return !object[key].get(flag) && flag;
}

// The RFC 3339 time at `key`; none where there is no such.
inline absl::optional<absl::Time> TimeAt(simdjson::dom::element object,
                                         std::string_view key) {
  absl::Time time;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, StringAt(object, key), &time,
                       &error)) {
    return absl::nullopt;
  }
  return time;
}

}  // namespace lamplighter::provider
