#include "common/tracing/trace_context.h"

#include <cstddef>
#include <cstdint>
#include <limits>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"

namespace lamplighter {
namespace {

// "00-" + trace id + "-" + span id + "-" + flags
constexpr size_t kVersionLength = 2;
constexpr size_t kTraceIdAt = 3;
constexpr size_t kTraceIdLength = 32;
constexpr size_t kSpanIdAt = 36;
constexpr size_t kSpanIdLength = 16;
constexpr size_t kFlagsAt = 53;
constexpr size_t kLength = 55;

// 16 hex digits that are not all zero, as both kinds of id demand.
std::string RandomHex() {
  thread_local absl::BitGen generator;
  const auto value = absl::Uniform<uint64_t>(
      absl::IntervalClosed, generator, 1, std::numeric_limits<uint64_t>::max());
  return absl::StrCat(absl::Hex(value, absl::kZeroPad16));
}

bool IsHex(absl::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == absl::string_view::npos;
}

bool IsId(absl::string_view text) {
  return IsHex(text) && text.find_first_not_of('0') != absl::string_view::npos;
}

absl::optional<TraceContext> Parse(absl::string_view text) {
  if (text.size() < kLength || text[kVersionLength] != '-' ||
      text[kSpanIdAt - 1] != '-' || text[kFlagsAt - 1] != '-') {
    return absl::nullopt;
  }
  const absl::string_view version = text.substr(0, kVersionLength);
  const absl::string_view trace_id = text.substr(kTraceIdAt, kTraceIdLength);
  const absl::string_view span_id = text.substr(kSpanIdAt, kSpanIdLength);
  const absl::string_view flags = text.substr(kFlagsAt, 2);
  if (!IsHex(version) || version == "ff" || !IsId(trace_id) || !IsId(span_id) ||
      !IsHex(flags)) {
    return absl::nullopt;
  }
  // Versions to come may say more, but only behind another dash.
  if (text.size() > kLength && (version == "00" || text[kLength] != '-')) {
    return absl::nullopt;
  }
  const char low = flags[1];
  const bool sampled = ((low <= '9' ? low - '0' : low - 'a' + 10) & 1) != 0;
  return TraceContext{std::string(trace_id), std::string(span_id), sampled};
}

}  // namespace

std::string TraceContext::ToTraceparent() const {
  return absl::StrCat("00-", trace_id, "-", span_id, sampled ? "-01" : "-00");
}

TraceContext TraceContext::Child() const {
  return {trace_id, RandomHex(), sampled};
}

TraceContext TraceContext::Continue(absl::string_view traceparent) {
  if (const absl::optional<TraceContext> parent = Parse(traceparent)) {
    return parent->Child();
  }
  return {absl::StrCat(RandomHex(), RandomHex()), RandomHex(), false};
}

}  // namespace lamplighter
