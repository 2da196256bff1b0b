#pragma once

#include "cli/command.h"

namespace lamplighter::cli {

// `connections list|create|update|check|delete|refresh|refreshes`: the accounts
// whose repositories the catalog has.
void AddConnectionsList(CLI::App& group, Run& run);
void AddConnectionsCreate(CLI::App& group, Run& run);
void AddConnectionsUpdate(CLI::App& group, Run& run);
void AddConnectionsCheck(CLI::App& group, Run& run);
void AddConnectionsDelete(CLI::App& group, Run& run);
void AddConnectionsRefresh(CLI::App& group, Run& run);
void AddConnectionsRefreshes(CLI::App& group, Run& run);

}  // namespace lamplighter::cli
