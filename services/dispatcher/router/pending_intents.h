#pragma once

#include <vector>

#include "absl/time/time.h"
#include "proto/lamplighter/v1/events.pb.h"
#include "proto/lamplighter/v1/statuses.pb.h"

namespace lamplighter::dispatcher {

// Which events of forges mean that commits are on their way, and for how long.
struct PendingRules {
  bool pushes = true;
  bool pull_requests = true;
  absl::Duration error_after = absl::Hours(1);
};

// One intent with `seen_contexts` for each commit that `event` puts on a branch
// of its repository or proposes for one. None for tags, deleted branches, heads
// of forks (which are not in the repository) and ids that are cut short.
std::vector<v1::StatusIntent> PendingIntents(const v1::GitEvent& event,
                                             const PendingRules& rules);

}  // namespace lamplighter::dispatcher
