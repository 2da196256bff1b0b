#pragma once

#include "cli/command.h"

namespace lamplighter::cli {

// `statuses set|get|list|watch`: commit statuses, through Lamplighter.
void AddStatusesSet(CLI::App& group, Run& run);
void AddStatusesGet(CLI::App& group, Run& run);
void AddStatusesList(CLI::App& group, Run& run);
void AddStatusesWatch(CLI::App& group, Run& run);

}  // namespace lamplighter::cli
