#pragma once

#include <map>
#include <string>

#include "proto/lamplighter/v1/events.pb.h"
#include "services/dispatcher/cel/cel_options.h"
#include "services/dispatcher/cel/cel_value.h"

namespace lamplighter::dispatcher {

// A Provider or an Alert, as an expression sees it, from its JSON. To be made
// once an object: it costs far more than an evaluation.
CelValue ObjectValue(const std::string& json);

// What a Provider's spec.commitStatusExpr may look at, as
// notification-controller gives it: `event` with its `metadata` merged and
// without prefixes, and the objects `provider` and `alert` as they are in the
// cluster.
CelBindings CommitStatusBindings(
    const v1::FluxEvent& event,
    const std::map<std::string, std::string>& metadata, CelValue provider,
    CelValue alert);

}  // namespace lamplighter::dispatcher
