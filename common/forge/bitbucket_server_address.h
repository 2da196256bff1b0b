#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace lamplighter {

// A repository of a Bitbucket Data Center, decoded and as spelled in its URL.
struct BitbucketServerRepository {
  // scheme://host[:port][/context], percent-encoded, no slash at the end.
  std::string base;
  std::string project;  // the key; "~user" for a personal repository
  std::string repository;
};

// Reads what ParseGitAddress does: the clone URLs /scm/PROJECT/REPO.git (what
// is before the last /scm/ is the context path) and, over SSH,
// /PROJECT/REPO.git, and the browser's /projects/PROJECT/repos/REPO and
// /users/USER/repos/REPO. An SSH URL does not tell a context path or a port of
// the HTTP API: its base is https://host. InvalidArgument for everything else.
absl::StatusOr<BitbucketServerRepository> ParseBitbucketServerAddress(
    absl::string_view address);

}  // namespace lamplighter
