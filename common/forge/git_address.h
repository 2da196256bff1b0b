#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace lamplighter {

// Where a repository is, from any form of its Git URL. What a forge's API is
// reached at follows from it; credentials and SSH ports in the URL do not
// matter for that and are left out.
struct GitAddress {
  std::string scheme;  // "https" or "http"; "https" for SSH and Git URLs
  // Lower-case; with :port where the URL is http(s) and that is not its
  // scheme's own.
  std::string host;
  // As spelled, decoded: no slash at either end, no ".git".
  std::string path;
};

// Reads https, http, ssh, git+ssh and git URLs and the scp form
// (git@host:owner/repo.git). InvalidArgument for everything else, for paths
// that mean another one to whoever normalizes them (".", "..", %2F), and for
// those that are not UTF-8.
absl::StatusOr<GitAddress> ParseGitAddress(absl::string_view address);

}  // namespace lamplighter
