#pragma once

#include <string>
#include <string_view>

#include "simdjson.h"

namespace lamplighter::provider {

// The text at `key` of a forge's answer; empty where there is none or it is no
// string: null, say.
inline std::string StringAt(simdjson::dom::element object,
                            std::string_view key) {
  std::string_view value;
  if (object[key].get(value)) return "";
  return std::string(value);
}

}  // namespace lamplighter::provider
