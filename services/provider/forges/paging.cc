#include "services/provider/forges/paging.h"

#include <cstddef>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace lamplighter::provider {
namespace {

constexpr int kMaxPage = 1'000'000;

}  // namespace

absl::Status BadPageToken() {
  return absl::InvalidArgumentError(
      "page_token: must be empty or the next_page_token of an earlier page");
}

absl::StatusOr<int> PageNumber(absl::string_view token) {
  if (token.empty()) return 1;
  int page = 0;
  const bool is_page = absl::c_all_of(token, &absl::ascii_isdigit) &&
                       absl::SimpleAtoi(token, &page) && page >= 1 &&
                       page <= kMaxPage;
  if (is_page) return page;
  return BadPageToken();
}

absl::optional<absl::string_view> NextPageQuery(const HttpHeaders& headers) {
  const absl::string_view links = headers.Find("link").value_or("");
  for (const absl::string_view link : absl::StrSplit(links, '<')) {
    const size_t end = link.find('>');
    if (end == absl::string_view::npos ||
        !absl::StrContains(link.substr(end), "rel=\"next\"")) {
      continue;
    }
    const absl::string_view url = link.substr(0, end);
    const size_t query = url.find('?');
    return query == absl::string_view::npos ? "" : url.substr(query + 1);
  }
  return absl::nullopt;
}

bool HasNextPage(const HttpHeaders& headers) {
  const auto link = headers.Find("link");
  return link && absl::StrContains(*link, "rel=\"next\"");
}

}  // namespace lamplighter::provider
