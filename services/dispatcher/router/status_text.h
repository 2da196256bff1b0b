#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "common/manifests/objects.h"
#include "proto/lamplighter/v1/events.pb.h"

namespace lamplighter::dispatcher {

// How the description of a status is made.
enum class DescriptionStyle {
  kMessage,  // errors also tell the first line of their message
  kFlux,     // as notification-controller makes it
};

// notification-controller's context: kind, name and the first part of the
// Provider's uid, in lower case: "kustomization/apps/0c9c2e41".
std::string DefaultContext(const v1::ObjectReference& object,
                           const Provider& provider);

// "HealthCheckFailed" becomes "health check failed".
std::string ReasonInWords(absl::string_view reason);

// The description of the status that `event` becomes. Not yet cut to any
// forge's limit.
std::string Description(const v1::FluxEvent& event, DescriptionStyle style);

}  // namespace lamplighter::dispatcher
