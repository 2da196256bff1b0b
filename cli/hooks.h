#pragma once

#include <ostream>
#include <vector>

#include "cli/command.h"
#include "cli/output.h"
#include "proto/lamplighter/v1/catalog_service.pb.h"

namespace lamplighter::cli {

// `hooks list|repair`: the webhooks that the catalog keeps.
void AddHooksList(CLI::App& group, Run& run);
void AddHooksRepair(CLI::App& group, Run& run);

void WriteHooks(const std::vector<v1::Hook>& hooks,
                const OutputOptions& options, std::ostream& out);

}  // namespace lamplighter::cli
