#include "services/dispatcher/cel/time_text.h"

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "services/dispatcher/cel/number_text.h"
#include "services/dispatcher/cel/time_range.h"

namespace lamplighter::dispatcher::cel {
namespace {

// Whether `text` begins as the pattern, where 0 stands for a digit.
bool Resembles(absl::string_view text, absl::string_view pattern) {
  if (text.size() < pattern.size()) return false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '0' ? !absl::ascii_isdigit(text[i])
                          : pattern[i] != text[i]) {
      return false;
    }
  }
  return true;
}

// Abseil alone also takes spaces, years of any length, and leap seconds.
bool IsStrictTimestamp(absl::string_view text) {
  constexpr absl::string_view kSeconds = "0000-00-00T00:00:00";
  if (!Resembles(text, kSeconds) || text.substr(17, 2) == "60") return false;
  text.remove_prefix(kSeconds.size());
  if (Resembles(text, ".0")) {
    text.remove_prefix(1);
    while (!text.empty() && absl::ascii_isdigit(text[0])) {
      text.remove_prefix(1);
    }
  }
  if (text == "Z") return true;
  return text.size() == 6 &&
         (Resembles(text, "+00:00") || Resembles(text, "-00:00")) &&
         text.substr(1, 2) < "24" && text.substr(4, 2) < "60";
}

absl::Status NoConversion(CelValue::Kind to) {
  return absl::InvalidArgumentError(absl::StrCat(
      "type conversion error from 'string' to '", TypeName(to), "'"));
}

}  // namespace

std::string TimestampText(absl::Time time) {
  return absl::FormatTime("%E4Y-%m-%dT%H:%M:%E*SZ", time, absl::UTCTimeZone());
}

std::string DurationText(absl::Duration duration) {
  // As Go does it, which keeps every digit that a double can.
  const int64_t nanoseconds = absl::ToInt64Nanoseconds(duration);
  const double seconds = static_cast<double>(nanoseconds / 1'000'000'000) +
                         static_cast<double>(nanoseconds % 1'000'000'000) / 1e9;
  return absl::StrCat(PlainText(seconds), "s");
}

absl::StatusOr<CelValue> ParseTimestamp(absl::string_view text) {
  absl::Time time;
  if (!IsStrictTimestamp(text) ||
      !absl::ParseTime(absl::RFC3339_full, text, &time, nullptr)) {
    return NoConversion(CelValue::Kind::kTimestamp);
  }
  return InRange(time);
}

absl::StatusOr<CelValue> ParseDuration(absl::string_view text) {
  constexpr size_t kLongest = 256;
  absl::Duration duration;
  // Both signs of "micro"; and no "inf", which only Abseil has.
  const std::string plain = absl::StrReplaceAll(
      text.substr(0, kLongest), {{"\u00B5s", "us"}, {"\u03BCs", "us"}});
  if (text.size() > kLongest || plain.find('i') != std::string::npos ||
      !absl::ParseDuration(plain, &duration)) {
    return NoConversion(CelValue::Kind::kDuration);
  }
  return InRange(duration);
}

}  // namespace lamplighter::dispatcher::cel
