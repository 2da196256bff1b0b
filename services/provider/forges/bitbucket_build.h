#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/lamplighter/v1/statuses.pb.h"
#include "services/provider/forges/forge.h"

// What both Bitbuckets call a status, which is a build to them.
namespace lamplighter::provider {

// Characters of a build's name that both take.
inline constexpr size_t kMaxBuildName = 255;

// `intent` as a build, whose name is still to be cut and whose link to be
// fitted. Its context is the key that tells the builds of a commit apart:
// Cloud takes no more than 40 characters, so it is the context's SHA-1 in hex,
// as notification-controller makes it for both. InvalidArgument for a state
// that is none and for an empty context.
absl::StatusOr<ForgeStatus> RenderBuild(const v1::StatusIntent& intent);

// What the state of a build means, on either of them.
v1::CommitState StateOfBuild(absl::string_view state);

// The newest build of each key, of those that were added.
class NewestBuilds {
 public:
  void Add(ForgeStatus build);
  std::vector<ForgeStatus> Take();

 private:
  absl::flat_hash_map<std::string, ForgeStatus> by_key_;
};

}  // namespace lamplighter::provider
