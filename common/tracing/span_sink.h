#pragma once

#include <memory>
#include <string>

#include "proto/opentelemetry/otlp.pb.h"

namespace lamplighter {

// Where finished spans go.
class SpanSink {
 public:
  virtual ~SpanSink() = default;

  // Takes a span of `service`, at once: it may drop it, and never fails or
  // blocks the work that the span is about. On the loop only.
  virtual void Take(const std::string& service,
                    std::unique_ptr<otlp::Span> span) = 0;
};

}  // namespace lamplighter
