#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace lamplighter::provider {

// The JSON web token by which a GitHub App proves that it is `app_id` (or its
// client id), valid for nine minutes. It dates from a minute ago: GitHub takes
// none from the future, and clocks differ. Unauthenticated where `private_key`
// is no RSA key in PEM. For any thread.
absl::StatusOr<std::string> MakeAppJwt(absl::string_view app_id,
                                       absl::string_view private_key,
                                       absl::Time now);

}  // namespace lamplighter::provider
