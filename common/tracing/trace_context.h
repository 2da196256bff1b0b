#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace lamplighter {

// A W3C Trace Context: a span, and which journey it is part of.
struct TraceContext {
  uint64_t trace_id_high = 0;
  uint64_t trace_id_low = 0;
  uint64_t span_id = 0;  // 0 in a context that stands for none
  bool sampled = false;  // whether the spans of the journey are recorded

  // The one in a `traceparent` header; none where that is malformed.
  static absl::optional<TraceContext> Parse(absl::string_view traceparent);

  // The first span of a new journey, not sampled.
  static TraceContext New();

  // A new span of the same journey.
  TraceContext Child() const;

  // The value of a `traceparent` header; empty if this stands for none.
  std::string ToTraceparent() const;

  // The journey's id as 32 hex digits, as logs and tracing systems show it;
  // empty if this stands for none.
  std::string TraceId() const;

  friend bool operator==(const TraceContext&, const TraceContext&) = default;
};

// TraceId() of a `traceparent` header, for logs; empty where it is malformed.
std::string TraceIdOf(absl::string_view traceparent);

}  // namespace lamplighter
