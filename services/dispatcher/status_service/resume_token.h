#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/kafka/topic_reader.h"

namespace lamplighter::dispatcher {

// Where to go on in a topic: the next offset of each of its partitions, in the
// order of their numbers.
using ResumePoint = std::vector<int64_t>;

// As clients are given it: "1:1042,77,0".
std::string FormatResumeToken(const ResumePoint& point);

// Where `token` says to go on in a topic that holds `offsets`; its end for an
// empty one. A partition that came since begins with its first record.
// InvalidArgument for what no token is, OutOfRange for what the topic does not
// hold (any more).
absl::StatusOr<ResumePoint> ReadResumeToken(
    absl::string_view token, const std::vector<PartitionOffsets>& offsets);

}  // namespace lamplighter::dispatcher
