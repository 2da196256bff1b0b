#pragma once

#include <memory>

#include "services/provider/forges/forge.h"

namespace lamplighter::provider {

// Bitbucket Data Center and Server, below a path too. Its statuses are known by
// a key, the SHA-1 of our context: that is what it shows for a context.
std::unique_ptr<Forge> MakeBitbucketServer();

}  // namespace lamplighter::provider
