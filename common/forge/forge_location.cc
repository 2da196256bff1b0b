#include "common/forge/forge_location.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "common/forge/azure_devops_address.h"
#include "common/forge/base_url.h"
#include "common/forge/bitbucket_server_address.h"
#include "common/forge/git_address.h"
#include "common/status/macros.h"

namespace lamplighter {
namespace {

using Elements = absl::Span<const absl::string_view>;

absl::Status Bad(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("git address: ", what));
}

std::vector<absl::string_view> Split(absl::string_view path) {
  return absl::StrSplit(path, '/', absl::SkipEmpty());
}

// The first `count` elements of the path belong to the site.
ForgeLocation Divide(const GitAddress& address, size_t count) {
  const std::vector<absl::string_view> path = Split(address.path);
  const Elements all(path);
  return {.site = BaseUrl(address, all.first(count)),
          .account = "",
          .repository = absl::StrJoin(all.subspan(count), "/")};
}

absl::StatusOr<ForgeLocation> OwnerAndRepository(absl::string_view address) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const GitAddress parsed,
                               ParseGitAddress(address));
  if (Split(parsed.path).size() != 2) {
    return Bad("the path must be owner/repository and no more");
  }
  ForgeLocation location = Divide(parsed, 0);
  location.account =
      location.repository.substr(0, location.repository.find('/'));
  return location;
}

// What is before the last two elements is the path that Gitea is served below.
absl::StatusOr<ForgeLocation> OnGitea(absl::string_view address) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const GitAddress parsed,
                               ParseGitAddress(address));
  const size_t size = Split(parsed.path).size();
  if (size < 2) return Bad("the path must be owner/repository");
  return Divide(parsed, size - 2);
}

// A GitLab below a path cannot be told from a group of that name. The number of
// a project alone names it, too.
absl::StatusOr<ForgeLocation> OnGitLab(absl::string_view address) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const GitAddress parsed,
                               ParseGitAddress(address));
  const bool is_number =
      std::all_of(parsed.path.begin(), parsed.path.end(), &absl::ascii_isdigit);
  if (Split(parsed.path).size() < 2 && !is_number) {
    return Bad("the path must be group/project, or the project's number");
  }
  return Divide(parsed, 0);
}

absl::StatusOr<ForgeLocation> OnBitbucketServer(absl::string_view address) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const BitbucketServerRepository parsed,
                               ParseBitbucketServerAddress(address));
  return ForgeLocation{
      .site = parsed.base,
      .account = "",
      .repository = absl::StrCat(parsed.project, "/", parsed.repository)};
}

absl::StatusOr<ForgeLocation> OnAzureDevOps(absl::string_view address) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const AzureDevOpsRepository parsed,
                               ParseAzureDevOpsAddress(address));
  return ForgeLocation{
      .site = parsed.base,
      .account = "",
      .repository = absl::StrCat(parsed.project, "/", parsed.repository)};
}

// An address that may have no path.
absl::StatusOr<GitAddress> ParseSite(absl::string_view address) {
  address = absl::StripAsciiWhitespace(address);
  while (absl::ConsumeSuffix(&address, "/")) continue;
  if (!absl::StartsWithIgnoreCase(address, "https://") &&
      !absl::StartsWithIgnoreCase(address, "http://")) {
    return Bad("the scheme must be https");
  }
  const bool has_path =
      address.find('/', address.find("://") + 3) != absl::string_view::npos;
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      GitAddress parsed,
      ParseGitAddress(has_path ? std::string(address)
                               : absl::StrCat(address, "/none")));
  if (!has_path) parsed.path.clear();
  return parsed;
}

// The whole path is the forge's.
absl::StatusOr<ForgeLocation> WholeSite(const GitAddress& address) {
  return Divide(address, Split(address.path).size());
}

// The path, if there is one, is an owner.
absl::StatusOr<ForgeLocation> SiteAndOwner(const GitAddress& address) {
  if (absl::StrContains(address.path, '/')) {
    return Bad("an account's path must be its owner and no more");
  }
  return ForgeLocation{
      .site = BaseUrl(address, {}), .account = address.path, .repository = ""};
}

// The parser of repositories knows all forms of organizations.
absl::StatusOr<ForgeLocation> AzureDevOpsAccount(const GitAddress& address) {
  const std::vector<absl::string_view> path = Split(address.path);
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      ForgeLocation location,
      OnAzureDevOps(absl::StrCat(BaseUrl(address, path), "/p/_git/r")));
  if (location.repository != "p/r") {
    return Bad("the path must be that of an organization or a collection");
  }
  location.repository.clear();
  return location;
}

// How addresses of a provider type are read.
struct Reader {
  absl::string_view provider_type;
  absl::StatusOr<ForgeLocation> (*repository)(absl::string_view address);
  absl::StatusOr<ForgeLocation> (*account)(const GitAddress& address);
};

constexpr Reader kReaders[] = {
    {"azuredevops", &OnAzureDevOps, &AzureDevOpsAccount},
    {"bitbucket", &OwnerAndRepository, &SiteAndOwner},
    {"bitbucketserver", &OnBitbucketServer, &WholeSite},
    {"gitea", &OnGitea, &WholeSite},
    {"github", &OwnerAndRepository, &SiteAndOwner},
    {"gitlab", &OnGitLab, &WholeSite},
};

absl::StatusOr<const Reader*> FindReader(absl::string_view provider_type) {
  const auto* reader = std::find_if(
      std::begin(kReaders), std::end(kReaders),
      [&](const Reader& r) { return r.provider_type == provider_type; });
  if (reader != std::end(kReaders)) return reader;
  return absl::InvalidArgumentError(
      absl::StrCat("provider type ", provider_type, " is not supported"));
}

absl::string_view WithoutScheme(absl::string_view url) {
  return url.substr(url.find("://") + 3);
}

// Moves what the site's path begins with from the repository to the site, and
// takes the site's word for scheme, host and port.
absl::StatusOr<ForgeLocation> MoveToSite(ForgeLocation location,
                                         absl::string_view site) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const GitAddress parsed, ParseSite(site));
  LAMPLIGHTER_ASSIGN_OR_RETURN(const ForgeLocation wanted, WholeSite(parsed));
  if (wanted.site == location.site) return location;
  const std::string prefix = absl::StrCat(parsed.path, "/");
  if (absl::StartsWithIgnoreCase(location.repository, prefix)) {
    location.repository.erase(0, prefix.size());
  }
  location.site = wanted.site;
  return location;
}

}  // namespace

absl::StatusOr<ForgeLocation> LocateRepository(absl::string_view provider_type,
                                               absl::string_view address,
                                               absl::string_view site) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const Reader* reader, FindReader(provider_type));
  LAMPLIGHTER_ASSIGN_OR_RETURN(ForgeLocation location,
                               reader->repository(address));
  if (site.empty()) return location;
  return MoveToSite(std::move(location), site);
}

absl::StatusOr<ForgeLocation> LocateAccount(absl::string_view provider_type,
                                            absl::string_view address) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const Reader* reader, FindReader(provider_type));
  LAMPLIGHTER_ASSIGN_OR_RETURN(const GitAddress parsed, ParseSite(address));
  return reader->account(parsed);
}

absl::StatusOr<ForgeLocation> LocateInAccount(const ForgeLocation& account,
                                              absl::string_view repository_id) {
  ForgeLocation location = {
      .site = account.site, .account = account.account, .repository = ""};
  const std::string prefix =
      account.account.empty()
          ? RepositoryId(location)
          : absl::StrCat(RepositoryId(location),
                         absl::AsciiStrToLower(account.account), "/");
  if (!absl::StartsWith(repository_id, prefix)) {
    return absl::InvalidArgumentError(
        absl::StrCat("repository_id: must begin with ", prefix));
  }
  location.repository =
      std::string(repository_id.substr(RepositoryId(location).size()));
  for (const absl::string_view element :
       absl::StrSplit(location.repository, '/')) {
    const bool is_name =
        !element.empty() && element != "." && element != ".." &&
        std::none_of(element.begin(), element.end(), &absl::ascii_iscntrl);
    if (!is_name) {
      return absl::InvalidArgumentError("repository_id: names no repository");
    }
  }
  if (!absl::StrContains(location.repository, '/')) {
    return absl::InvalidArgumentError(
        "repository_id: must have an owner or a project, and a repository");
  }
  return location;
}

std::string RepositoryId(const ForgeLocation& repository) {
  return absl::AsciiStrToLower(
      absl::StrCat(WithoutScheme(repository.site), "/", repository.repository));
}

absl::StatusOr<std::string> RepositoryId(absl::string_view provider_type,
                                         absl::string_view address,
                                         absl::string_view site) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const ForgeLocation location,
                               LocateRepository(provider_type, address, site));
  return RepositoryId(location);
}

}  // namespace lamplighter
