#include "common/forge/bitbucket_server_address.h"

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/types/span.h"
#include "common/forge/base_url.h"
#include "common/forge/git_address.h"
#include "common/status/macros.h"

namespace lamplighter {
namespace {

using Elements = absl::Span<const absl::string_view>;

bool IsHttp(absl::string_view address) {
  address = absl::StripLeadingAsciiWhitespace(address);
  return absl::StartsWithIgnoreCase(address, "https://") ||
         absl::StartsWithIgnoreCase(address, "http://");
}

BitbucketServerRepository Repository(const GitAddress& address,
                                     Elements context,
                                     absl::string_view project,
                                     absl::string_view repository) {
  return {.base = BaseUrl(address, context),
          .project = std::string(project),
          .repository = std::string(repository)};
}

}  // namespace

absl::StatusOr<BitbucketServerRepository> ParseBitbucketServerAddress(
    absl::string_view address) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const GitAddress parsed,
                               ParseGitAddress(address));
  const std::vector<absl::string_view> path = absl::StrSplit(parsed.path, '/');
  const Elements all(path);
  const size_t size = all.size();
  if (size == 2 && !IsHttp(address)) {
    return Repository(parsed, {}, all[0], all[1]);
  }
  // The browser's come first: a project may be named "scm".
  Elements page = all;
  if (size > 4 && page.back() == "browse") page.remove_suffix(1);
  if (page.size() >= 4 && page[page.size() - 2] == "repos") {
    const size_t at = page.size() - 4;
    const std::string user = absl::StrCat("~", page[at + 1]);
    if (page[at] == "users") {
      return Repository(parsed, page.first(at), user, page.back());
    }
    if (page[at] == "projects") {
      return Repository(parsed, page.first(at), page[at + 1], page.back());
    }
  }
  if (size >= 3 && all[size - 3] == "scm") {
    return Repository(parsed, all.first(size - 3), all[size - 2], all.back());
  }
  return absl::InvalidArgumentError(
      "git address: the path must be [context/]scm/project/repository");
}

}  // namespace lamplighter
