#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/manifests/manifest_parser.h"
#include "common/manifests/objects.h"

namespace lamplighter {

// The files with manifests below a directory.
struct ManifestFiles {
  std::string directory;
  std::vector<std::string> names;  // relative to it, sorted
  std::vector<ManifestProblem> problems;

  // Changes when a file does, comes or goes.
  std::string Fingerprint() const;

  // Adds the objects in all files; one of a name that an earlier file has is a
  // problem, and what only a cluster could honour is a note. Blocks for as long
  // as reading small files takes.
  void Read(Manifests& manifests, std::vector<ManifestProblem>& problems) const;
};

// All *.yaml, *.yml and *.json files in `directory` and the directories in it,
// five deep. Names that begin with a dot are passed over, which is how a
// mounted ConfigMap or Secret keeps its versions. `on_directory` hears of each
// directory before it is read. NotFound if there is no such directory.
absl::StatusOr<ManifestFiles> FindManifestFiles(
    const std::string& directory,
    const std::function<void(const std::string& path)>& on_directory =
        [](const std::string& /*path*/) {});

// All that is wrong with the objects below `directory`, and what a cluster
// would not tell either: an Alert's Provider that is not there, and a
// Provider's Secret where there are Secrets at all. NotFound if there is no
// such directory.
absl::StatusOr<std::vector<ManifestProblem>> CheckManifests(
    const std::string& directory);

}  // namespace lamplighter
