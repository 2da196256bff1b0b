#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace lamplighter {

// Which forge, and what on it: what the URLs of a forge's API are made of.
struct ForgeLocation {
  // The forge's own URL, percent-encoded, no slash at the end, with the path it
  // is served below: "https://gitlab.example.com/gitlab". Of Azure DevOps, an
  // organization's or a collection's.
  std::string site;
  // The owner on GitHub, the workspace on Bitbucket Cloud, as spelled; empty
  // where an account's address names none, and on other forges.
  std::string account;
  // Path of the repository below the site, decoded and as spelled:
  // "group/sub/repo", "PROJECT/repo". Empty where an account is meant.
  std::string repository;
};

// Where the repository at `address`, any form of its Git URL, is for a Provider
// of `provider_type`. `site` overrides what the address says of the forge's own
// URL, which an SSH URL or a GitLab below a path does not tell; empty for none.
// InvalidArgument for a type that is not known, an address that no such
// repository has, or one that is not below `site`.
absl::StatusOr<ForgeLocation> LocateRepository(absl::string_view provider_type,
                                               absl::string_view address,
                                               absl::string_view site = "");

// Where the account at `address` is: the forge's own http(s) URL, on GitHub and
// Bitbucket Cloud with or without an owner or a workspace, on Azure DevOps with
// the organization or collection. InvalidArgument for everything else.
absl::StatusOr<ForgeLocation> LocateAccount(absl::string_view provider_type,
                                            absl::string_view address);

// The repository of that canonical id, which has to be the account's.
// InvalidArgument where it is on another site or of another owner.
absl::StatusOr<ForgeLocation> LocateInAccount(const ForgeLocation& account,
                                              absl::string_view repository_id);

// The canonical id of a repository, e.g. "github.com/org/repo": equal for every
// address that means the same one. All forges ignore case in their names.
std::string RepositoryId(const ForgeLocation& repository);

// The same from an address; errors as of LocateRepository().
absl::StatusOr<std::string> RepositoryId(absl::string_view provider_type,
                                         absl::string_view address,
                                         absl::string_view site = "");

}  // namespace lamplighter
