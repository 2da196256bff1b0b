#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace lamplighter {

// A repository of Azure DevOps, decoded and as spelled in its URL: names may
// have spaces.
struct AzureDevOpsRepository {
  // https://dev.azure.com/org, or https://host[/tfs]/Collection of a server;
  // percent-encoded, no slash at the end.
  std::string base;
  std::string organization_or_collection;
  std::string project;  // the repository's own name where the URL has none
  std::string repository;
};

// Reads what ParseGitAddress does: [COLLECTION/]PROJECT/_git/REPO and
// COLLECTION/_git/REPO of Azure DevOps Services (dev.azure.com,
// ORG.visualstudio.com and their SSH hosts) and of a server. InvalidArgument
// for everything else.
absl::StatusOr<AzureDevOpsRepository> ParseAzureDevOpsAddress(
    absl::string_view address);

}  // namespace lamplighter
