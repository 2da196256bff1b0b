#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/manifests/objects.h"

namespace lamplighter {

// What is wrong with an object, or with a file as a whole.
struct ManifestProblem {
  ManifestOrigin origin;
  std::string kind;   // of the object; empty where it could not be told
  ObjectName object;  // the same
  std::string what;
  // The object is used all the same: a thing that the user should know.
  bool is_note = false;

  // "github.yaml:12: Provider flux-system/github: spec.type: must not be empty"
  std::string ToString() const;
};

// Adds the Provider, Alert and Secret objects of a multi-document YAML (or
// JSON) file to `manifests`. An object that is invalid is left out, and told of
// in `problems`; so is, as a note, what is valid but cannot be honoured.
// Objects of other kinds are passed over in silence.
void ParseManifests(const std::string& yaml, const std::string& file,
                    Manifests& manifests,
                    std::vector<ManifestProblem>& problems);

// True for the Provider types that set commit statuses, by Flux's names.
bool IsGitProviderType(absl::string_view type);

}  // namespace lamplighter
