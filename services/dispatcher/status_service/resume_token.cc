#include "services/dispatcher/status_service/resume_token.h"

#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/status/macros.h"

namespace lamplighter::dispatcher {
namespace {

// The version, as offsets may not do for ever.
constexpr absl::string_view kPrefix = "1:";

absl::StatusOr<ResumePoint> Parse(absl::string_view token) {
  ResumePoint point;
  if (absl::ConsumePrefix(&token, kPrefix)) {
    for (const absl::string_view part : absl::StrSplit(token, ',')) {
      int64_t offset = 0;
      if (!absl::SimpleAtoi(part, &offset) || offset < 0) {
        point.clear();
        break;
      }
      point.push_back(offset);
    }
  }
  if (!point.empty()) return point;
  return absl::InvalidArgumentError(
      "resume_token: is not one that WatchOutcomes gave");
}

}  // namespace

std::string FormatResumeToken(const ResumePoint& point) {
  return absl::StrCat(kPrefix, absl::StrJoin(point, ","));
}

absl::StatusOr<ResumePoint> ReadResumeToken(
    absl::string_view token, const std::vector<PartitionOffsets>& offsets) {
  ResumePoint point;
  if (!token.empty()) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(point, Parse(token));
  }
  if (point.size() > offsets.size()) {
    return absl::OutOfRangeError(
        "resume_token: the topic has fewer partitions than it names; begin "
        "without one");
  }
  for (size_t i = 0; i < offsets.size(); ++i) {
    if (i >= point.size()) {
      point.push_back(token.empty() ? offsets[i].end : offsets[i].first);
    } else if (point[i] < offsets[i].first || point[i] > offsets[i].end) {
      return absl::OutOfRangeError(absl::StrCat(
          "resume_token: partition ", i, " holds ", offsets[i].first, " to ",
          offsets[i].end, " and not ", point[i],
          "; begin without one, and read what there is of the statuses"));
    }
  }
  return point;
}

}  // namespace lamplighter::dispatcher
