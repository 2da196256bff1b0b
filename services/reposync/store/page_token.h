#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

// Opaque page tokens: where a page ended, for which call and which filter.

namespace lamplighter::reposync {

// `fields` have no NUL. `filter` is whatever the pages must have in common.
std::string MakePageToken(absl::string_view call, absl::string_view filter,
                          const std::vector<std::string>& fields);

// The fields; InvalidArgument where the token is not one of this call with this
// filter and so many fields.
absl::StatusOr<std::vector<std::string>> ReadPageToken(absl::string_view call,
                                                       absl::string_view filter,
                                                       absl::string_view token,
                                                       size_t fields);

}  // namespace lamplighter::reposync
