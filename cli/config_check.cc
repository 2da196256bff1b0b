#include "cli/config_check.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/manifests/manifest_files.h"
#include "common/manifests/manifest_parser.h"

namespace lamplighter::cli {

int CheckConfig(const std::string& directory, std::ostream& out,
                std::ostream& err) {
  const absl::StatusOr<std::vector<ManifestProblem>> problems =
      CheckManifests(directory);
  if (!problems.ok()) {
    err << problems.status().message() << '\n';
    return kFailure;
  }
  int wrong = 0;
  for (ManifestProblem problem : *problems) {
    problem.origin.file = absl::StrCat(absl::StripSuffix(directory, "/"), "/",
                                       problem.origin.file);
    if (problem.is_note) {
      problem.kind = absl::StrCat("note: ", problem.kind);
    } else {
      ++wrong;
    }
    out << problem.ToString() << '\n';
  }
  if (wrong == 0) {
    err << directory << ": ok\n";
    return kOk;
  }
  err << directory << ": " << wrong
      << (wrong == 1 ? " problem\n" : " problems\n");
  return kFailure;
}

void AddConfigCheck(CLI::App& group, Run& run) {
  CLI::App* command = group.add_subcommand(
      "check", "Check the Flux objects in a directory of manifests");
  auto directory = std::make_shared<std::string>();
  command->add_option("DIR", *directory, "the directory")->required();
  command->callback([directory, &run] {
    run = [directory](std::ostream& out, std::ostream& err) {
      return CheckConfig(*directory, out, err);
    };
  });
}

}  // namespace lamplighter::cli
