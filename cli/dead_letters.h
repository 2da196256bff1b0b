#pragma once

#include "cli/command.h"

namespace lamplighter::cli {

// `dead-letters list|show|replay|drop`: what the dispatcher gave up, and what
// to do about it.
void AddDeadLettersList(CLI::App& group, Run& run);
void AddDeadLettersShow(CLI::App& group, Run& run);
void AddDeadLettersReplay(CLI::App& group, Run& run);
void AddDeadLettersDrop(CLI::App& group, Run& run);

}  // namespace lamplighter::cli
