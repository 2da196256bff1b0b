#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace lamplighter {

// True if the same call may succeed later with nothing changed. The one place
// that decides what is retried. DeadlineExceeded is not in it: its outcome is
// unknown, and only the caller knows whether the call may be repeated.
inline bool IsTransient(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsResourceExhausted(status) ||
         absl::IsAborted(status);
}

// Adds what was being done to an error on its way up; keeps code and payloads:
// Annotate(status, "publish event ", id) gives "publish event 42: broker down".
template <typename... Context>
absl::Status Annotate(const absl::Status& status, const Context&... context) {
  if (status.ok()) return status;
  absl::Status annotated(status.code(),
                         absl::StrCat(context..., ": ", status.message()));
  status.ForEachPayload(
      [&annotated](absl::string_view type, const absl::Cord& payload) {
        annotated.SetPayload(type, payload);
      });
  return annotated;
}

}  // namespace lamplighter
