#pragma once

#include "absl/strings/string_view.h"

namespace lamplighter::dispatcher {

// What a client of StatusService may do.
inline constexpr char kStatusesWrite[] = "statuses:write";
inline constexpr char kStatusesRead[] = "statuses:read";
inline constexpr char kDeadLettersWrite[] = "dead-letters:write";
inline constexpr char kDeadLettersRead[] = "dead-letters:read";

inline constexpr absl::string_view kScopes[] = {
    kStatusesWrite, kStatusesRead, kDeadLettersWrite, kDeadLettersRead};

}  // namespace lamplighter::dispatcher
