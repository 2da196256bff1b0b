#include <algorithm>
#include <iterator>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/forge/azure_devops_address.h"
#include "common/forge/bitbucket_server_address.h"
#include "common/forge/git_address.h"
#include "common/status/macros.h"

namespace lamplighter {
namespace {

// What is before the last two elements is a group or the path that the forge is
// served below: the address does not tell which.
absl::StatusOr<std::string> WholePath(absl::string_view address) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const GitAddress parsed,
                               ParseGitAddress(address));
  if (!absl::StrContains(parsed.path, '/')) {
    return absl::InvalidArgumentError(
        "git address: the path must be owner/repository");
  }
  return absl::StrCat(parsed.host, "/", parsed.path);
}

absl::StatusOr<std::string> OwnerAndRepository(absl::string_view address) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(std::string name, WholePath(address));
  if (std::count(name.begin(), name.end(), '/') != 2) {
    return absl::InvalidArgumentError(
        "git address: the path must be owner/repository and no more");
  }
  return name;
}

std::string WithoutScheme(absl::string_view url) {
  return std::string(url.substr(url.find("://") + 3));
}

absl::StatusOr<std::string> OnBitbucketServer(absl::string_view address) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const BitbucketServerRepository parsed,
                               ParseBitbucketServerAddress(address));
  return absl::StrCat(WithoutScheme(parsed.base), "/", parsed.project, "/",
                      parsed.repository);
}

absl::StatusOr<std::string> OnAzureDevOps(absl::string_view address) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const AzureDevOpsRepository parsed,
                               ParseAzureDevOpsAddress(address));
  return absl::StrCat(WithoutScheme(parsed.base), "/", parsed.project, "/",
                      parsed.repository);
}

// How the address of a provider type names a repository, in the case it is
// spelled in: all forges ignore case in their names.
struct Naming {
  absl::string_view provider_type;
  absl::StatusOr<std::string> (*name)(absl::string_view address);
};

constexpr Naming kNamings[] = {
    {"azuredevops", &OnAzureDevOps},         {"bitbucket", &OwnerAndRepository},
    {"bitbucketserver", &OnBitbucketServer}, {"gitea", &WholePath},
    {"github", &OwnerAndRepository},         {"gitlab", &WholePath},
};

}  // namespace

absl::StatusOr<std::string> RepositoryId(absl::string_view provider_type,
                                         absl::string_view address) {
  const auto* naming = std::find_if(
      std::begin(kNamings), std::end(kNamings),
      [&](const Naming& n) { return n.provider_type == provider_type; });
  if (naming == std::end(kNamings)) {
    return absl::InvalidArgumentError(
        absl::StrCat("provider type ", provider_type, " is not supported"));
  }
  LAMPLIGHTER_ASSIGN_OR_RETURN(const std::string name, naming->name(address));
  return absl::AsciiStrToLower(name);
}

}  // namespace lamplighter
