#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/status/macros.h"
#include "services/provider/forges/json_text.h"
#include "simdjson.h"

namespace lamplighter::provider {

// What `read` makes of the object that a forge's answer is. Unavailable if it
// is something else.
template <typename T, typename Read>
absl::StatusOr<T> ReadObject(const std::string& body, Read read) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(body).get(root) || !root.is_object()) {
    return UnreadableAnswer();
  }
  return read(root);
}

// What `read` makes of each entry of the array that a forge's answer is; an
// entry that it cannot read fails the whole. Unavailable if the answer is
// something else.
template <typename T, typename Read>
absl::StatusOr<std::vector<T>> ReadList(const std::string& body, Read read) {
  simdjson::dom::parser parser;
  simdjson::dom::array array;
  if (parser.parse(body).get(array)) return UnreadableAnswer();
  std::vector<T> list;
  for (const simdjson::dom::element entry : array) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(T item, read(entry));
    list.push_back(std::move(item));
  }
  return list;
}

}  // namespace lamplighter::provider
