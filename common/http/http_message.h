#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace lamplighter {

// Header fields in the order they came or shall go. Names ignore case.
struct HttpHeaders {
  std::vector<std::pair<std::string, std::string>> fields;

  // The first value of `name`, if there is one. Lives as long as the headers.
  absl::optional<absl::string_view> Find(absl::string_view name) const {
    for (const auto& [key, value] : fields) {
      if (absl::EqualsIgnoreCase(key, name)) return value;
    }
    return absl::nullopt;
  }
  void Add(std::string name, std::string value) {
    fields.emplace_back(std::move(name), std::move(value));
  }
};

}  // namespace lamplighter
