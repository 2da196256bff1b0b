#include "common/config/secret.h"

#include <cstddef>
#include <cstdlib>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "common/config/small_file.h"
#include "common/status/macros.h"

namespace lamplighter {
namespace {

constexpr size_t kMaxSecret = 64 << 10;

absl::StatusOr<std::string> FromEnvironment(const std::string& name) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing here sets the environment
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) {
    return absl::NotFoundError(
        absl::StrCat("environment variable ", name, " is not set"));
  }
  return std::string(value);
}

}  // namespace

absl::StatusOr<std::string> ReadSecret(const std::string& file,
                                       const std::string& env) {
  if (file.empty() == env.empty()) {
    return absl::InvalidArgumentError(
        file.empty() ? "needs a file or an environment variable"
                     : "has both a file and an environment variable");
  }
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      const std::string content,
      file.empty() ? FromEnvironment(env) : ReadSmallFile(file, kMaxSecret));
  absl::string_view secret = content;
  if (absl::ConsumeSuffix(&secret, "\n")) absl::ConsumeSuffix(&secret, "\r");
  if (secret.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        file.empty() ? absl::StrCat("environment variable ", env) : file,
        ": is empty"));
  }
  return std::string(secret);
}

}  // namespace lamplighter
