#pragma once

#include <memory>

#include "services/provider/forges/forge.h"

namespace lamplighter::provider {

// Gitea and Forgejo, below a path too.
std::unique_ptr<Forge> MakeGitea();

}  // namespace lamplighter::provider
