#include "services/provider/forges/paging.h"

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"

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

bool HasNextPage(const HttpHeaders& headers) {
  const auto link = headers.Find("link");
  return link && absl::StrContains(*link, "rel=\"next\"");
}

}  // namespace lamplighter::provider
