#pragma once

#include <memory>

#include "services/provider/forges/forge.h"

namespace lamplighter::provider {

// github.com, GitHub Enterprise Server and Cloud with data residency.
std::unique_ptr<Forge> MakeGitHub();

}  // namespace lamplighter::provider
