#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "simdjson.h"

namespace lamplighter::ingest {

// Parses one document at a time, with memory that it keeps for the next one.
class JsonParser {
 public:
  // The document, which lives until the next call. InvalidArgument says what is
  // wrong and where; it never quotes the text.
  absl::StatusOr<simdjson::dom::element> Parse(absl::string_view json);

 private:
  simdjson::dom::parser parser_;
};

// The readers below take a key of `object`, or several with slashes between
// them for what lies deeper: "repository/owner/id". What they return lives as
// long as the document.

// Empty where there is none or it is no string.
absl::string_view JsonText(const simdjson::dom::object& object,
                           absl::string_view path);

// Null where there is none.
absl::optional<simdjson::dom::object> JsonObject(
    const simdjson::dom::object& object, absl::string_view path);

// Empty where there is none.
std::vector<simdjson::dom::element> JsonArray(
    const simdjson::dom::object& object, absl::string_view path);

// Null where there is none or it is no integer.
absl::optional<int64_t> JsonInteger(const simdjson::dom::object& object,
                                    absl::string_view path);

// False where there is none.
bool JsonFlag(const simdjson::dom::object& object, absl::string_view path);

// An id, which some forges write as a number and some as a string, as text.
std::string JsonId(const simdjson::dom::object& object, absl::string_view path);

}  // namespace lamplighter::ingest
