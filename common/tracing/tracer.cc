#include "common/tracing/tracer.h"

#include <cmath>
#include <cstddef>
#include <utility>

#include "common/tracing/attributes.h"
#include "common/tracing/span_sink.h"
#include "proto/opentelemetry/otlp.pb.h"

namespace lamplighter {
namespace {

constexpr size_t kMaxText = 256;
// W3C's level 2 has the low 56 bits of a trace id be random.
constexpr int kRandomBits = 56;
constexpr uint64_t kRandomMask = (uint64_t{1} << kRandomBits) - 1;

void AppendBigEndian(uint64_t value, std::string& out) {
  for (int shift = 56; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(value >> shift));
  }
}

// Printable ASCII: one byte that is not UTF-8, such as the half of a character
// that was cut, would have a collector refuse the whole request.
std::string Plain(absl::string_view text) {
  std::string plain(text.substr(0, kMaxText));
  for (char& c : plain) {
    if (c < ' ' || c > '~') c = '?';
  }
  return plain;
}

}  // namespace

// Here, where the record's type is known.
Span::Span() = default;

Span::Span(const TraceContext& context) : context_(context) {}

Span::Span(const Tracer& tracer, absl::string_view name, SpanKind kind,
           const TraceContext& context, uint64_t parent_id)
    : context_(context),
      tracer_(&tracer),
      record_(std::make_unique<otlp::Span>()),
      begun_(tracer.clock_->MonotonicNow()) {
  AppendBigEndian(context.trace_id_high, *record_->mutable_trace_id());
  AppendBigEndian(context.trace_id_low, *record_->mutable_trace_id());
  AppendBigEndian(context.span_id, *record_->mutable_span_id());
  if (parent_id != 0) {
    AppendBigEndian(parent_id, *record_->mutable_parent_span_id());
  }
  record_->set_name(Plain(name));
  record_->set_kind(static_cast<otlp::Span::SpanKind>(kind));
  record_->set_flags(1);  // sampled, or else there were no record
  record_->set_start_time_unix_nano(
      static_cast<uint64_t>(absl::ToUnixNanos(tracer.clock_->Now())));
}

Span::Span(Span&& other) noexcept = default;

Span& Span::operator=(Span&& other) noexcept {
  End();
  context_ = other.context_;
  tracer_ = other.tracer_;
  record_ = std::move(other.record_);
  begun_ = other.begun_;
  return *this;
}

Span::~Span() { End(); }

Span Span::Child(absl::string_view name, SpanKind kind) const {
  if (!recorded()) return Span(context_);
  return Span(*tracer_, name, kind, context_.Child(), context_.span_id);
}

otlp::KeyValue& Span::Add(absl::string_view key) {
  otlp::KeyValue& attribute = *record_->add_attributes();
  attribute.set_key(key.data(), key.size());
  return attribute;
}

Span& Span::Set(absl::string_view key, absl::string_view value) {
  if (recorded()) Add(key).mutable_value()->set_string_value(Plain(value));
  return *this;
}

Span& Span::Set(absl::string_view key, int64_t value) {
  if (recorded()) Add(key).mutable_value()->set_int_value(value);
  return *this;
}

Span& Span::SetError(absl::string_view type, absl::string_view message) {
  if (!recorded()) return *this;
  record_->mutable_status()->set_code(otlp::Status::STATUS_CODE_ERROR);
  record_->mutable_status()->set_message(Plain(message));
  return Set(attribute::kErrorType, type);
}

void Span::SetName(absl::string_view name) {
  if (recorded()) record_->set_name(Plain(name));
}

void Span::End() {
  if (!recorded()) return;
  const absl::Duration took = tracer_->clock_->MonotonicNow() - begun_;
  record_->set_end_time_unix_nano(
      record_->start_time_unix_nano() +
      static_cast<uint64_t>(absl::ToInt64Nanoseconds(took)));
  tracer_->sink_->Take(tracer_->service_, std::move(record_));
}

void Span::Discard() { record_.reset(); }

Tracer::Tracer(SpanSink& sink, const Clock& clock, double ratio)
    : sink_(&sink),
      clock_(&clock),
      least_(static_cast<uint64_t>(
          std::llround((1 - ratio) * std::exp2(kRandomBits)))) {}

Tracer Tracer::For(std::string service) const {
  Tracer tracer = *this;
  tracer.service_ = std::move(service);
  return tracer;
}

bool Tracer::Samples(const TraceContext& root) const {
  return sink_ != nullptr && (root.trace_id_low & kRandomMask) >= least_;
}

Span Tracer::Begin(absl::string_view name, SpanKind kind,
                   absl::string_view traceparent) const {
  if (const auto parent = TraceContext::Parse(traceparent)) {
    if (sink_ == nullptr || !parent->sampled) return Span(*parent);
    return Span(*this, name, kind, parent->Child(), parent->span_id);
  }
  TraceContext root = TraceContext::New();
  root.sampled = Samples(root);
  if (!root.sampled) return Span(root);
  return Span(*this, name, kind, root, /*parent_id=*/0);
}

}  // namespace lamplighter
