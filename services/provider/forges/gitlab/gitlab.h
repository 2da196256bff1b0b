#pragma once

#include <memory>

#include "services/provider/forges/forge.h"

namespace lamplighter::provider {

// gitlab.com and GitLab of one's own at the root of its host: below a path, the
// path could not be told from groups.
std::unique_ptr<Forge> MakeGitLab();

}  // namespace lamplighter::provider
