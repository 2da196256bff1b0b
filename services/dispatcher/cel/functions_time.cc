// What timestamps and durations are made of.

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "common/status/macros.h"
#include "services/dispatcher/cel/functions.h"

namespace lamplighter::dispatcher::cel {
namespace {

absl::Status UnknownZone(absl::string_view name) {
  return absl::InvalidArgumentError(
      absl::StrCat("unknown time zone ", name.substr(0, 64)));
}

// Of "+02:00", "-01:30" or "05:30".
absl::StatusOr<absl::TimeZone> FixedZone(absl::string_view name, size_t colon) {
  int hours = 0;
  int minutes = 0;
  if (!absl::SimpleAtoi(name.substr(0, colon), &hours) ||
      !absl::SimpleAtoi(name.substr(colon + 1), &minutes) || hours < -23 ||
      hours > 23 || minutes < 0 || minutes > 59) {
    return UnknownZone(name);
  }
  if (name[0] == '-') minutes = -minutes;
  return absl::FixedTimeZone((hours * 60 + minutes) * 60);
}

absl::StatusOr<absl::TimeZone> Zone(const std::string& name) {
  if (const size_t colon = name.find(':'); colon != std::string::npos) {
    return FixedZone(name, colon);
  }
  if (name.empty() || name == "UTC") return absl::UTCTimeZone();
  // Names are files below the system's database, and of nothing else.
  const bool safe = name.size() <= 64 && name[0] != '/' &&
                    !absl::StrContains(name, "..") && name != "localtime";
  absl::TimeZone zone;
  if (!safe || !absl::LoadTimeZone(name, &zone)) return UnknownZone(name);
  return zone;
}

// A timestamp, and where it is there a zone.
absl::StatusOr<absl::TimeZone::CivilInfo> Civil(Arguments a) {
  absl::TimeZone zone = absl::UTCTimeZone();
  if (a.size() > 1) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(zone, Zone(a[1].string_value()));
  }
  return zone.At(a[0].timestamp_value());
}

using CivilPart = int64_t (*)(const absl::TimeZone::CivilInfo&);

template <CivilPart kPart>
absl::StatusOr<CelValue> Get(Arguments a, Budget&) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const absl::TimeZone::CivilInfo civil, Civil(a));
  return CelValue::Int(kPart(civil));
}

using Info = absl::TimeZone::CivilInfo;

int64_t FullYear(const Info& info) { return info.cs.year(); }
int64_t Month(const Info& info) { return info.cs.month() - 1; }
int64_t Date(const Info& info) { return info.cs.day(); }
int64_t DayOfMonth(const Info& info) { return info.cs.day() - 1; }
int64_t DayOfYear(const Info& info) {
  return absl::GetYearDay(absl::CivilDay(info.cs)) - 1;
}
// Sunday is 0; Abseil begins with Monday.
int64_t DayOfWeek(const Info& info) {
  return (static_cast<int64_t>(absl::GetWeekday(absl::CivilDay(info.cs))) + 1) %
         7;
}
int64_t Hours(const Info& info) { return info.cs.hour(); }
int64_t Minutes(const Info& info) { return info.cs.minute(); }
int64_t Seconds(const Info& info) { return info.cs.second(); }
int64_t Milliseconds(const Info& info) {
  return absl::ToInt64Milliseconds(info.subsecond);
}

absl::StatusOr<CelValue> DurationHours(Arguments a, Budget&) {
  return CelValue::Int(absl::ToInt64Hours(a[0].duration_value()));
}

absl::StatusOr<CelValue> DurationMinutes(Arguments a, Budget&) {
  return CelValue::Int(absl::ToInt64Minutes(a[0].duration_value()));
}

absl::StatusOr<CelValue> DurationSeconds(Arguments a, Budget&) {
  return CelValue::Int(absl::ToInt64Seconds(a[0].duration_value()));
}

absl::StatusOr<CelValue> DurationMilliseconds(Arguments a, Budget&) {
  return CelValue::Int(absl::ToInt64Milliseconds(a[0].duration_value()));
}

constexpr absl::string_view kInUtc = "timestamp.() -> int";
constexpr absl::string_view kInZone = "timestamp.(string) -> int";
constexpr absl::string_view kOfDuration = "duration.() -> int";

constexpr FunctionRow kFunctions[] = {
    {"getFullYear", kInUtc, &Get<&FullYear>},
    {"getFullYear", kInZone, &Get<&FullYear>},
    {"getMonth", kInUtc, &Get<&Month>},
    {"getMonth", kInZone, &Get<&Month>},
    {"getDate", kInUtc, &Get<&Date>},
    {"getDate", kInZone, &Get<&Date>},
    {"getDayOfMonth", kInUtc, &Get<&DayOfMonth>},
    {"getDayOfMonth", kInZone, &Get<&DayOfMonth>},
    {"getDayOfYear", kInUtc, &Get<&DayOfYear>},
    {"getDayOfYear", kInZone, &Get<&DayOfYear>},
    {"getDayOfWeek", kInUtc, &Get<&DayOfWeek>},
    {"getDayOfWeek", kInZone, &Get<&DayOfWeek>},
    {"getHours", kInUtc, &Get<&Hours>},
    {"getHours", kInZone, &Get<&Hours>},
    {"getHours", kOfDuration, &DurationHours},
    {"getMinutes", kInUtc, &Get<&Minutes>},
    {"getMinutes", kInZone, &Get<&Minutes>},
    {"getMinutes", kOfDuration, &DurationMinutes},
    {"getSeconds", kInUtc, &Get<&Seconds>},
    {"getSeconds", kInZone, &Get<&Seconds>},
    {"getSeconds", kOfDuration, &DurationSeconds},
    {"getMilliseconds", kInUtc, &Get<&Milliseconds>},
    {"getMilliseconds", kInZone, &Get<&Milliseconds>},
    {"getMilliseconds", kOfDuration, &DurationMilliseconds},
};

}  // namespace

absl::Span<const FunctionRow> TimeFunctions() { return kFunctions; }

}  // namespace lamplighter::dispatcher::cel
