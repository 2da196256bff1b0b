#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "proto/lamplighter/v1/statuses.pb.h"

namespace lamplighter::provider {

// What both Bitbuckets call a status, which is a build to them.

// Their word for a state; empty for one that is none. Never STOPPED or
// CANCELLED, which are somebody's wish and no failure.
absl::string_view BuildState(v1::CommitState state);

// The key that tells the builds of a commit apart. Cloud takes no more than 40
// characters, so it is the context's SHA-1 in hex, as notification-controller
// makes it for both.
std::string BuildKey(absl::string_view context);

// "kind/name" of the object whose context it is, as notification-controller has
// it, else the context.
std::string BuildName(const v1::StatusIntent& intent);

}  // namespace lamplighter::provider
