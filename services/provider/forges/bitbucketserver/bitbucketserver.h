#pragma once

#include <memory>

#include "services/provider/forges/forge.h"

namespace lamplighter::provider {

// Bitbucket Data Center and Server from 7.4 on, below a path too.
std::unique_ptr<Forge> MakeBitbucketServer();

}  // namespace lamplighter::provider
