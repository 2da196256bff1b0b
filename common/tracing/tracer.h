#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/time/clock.h"
#include "common/tracing/trace_context.h"

namespace lamplighter {

namespace otlp {
class KeyValue;
class Span;
}  // namespace otlp
class SpanSink;
class Tracer;

// OpenTelemetry's, with its numbers.
enum class SpanKind : uint8_t {
  kInternal = 1,
  kServer = 2,
  kClient = 3,
  kProducer = 4,
  kConsumer = 5,
};

// A piece of work in a journey. Ends when it is destroyed, if not before.
//
// Of a journey that is not sampled nothing is recorded: then a span is no more
// than the context of its parent, allocates nothing, and what is set on it is
// dropped. Whoever has to work for an attribute asks recorded() first.
//
// Belongs to the loop once it is recorded. The tracer must outlive it.
class Span {
 public:
  // Of no journey.
  Span();
  Span(Span&& other) noexcept;
  Span& operator=(Span&& other) noexcept;
  ~Span();

  // What is to be handed on to whoever goes on with the journey.
  const TraceContext& context() const { return context_; }

  bool recorded() const { return record_ != nullptr; }

  // A part of this piece of work.
  Span Child(absl::string_view name, SpanKind kind) const;

  // Each key once, see attributes.h. What could not be shown is replaced in a
  // text, and what is longer than 256 bytes is cut. Never a secret.
  Span& Set(absl::string_view key, absl::string_view value);
  Span& Set(absl::string_view key, int64_t value);

  // Another name, for who would have to make it where nothing is recorded.
  void SetName(absl::string_view name);

  // It did not go well. `type` is one of few words, such as a status code;
  // `message` is for people, and treated as a value is.
  Span& SetError(absl::string_view type, absl::string_view message = "");

  // Now. What is set afterwards is dropped.
  void End();

  // It is not worth to be known of: nothing is recorded.
  void Discard();

 private:
  friend class Tracer;
  explicit Span(const TraceContext& context);
  // A recorded one; `parent_id` is 0 for the first of a journey.
  Span(const Tracer& tracer, absl::string_view name, SpanKind kind,
       const TraceContext& context, uint64_t parent_id);

  otlp::KeyValue& Add(absl::string_view key);

  TraceContext context_;
  const Tracer* tracer_ = nullptr;
  std::unique_ptr<otlp::Span> record_;
  absl::Duration begun_;
};

// Begins the spans of a service.
class Tracer {
 public:
  // Records nothing, and hands journeys on as they come.
  Tracer() = default;

  // Records those journeys that their sender wants recorded, and of those that
  // begin here a share: `ratio`, from 0 to 1. Which they are is decided by
  // their ids, so that all who have the same ratio decide alike. `sink` and
  // `clock` must outlive the tracer.
  Tracer(SpanSink& sink, const Clock& clock, double ratio);

  // The same for a service of this name: OpenTelemetry's service.name.
  Tracer For(std::string service) const;

  // A span that goes on with the journey of `traceparent`, or begins one where
  // that is empty or malformed. `name` is one of few: never with an id in it.
  Span Begin(absl::string_view name, SpanKind kind,
             absl::string_view traceparent) const;

 private:
  friend class Span;
  bool Samples(const TraceContext& root) const;

  std::string service_;
  SpanSink* sink_ = nullptr;
  const Clock* clock_ = nullptr;
  uint64_t least_ = 0;  // random part of the ids that are in the share
};

}  // namespace lamplighter
