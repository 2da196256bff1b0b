#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "common/http/http_message.h"

// Lists that come page by page.
namespace lamplighter::provider {

// What a token that is none of the list's is answered with.
absl::Status BadPageToken();

// The number of the page that `token` stands for: 1 where it is empty.
// BadPageToken() for anything but a whole number from 1 to 1,000,000.
absl::StatusOr<int> PageNumber(absl::string_view token);

// The query of the link to the next page, as it stands in the answer's Link
// header; none on the last page.
absl::optional<absl::string_view> NextPageQuery(const HttpHeaders& headers);

// True if the answer's Link header knows a page after this.
bool HasNextPage(const HttpHeaders& headers);

}  // namespace lamplighter::provider
