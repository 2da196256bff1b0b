#include "cli/cli.h"

#include <map>
#include <string>

#include "CLI/App.hpp"
#include "CLI/Config.hpp"
#include "CLI/Error.hpp"
#include "CLI/Formatter.hpp"
#include "absl/strings/str_cat.h"
#include "cli/command.h"
#include "cli/config_check.h"
#include "cli/connections.h"
#include "cli/dead_letters.h"
#include "cli/hooks.h"
#include "cli/repositories.h"
#include "cli/statuses.h"
#include "common/app/version.h"

namespace lamplighter::cli {
namespace {

struct Group {
  const char* name;
  const char* help;
};

constexpr Group kGroups[] = {
    {"config", "Configuration and manifests"},
    {"connections", "Accounts on forges that the catalog lists"},
    {"dead-letters", "What was given up"},
    {"hooks", "Webhooks that the catalog keeps"},
    {"repos", "The catalog of repositories"},
    {"statuses", "Commit statuses"},
};

struct Command {
  const char* group;
  AddCommand add;
};

// All commands. One more is a file of its own and a line here.
constexpr Command kCommands[] = {
    {"config", &AddConfigCheck},
    {"connections", &AddConnectionsList},
    {"connections", &AddConnectionsCreate},
    {"connections", &AddConnectionsUpdate},
    {"connections", &AddConnectionsCheck},
    {"connections", &AddConnectionsDelete},
    {"connections", &AddConnectionsRefresh},
    {"connections", &AddConnectionsRefreshes},
    {"dead-letters", &AddDeadLettersList},
    {"dead-letters", &AddDeadLettersShow},
    {"dead-letters", &AddDeadLettersReplay},
    {"dead-letters", &AddDeadLettersDrop},
    {"hooks", &AddHooksList},
    {"hooks", &AddHooksRepair},
    {"repos", &AddRepositoriesList},
    {"repos", &AddRepositoriesSearch},
    {"repos", &AddRepositoriesGet},
    {"repos", &AddRepositoriesAttach},
    {"repos", &AddRepositoriesDetach},
    {"repos", &AddRepositoriesWatch},
    {"statuses", &AddStatusesSet},
    {"statuses", &AddStatusesGet},
    {"statuses", &AddStatusesList},
    {"statuses", &AddStatusesWatch},
};

}  // namespace

int RunCli(int argc, const char* const* argv, std::ostream& out,
           std::ostream& err) {
  CLI::App app("Looks after Lamplighter from a terminal", "lamplighterctl");
  app.set_version_flag("--version", absl::StrCat("lamplighterctl ", kVersion,
                                                 " (", kRevision, ")"));
  app.require_subcommand(1);
  std::map<std::string, CLI::App*> groups;
  for (const Group& group : kGroups) {
    groups[group.name] = app.add_subcommand(group.name, group.help);
    groups[group.name]->require_subcommand(1);
  }
  Run run;
  for (const Command& command : kCommands) {
    command.add(*groups.at(command.group), run);
  }
  try {  // CLI11 throws
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // Asking for help or the version ends the parsing too.
    return app.exit(error, out, err) == kOk ? kOk : kUsage;
  }
  return run(out, err);
}

}  // namespace lamplighter::cli
