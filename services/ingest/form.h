#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace lamplighter::ingest {

// The first value of `name` in an application/x-www-form-urlencoded body,
// decoded; null if there is none or it is not well encoded. `name` is plain.
absl::optional<std::string> FormValue(absl::string_view form,
                                      absl::string_view name);

}  // namespace lamplighter::ingest
