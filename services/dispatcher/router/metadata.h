#pragma once

#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "common/manifests/objects.h"
#include "proto/lamplighter/v1/events.pb.h"

namespace lamplighter::dispatcher {

// What notification-controller makes of an event's metadata. On the wire a key
// begins with the API group of the event's object, or with the group of
// RFC-0008 annotations; where notification-controller forwarded the event, no
// key has a prefix, and all of them count as the object's.

// True if the event ends up as a commit status: every error, and of the rest
// what says that it is the outcome of a reconciliation
// (`<group>/commit_status: update`) or names a commit by annotation.
//
// Flux before 2.8 says nothing of the kind. Of its events the success of a
// Kustomization is taken, which is known by its reason and message, and the
// rest is progress that would set a commit green before its time.
bool IsStatusEvent(const v1::FluxEvent& event);

// The metadata that status and context are made of, without prefixes. Later
// ones win: annotations, the Alert's eventMetadata, its summary, the object's
// own.
std::map<std::string, std::string> MergedMetadata(const v1::FluxEvent& event,
                                                  const Alert& alert);

}  // namespace lamplighter::dispatcher
