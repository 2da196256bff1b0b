#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/kafka/record.h"
#include "proto/lamplighter/v1/status_service.pb.h"
#include "proto/lamplighter/v1/statuses.pb.h"

namespace lamplighter::dispatcher {

// Where a dead letter lies on its topic, which is also its name: "3/1042".
struct DeadLetterId {
  int32_t partition = 0;
  int64_t offset = 0;

  friend auto operator<=>(const DeadLetterId&, const DeadLetterId&) = default;
};
std::string ToString(const DeadLetterId& id);
// InvalidArgument for what is no such name.
absl::StatusOr<DeadLetterId> ParseDeadLetterId(absl::string_view text);

// Which dead letters a request is about.
struct DeadLetterFilter {
  absl::Time since = absl::InfinitePast();
  absl::flat_hash_set<int> reasons;  // empty: all
  std::string repository_id;         // empty: all
  std::set<DeadLetterId> ids;        // empty: all

  bool Matches(const DeadLetterId& id, const v1::DeadLetter& letter) const;
};

// InvalidArgument, for the client, for what cannot be meant.
absl::StatusOr<DeadLetterFilter> ReadFilter(const v1::DeadLetterFilter& filter,
                                            absl::Time now);

}  // namespace lamplighter::dispatcher
