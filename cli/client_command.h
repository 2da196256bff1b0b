#pragma once

#include <memory>
#include <ostream>

#include "CLI/App.hpp"
#include "cli/client.h"
#include "cli/command.h"
#include "cli/output.h"

namespace lamplighter::cli {

// Adds a command that calls a server: it does `what` with `options`, of which
// `client` and `output` are given on the command line.
template <typename Options>
CLI::App& AddClientCommand(CLI::App& group, Run& run, const char* name,
                           const char* help,
                           int (*what)(const Options&, std::ostream&,
                                       std::ostream&),
                           const std::shared_ptr<Options>& options) {
  CLI::App& command = *group.add_subcommand(name, help);
  AddClientOptions(command, options->client);
  AddOutputOptions(command, options->output);
  command.callback([options, what, &run] {
    run = [options, what](std::ostream& out, std::ostream& err) {
      return what(*options, out, err);
    };
  });
  return command;
}

}  // namespace lamplighter::cli
