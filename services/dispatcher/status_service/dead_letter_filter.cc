#include "services/dispatcher/status_service/dead_letter_filter.h"

#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/status/macros.h"
#include "common/time/proto_time.h"

namespace lamplighter::dispatcher {
namespace {

constexpr int kMaxIds = 1'000;

}  // namespace

std::string ToString(const DeadLetterId& id) {
  return absl::StrCat(id.partition, "/", id.offset);
}

absl::StatusOr<DeadLetterId> ParseDeadLetterId(absl::string_view text) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits('/', 1));
  DeadLetterId id;
  if (absl::SimpleAtoi(parts.first, &id.partition) && id.partition >= 0 &&
      absl::SimpleAtoi(parts.second, &id.offset) && id.offset >= 0) {
    return id;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      text, ": is no id of a dead letter, PARTITION/OFFSET as in 3/1042"));
}

bool DeadLetterFilter::Matches(const DeadLetterId& id,
                               const v1::DeadLetter& letter) const {
  return (ids.empty() || ids.contains(id)) &&
         (reasons.empty() || reasons.contains(letter.reason())) &&
         (repository_id.empty() ||
          letter.intent().repository_id() == repository_id) &&
         FromProto(letter.given_up_at()) >= since;
}

absl::StatusOr<DeadLetterFilter> ReadFilter(const v1::DeadLetterFilter& filter,
                                            absl::Time now) {
  DeadLetterFilter read;
  if (filter.has_since()) {
    const absl::Duration since = FromProto(filter.since());
    if (since <= absl::ZeroDuration()) {
      return absl::InvalidArgumentError("filter.since: must be more than 0s");
    }
    read.since = now - since;
  }
  read.reasons = {filter.reasons().begin(), filter.reasons().end()};
  read.repository_id = absl::AsciiStrToLower(filter.repository_id());
  if (filter.ids_size() > kMaxIds) {
    return absl::InvalidArgumentError(
        absl::StrCat("filter.ids: must be ", kMaxIds, " at most"));
  }
  for (const std::string& text : filter.ids()) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(const DeadLetterId id,
                                 ParseDeadLetterId(text));
    read.ids.insert(id);
  }
  return read;
}

}  // namespace lamplighter::dispatcher
