#pragma once

#include <ostream>
#include <string>

#include "cli/command.h"

namespace lamplighter::cli {

// `config check DIR`: what is wrong with the Flux objects in a directory.
void AddConfigCheck(CLI::App& group, Run& run);

// The command itself: every problem to `out`, "DIR/FILE:LINE: Kind
// namespace/name: what is wrong", notes with the word "note" before the kind;
// a summary to `err`. kFailure if anything is wrong, notes apart.
int CheckConfig(const std::string& directory, std::ostream& out,
                std::ostream& err);

}  // namespace lamplighter::cli
