#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "re2/re2.h"

namespace lamplighter::dispatcher::cel {

// InvalidArgument where it is no regular expression, or too big a one.
absl::StatusOr<std::unique_ptr<const RE2>> CompileRegex(
    absl::string_view pattern);

}  // namespace lamplighter::dispatcher::cel
