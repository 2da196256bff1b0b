#include "services/reposync/store/page_token.h"

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "services/reposync/store/text.h"

namespace lamplighter::reposync {
namespace {

constexpr size_t kMaxTokenBytes = 16 << 10;

// FNV-1a: the same in every process and release.
std::string HashOf(absl::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  return absl::StrCat(absl::Hex(hash));
}

}  // namespace

std::string MakePageToken(absl::string_view call, absl::string_view filter,
                          const std::vector<std::string>& fields) {
  return absl::WebSafeBase64Escape(absl::StrCat(
      call, std::string(1, '\0'), HashOf(filter), std::string(1, '\0'),
      absl::StrJoin(fields, absl::string_view("\0", 1))));
}

absl::StatusOr<std::vector<std::string>> ReadPageToken(absl::string_view call,
                                                       absl::string_view filter,
                                                       absl::string_view token,
                                                       size_t fields) {
  std::string plain;
  if (token.size() <= kMaxTokenBytes &&
      absl::WebSafeBase64Unescape(token, &plain)) {
    std::vector<std::string> parts = absl::StrSplit(plain, '\0');
    if (parts.size() == fields + 2 && parts[0] == call &&
        parts[1] == HashOf(filter)) {
      parts.erase(parts.begin(), parts.begin() + 2);
      for (std::string& part : parts) part = CleanText(part);
      return parts;
    }
  }
  return absl::InvalidArgumentError(
      "page_token: must be the next_page_token of the same call with the same "
      "filter");
}

}  // namespace lamplighter::reposync
