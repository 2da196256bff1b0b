#include "common/forge/base_url.h"

#include "absl/strings/str_cat.h"
#include "common/url/percent_encode.h"

namespace lamplighter {

std::string BaseUrl(const GitAddress& address,
                    absl::Span<const absl::string_view> elements) {
  std::string url = absl::StrCat(address.scheme, "://", address.host);
  for (const absl::string_view element : elements) {
    absl::StrAppend(&url, "/", PercentEncode(element));
  }
  return url;
}

}  // namespace lamplighter
