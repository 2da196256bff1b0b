#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "proto/lamplighter/v1/events.pb.h"
#include "simdjson.h"

// Parts of events that all forges' normalizers make alike.
namespace lamplighter::ingest {

// Where the repository at `address`, any form of its URL, is: sets id, the full
// name where the forge gave none, and the event's instance if that is not set
// yet; a set one overrides what the address says of it. Nothing is set where
// `address` is no repository's of the event's provider type, or not that of the
// full name which the forge gave.
void SetPlace(absl::string_view address, v1::GitEvent& event,
              v1::Repository& repository);

// The canonical id alone; empty where SetPlace() would set nothing.
std::string IdAt(absl::string_view address, const v1::GitEvent& event);

// The id that the event's repository had under another `name`, or below another
// `owner` (a group, a project, ...); an empty one stays as it is now.
std::string PreviousId(const v1::GitEvent& event, absl::string_view owner,
                       absl::string_view name);

// One more ref of a push, which the event becomes by it. Object ids that are
// empty or zeros stand for none. Null, and nothing is done, where ref or both
// ids are missing.
v1::RefUpdate* AddRef(absl::string_view ref, absl::string_view before,
                      absl::string_view after, v1::GitEvent& event);

// `ref` without refs/heads/.
std::string Branch(absl::string_view ref);

// Sets occurred_at by the time at `path` of `body`, in any form that a forge
// writes: RFC 3339, also without the colon in its zone, "2026-03-04 05:06:07
// UTC", and seconds or milliseconds since 1970.
void SetOccurred(const simdjson::dom::object& body, absl::string_view path,
                 v1::GitEvent& event);

}  // namespace lamplighter::ingest
