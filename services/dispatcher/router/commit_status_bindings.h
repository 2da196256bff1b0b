#pragma once

#include <map>
#include <string>

#include "common/manifests/objects.h"
#include "proto/lamplighter/v1/events.pb.h"
#include "services/dispatcher/cel/cel.h"

namespace lamplighter::dispatcher {

// What a Provider's spec.commitStatusExpr may look at, as
// notification-controller gives it: `event` with its `metadata` merged and
// without prefixes, and the objects `provider` and `alert` as they are in the
// cluster.
CelBindings CommitStatusBindings(
    const v1::FluxEvent& event,
    const std::map<std::string, std::string>& metadata,
    const Provider& provider, const Alert& alert);

}  // namespace lamplighter::dispatcher
