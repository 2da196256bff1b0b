#pragma once

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

// The string `key` of `object`; empty where it has none or it is no string.
// Lives as long as the document.
absl::string_view JsonText(const simdjson::dom::object& object,
                           absl::string_view key);

// The object `key` of `object`; null where it has none.
absl::optional<simdjson::dom::object> JsonObject(
    const simdjson::dom::object& object, absl::string_view key);

}  // namespace lamplighter::ingest
