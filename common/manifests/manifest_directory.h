#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "common/manifests/manifest_parser.h"
#include "common/manifests/manifest_source.h"
#include "common/manifests/objects.h"

namespace lamplighter {

// The objects of all *.yaml, *.yml and *.json files in a directory, as a
// mounted ConfigMap or Secret looks: hidden entries and subdirectories are
// passed over.
class ManifestDirectory final : public ManifestSource {
 public:
  // Reads the directory. NotFound if it is not there. Problems in files are
  // logged, kept in problems(), and fail nothing.
  static absl::StatusOr<std::unique_ptr<ManifestDirectory>> Create(
      const std::string& directory);

  std::shared_ptr<const Manifests> Current() const override { return current_; }

  // Looks whether a file has changed since, and if so reads all again. An
  // object that was valid and no longer is stays in force as it was. NotFound,
  // with everything left in force, if the directory is not there. Call it now
  // and then; it blocks for as long as reading small files takes.
  absl::Status Refresh();

  // What was wrong the last time the files were read.
  const std::vector<ManifestProblem>& problems() const { return problems_; }

 private:
  explicit ManifestDirectory(std::string directory)
      : directory_(std::move(directory)) {}

  const std::string directory_;
  absl::optional<std::string> fingerprint_;  // of names, sizes, times, inodes
  std::shared_ptr<const Manifests> current_ =
      std::make_shared<const Manifests>();
  std::vector<ManifestProblem> problems_;
};

}  // namespace lamplighter
