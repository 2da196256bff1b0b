#include "common/app/command_line.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace lamplighter {

absl::StatusOr<CommandLine> ParseCommandLine(int argc,
                                             const char* const* argv) {
  CommandLine line;
  for (int i = 1; i < argc; ++i) {
    absl::string_view argument = argv[i];
    if (argument == "--help") {
      line.action = CommandLine::Action::kHelp;
      return line;
    }
    if (argument == "--version") {
      line.action = CommandLine::Action::kVersion;
      return line;
    }
    if (argument == "--check") {
      line.action = CommandLine::Action::kCheck;
    } else if (absl::ConsumePrefix(&argument, "--config=")) {
      line.config = std::string(argument);
    } else if (argument == "--config" && i + 1 < argc) {
      line.config = argv[++i];
    } else if (argument == "--config") {
      return absl::InvalidArgumentError("--config needs a file");
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat("unknown argument ", argument));
    }
  }
  if (line.config.empty()) {
    return absl::InvalidArgumentError("--config FILE is missing");
  }
  return line;
}

}  // namespace lamplighter
