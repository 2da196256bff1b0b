#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "common/app/app.h"
#include "services/reposync/reposync_app.h"

namespace {

constexpr char kUsage[] =
    "usage: reposync [serve] --config FILE [--check]\n"
    "       reposync refresh --once [--connection NAME] --config FILE\n"
    "\n"
    "  serve              the catalog and its gRPC service; the default\n"
    "  refresh --once     list once what the connections reach, and end: for "
    "a\n"
    "                     CronJob\n"
    "  --connection NAME  only this one\n"
    "\n";

// What of the command line is the refresh's own.
struct Refresh {
  bool is_asked = false;
  bool once = false;
  std::string connection;
};

// Takes it out of `arguments`, which are then as every program's. False where
// it cannot be understood.
bool Take(std::vector<char*>& arguments, Refresh& refresh) {
  std::vector<char*> rest = {arguments[0]};
  for (size_t i = 1; i < arguments.size(); ++i) {
    const absl::string_view argument = arguments[i];
    if (i == 1 && argument == "serve") continue;
    if (i == 1 && argument == "refresh") {
      refresh.is_asked = true;
    } else if (refresh.is_asked && argument == "--once") {
      refresh.once = true;
    } else if (refresh.is_asked && argument == "--connection" &&
               i + 1 < arguments.size()) {
      refresh.connection = arguments[++i];
    } else if (refresh.is_asked &&
               absl::StartsWith(argument, "--connection=")) {
      refresh.connection = std::string(argument.substr(13));
    } else {
      rest.push_back(arguments[i]);
    }
  }
  arguments = rest;
  return !refresh.is_asked || refresh.once;
}

}  // namespace

int main(int argc, char** argv) {
  using lamplighter::AppContext;
  std::vector<char*> arguments(argv, argv + argc);
  for (const absl::string_view argument : arguments) {
    if (argument == "--help") std::cout << kUsage;
  }
  Refresh refresh;
  if (!Take(arguments, refresh)) {
    std::cerr
        << "refresh needs --once: on a schedule, `reposync serve` does\n\n"
        << kUsage;
    return 2;
  }
  const int count = static_cast<int>(arguments.size());
  if (!refresh.is_asked) {
    return lamplighter::RunMain(count, arguments.data(),
                                {&lamplighter::reposync::MakeReposync},
                                {"reposync"});
  }
  return lamplighter::RunMain(
      count, arguments.data(),
      {[connection = refresh.connection](AppContext& context) {
        return lamplighter::reposync::MakeRefreshOnce(context, connection);
      }},
      /*sections=*/{});
}
