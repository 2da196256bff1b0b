#include "services/dispatcher/router/revision.h"

#include <algorithm>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace lamplighter::dispatcher {

absl::StatusOr<std::string> ParseRevision(absl::string_view revision) {
  // Only the old forms have no algorithm before the id.
  const char separator =
      revision.find(':') == absl::string_view::npos ? '/' : ':';
  const size_t at = revision.rfind(separator);
  const absl::string_view id =
      at == absl::string_view::npos ? revision : revision.substr(at + 1);
  if ((id.size() != 40 && id.size() != 64) ||
      !std::all_of(id.begin(), id.end(), absl::ascii_isxdigit)) {
    return absl::NotFoundError(
        absl::StrCat("revision '", revision, "' does not name a commit"));
  }
  return absl::AsciiStrToLower(id);
}

absl::StatusOr<std::string> CommitOf(
    const std::map<std::string, std::string>& metadata) {
  for (const char* key : {"commit", "originRevision", "revision"}) {
    const auto it = metadata.find(key);
    if (it != metadata.end()) return ParseRevision(it->second);
  }
  return absl::NotFoundError("the event names no revision");
}

}  // namespace lamplighter::dispatcher
