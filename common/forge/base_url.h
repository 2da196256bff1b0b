#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "common/forge/git_address.h"

namespace lamplighter {

// The URL of `elements`, which are decoded, on the host of `address`.
std::string BaseUrl(const GitAddress& address,
                    absl::Span<const absl::string_view> elements);

}  // namespace lamplighter
