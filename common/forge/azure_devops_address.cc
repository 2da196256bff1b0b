#include "common/forge/azure_devops_address.h"

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "common/forge/base_url.h"
#include "common/forge/git_address.h"
#include "common/status/macros.h"

namespace lamplighter {
namespace {

using Elements = absl::Span<const absl::string_view>;

constexpr absl::string_view kServices = "dev.azure.com";
constexpr absl::string_view kOldServices = ".visualstudio.com";

absl::Status Bad(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("git address: ", what));
}

// Azure's scp form is escaped as its URLs are: the same as an SSH URL.
std::string AsUrl(absl::string_view address) {
  address = absl::StripAsciiWhitespace(address);
  const size_t end = address.find_first_of(":/");
  if (end == absl::string_view::npos || address[end] == '/' ||
      absl::StartsWith(address.substr(end), "://")) {
    return std::string(address);
  }
  return absl::StrCat("ssh://", address.substr(0, end), "/",
                      address.substr(end + 1));
}

// `before` is what stands before "_git": the collection and the project, or the
// collection only where project and repository have the same name.
AzureDevOpsRepository Repository(const GitAddress& address, Elements prefix,
                                 Elements before,
                                 absl::string_view repository) {
  std::vector<absl::string_view> base(prefix.begin(), prefix.end());
  base.push_back(before[0]);
  return {.base = BaseUrl(address, base),
          .organization_or_collection = std::string(before[0]),
          .project = std::string(before.size() > 1 ? before[1] : repository),
          .repository = std::string(repository)};
}

absl::StatusOr<AzureDevOpsRepository> OnServices(absl::string_view organization,
                                                 Elements project,
                                                 absl::string_view repository) {
  if (project.size() > 1) {
    return Bad("the path must be organization/project/_git/repository");
  }
  std::vector<absl::string_view> before = {organization};
  before.insert(before.end(), project.begin(), project.end());
  return Repository(
      {.scheme = "https", .host = std::string(kServices), .path = ""}, {},
      before, repository);
}

absl::StatusOr<AzureDevOpsRepository> OnServer(const GitAddress& address,
                                               Elements before,
                                               absl::string_view repository) {
  const bool has_prefix =
      before.size() == 3 ||
      (!before.empty() && absl::EqualsIgnoreCase(before[0], "tfs"));
  const Elements prefix = before.first(has_prefix ? 1 : 0);
  before.remove_prefix(prefix.size());
  if (before.empty() || before.size() > 2) {
    return Bad("the path must be [tfs/]collection/project/_git/repository");
  }
  return Repository(address, prefix, before, repository);
}

}  // namespace

absl::StatusOr<AzureDevOpsRepository> ParseAzureDevOpsAddress(
    absl::string_view address) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const GitAddress parsed,
                               ParseGitAddress(AsUrl(address)));
  const std::vector<absl::string_view> path = absl::StrSplit(parsed.path, '/');
  const Elements all(path);
  absl::string_view host = parsed.host;
  if (host == "ssh.dev.azure.com" || host == "vs-ssh.visualstudio.com") {
    if (all.size() != 4 || all[0] != "v3") {
      return Bad("the path must be v3/organization/project/repository");
    }
    return OnServices(all[1], all.subspan(2, 1), all[3]);
  }
  if (all.size() < 2 || all[all.size() - 2] != "_git") {
    return Bad("the path must end in _git/repository");
  }
  Elements before = all.first(all.size() - 2);
  if (absl::ConsumeSuffix(&host, kOldServices)) {
    if (host.empty()) return Bad("has no organization");
    if (!before.empty() &&
        absl::EqualsIgnoreCase(before[0], "DefaultCollection")) {
      before.remove_prefix(1);
    }
    return OnServices(host, before, all.back());
  }
  if (host != kServices) return OnServer(parsed, before, all.back());
  if (before.empty()) return Bad("has no organization");
  return OnServices(before[0], before.subspan(1), all.back());
}

}  // namespace lamplighter
