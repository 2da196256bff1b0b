#pragma once

#include <memory>

#include "services/provider/forges/forge.h"

namespace lamplighter::provider {

// Azure DevOps Services, and Server from 2019.
std::unique_ptr<Forge> MakeAzureDevOps();

}  // namespace lamplighter::provider
