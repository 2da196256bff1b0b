#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace lamplighter {

// What a process was asked to do.
struct CommandLine {
  enum class Action : uint8_t { kRun, kCheck, kVersion, kHelp };
  Action action = Action::kRun;
  std::string config;  // path; not empty for kRun and kCheck
};

inline constexpr char kUsage[] =
    "usage: PROGRAM --config FILE [--check]\n"
    "       PROGRAM --version | --help\n"
    "\n"
    "  --config FILE  configuration to run with\n"
    "  --check        check the configuration and end\n"
    "  --version      print the version and end\n"
    "  --help         print this and end\n";

// InvalidArgument for what cannot be understood.
absl::StatusOr<CommandLine> ParseCommandLine(int argc, const char* const* argv);

}  // namespace lamplighter
