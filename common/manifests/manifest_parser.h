#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/manifests/objects.h"

namespace lamplighter {

// What is wrong in a file.
struct ManifestProblem {
  std::string file;
  int line = 0;       // from 1; 0 for the file as a whole
  ObjectName object;  // empty where the object could not be told
  std::string what;

  // "github.yaml:12: Provider flux-system/github: spec.type: must not be empty"
  std::string ToString() const;
};

// Adds the Provider, Alert and Secret objects of a multi-document YAML (or
// JSON) file to `manifests`. An object that is invalid is left out, and told of
// in `problems`; so is what is valid but cannot be honoured. Objects of other
// kinds are passed over in silence.
void ParseManifests(const std::string& yaml, const std::string& file,
                    Manifests& manifests,
                    std::vector<ManifestProblem>& problems);

// True for the Provider types that set commit statuses, by Flux's names.
bool IsGitProviderType(absl::string_view type);

}  // namespace lamplighter
