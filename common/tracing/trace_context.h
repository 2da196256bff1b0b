#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace lamplighter {

// A W3C Trace Context: which journey something is part of.
struct TraceContext {
  std::string trace_id;  // 32 hex digits
  std::string span_id;   // 16 hex digits
  bool sampled = false;

  // The value of a `traceparent` header.
  std::string ToTraceparent() const;

  // A new span of the same journey.
  TraceContext Child() const;

  // Continues the journey of `traceparent`, or begins one where that is empty
  // or malformed. The span is new in either case.
  static TraceContext Continue(absl::string_view traceparent);
};

}  // namespace lamplighter
