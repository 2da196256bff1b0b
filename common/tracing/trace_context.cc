#include "common/tracing/trace_context.h"

#include <cstddef>
#include <limits>

#include "absl/random/random.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace lamplighter {
namespace {

// "00-" + trace id + "-" + span id + "-" + flags
constexpr size_t kVersionLength = 2;
constexpr size_t kTraceIdAt = 3;
constexpr size_t kSpanIdAt = 36;
constexpr size_t kFlagsAt = 53;
constexpr size_t kLength = 55;

// Not zero, as both kinds of id demand.
uint64_t RandomId() {
  thread_local absl::BitGen generator;
  return absl::Uniform<uint64_t>(absl::IntervalClosed, generator, 1,
                                 std::numeric_limits<uint64_t>::max());
}

bool IsHex(absl::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == absl::string_view::npos;
}

// The 16 hex digits at `position`, of which IsHex() is true.
uint64_t IdAt(absl::string_view text, size_t position) {
  uint64_t id = 0;
  // It is hex, and so can be read.
  (void)absl::SimpleHexAtoi(text.substr(position, 16), &id);
  return id;
}

}  // namespace

absl::optional<TraceContext> TraceContext::Parse(absl::string_view text) {
  if (text.size() < kLength || text[kVersionLength] != '-' ||
      text[kSpanIdAt - 1] != '-' || text[kFlagsAt - 1] != '-') {
    return absl::nullopt;
  }
  const absl::string_view version = text.substr(0, kVersionLength);
  const absl::string_view flags = text.substr(kFlagsAt, 2);
  if (!IsHex(version) || version == "ff" || !IsHex(flags) ||
      !IsHex(text.substr(kTraceIdAt, 32)) ||
      !IsHex(text.substr(kSpanIdAt, 16))) {
    return absl::nullopt;
  }
  // Versions to come may say more, but only behind another dash.
  if (text.size() > kLength && (version == "00" || text[kLength] != '-')) {
    return absl::nullopt;
  }
  TraceContext context;
  context.trace_id_high = IdAt(text, kTraceIdAt);
  context.trace_id_low = IdAt(text, kTraceIdAt + 16);
  context.span_id = IdAt(text, kSpanIdAt);
  if ((context.trace_id_high == 0 && context.trace_id_low == 0) ||
      context.span_id == 0) {
    return absl::nullopt;
  }
  const char low = flags[1];
  context.sampled = ((low <= '9' ? low - '0' : low - 'a' + 10) & 1) != 0;
  return context;
}

TraceContext TraceContext::New() {
  return {.trace_id_high = RandomId(),
          .trace_id_low = RandomId(),
          .span_id = RandomId()};
}

TraceContext TraceContext::Child() const {
  TraceContext child = *this;
  child.span_id = RandomId();
  return child;
}

std::string TraceContext::ToTraceparent() const {
  if (span_id == 0) return "";
  return absl::StrCat("00-", absl::Hex(trace_id_high, absl::kZeroPad16),
                      absl::Hex(trace_id_low, absl::kZeroPad16), "-",
                      absl::Hex(span_id, absl::kZeroPad16),
                      sampled ? "-01" : "-00");
}

std::string TraceContext::TraceId() const {
  if (span_id == 0) return "";
  return absl::StrCat(absl::Hex(trace_id_high, absl::kZeroPad16),
                      absl::Hex(trace_id_low, absl::kZeroPad16));
}

std::string TraceIdOf(absl::string_view traceparent) {
  return TraceContext::Parse(traceparent).value_or(TraceContext()).TraceId();
}

}  // namespace lamplighter
