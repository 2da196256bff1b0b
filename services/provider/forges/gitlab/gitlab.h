#pragma once

#include <memory>

#include "services/provider/forges/forge.h"

namespace lamplighter::provider {

// gitlab.com and GitLab of one's own. The path that one is served below has to
// be known from its site: in an address it looks like a group.
std::unique_ptr<Forge> MakeGitLab();

}  // namespace lamplighter::provider
