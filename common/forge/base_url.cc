#include "common/forge/base_url.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace lamplighter {

std::string BaseUrl(const GitAddress& address,
                    absl::Span<const absl::string_view> elements) {
  std::string url = absl::StrCat(address.scheme, "://", address.host);
  for (const absl::string_view element : elements) {
    url.push_back('/');
    for (const char c : element) {
      if (absl::ascii_isalnum(c) || absl::StrContains("-._~", c)) {
        url.push_back(c);
      } else {
        absl::StrAppendFormat(&url, "%%%02X", static_cast<unsigned char>(c));
      }
    }
  }
  return url;
}

}  // namespace lamplighter
