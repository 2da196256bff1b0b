#include "services/dispatcher/cel/regex.h"

#include <memory>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace lamplighter::dispatcher::cel {
namespace {

constexpr size_t kMaxPattern = 4096;
// Of its program and of what matching remembers.
constexpr int64_t kMaxBytes = 1 << 20;

}  // namespace

absl::StatusOr<std::unique_ptr<const RE2>> CompileRegex(
    absl::string_view pattern) {
  if (pattern.size() > kMaxPattern) {
    return absl::InvalidArgumentError(
        absl::StrCat("error parsing regexp: longer than ", kMaxPattern));
  }
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMaxBytes);
  auto regex = std::make_unique<const RE2>(
      re2::StringPiece(pattern.data(), pattern.size()), options);
  if (regex->ok()) return regex;
  return absl::InvalidArgumentError(
      absl::StrCat("error parsing regexp: ", regex->error()));
}

}  // namespace lamplighter::dispatcher::cel
