#pragma once

#include "cli/command.h"

namespace lamplighter::cli {

// `repos list|search|get|attach|detach|watch`: the catalog of repositories.
void AddRepositoriesList(CLI::App& group, Run& run);
void AddRepositoriesSearch(CLI::App& group, Run& run);
void AddRepositoriesGet(CLI::App& group, Run& run);
void AddRepositoriesAttach(CLI::App& group, Run& run);
void AddRepositoriesDetach(CLI::App& group, Run& run);
void AddRepositoriesWatch(CLI::App& group, Run& run);

}  // namespace lamplighter::cli
