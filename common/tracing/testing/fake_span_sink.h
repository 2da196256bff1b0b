#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "common/tracing/span_sink.h"

namespace lamplighter {

// A finished span and whose it is.
struct TakenSpan {
  std::string service;
  otlp::Span span;

  // An attribute as text; none if the span has none of that name.
  absl::optional<std::string> Find(absl::string_view key) const {
    for (const otlp::KeyValue& attribute : span.attributes()) {
      if (attribute.key() != key) continue;
      return attribute.value().has_int_value()
                 ? absl::StrCat(attribute.value().int_value())
                 : attribute.value().string_value();
    }
    return absl::nullopt;
  }
};

// Keeps the spans, in the order in which they ended.
class FakeSpanSink final : public SpanSink {
 public:
  void Take(const std::string& service,
            std::unique_ptr<otlp::Span> span) override {
    spans_.push_back({service, *std::move(span)});
  }

  const std::vector<TakenSpan>& spans() const { return spans_; }

  // The first of that name; none if there is none.
  absl::optional<TakenSpan> Find(absl::string_view name) const {
    for (const TakenSpan& taken : spans_) {
      if (taken.span.name() == name) return taken;
    }
    return absl::nullopt;
  }

 private:
  std::vector<TakenSpan> spans_;
};

}  // namespace lamplighter
