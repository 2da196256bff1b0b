#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "common/kafka/offset_tracker.h"
#include "common/kafka/record.h"

namespace lamplighter {

// The partitions that a consumer holds, and how far the work of each has come.
class Assignment {
 public:
  // Ours, from now on, with no record handed out yet.
  void Add(const std::vector<TopicPartition>& partitions);

  // No record of them is accepted any more; MarkDone() still counts.
  void BeginRevoke(const std::vector<TopicPartition>& partitions);

  // No longer ours.
  void Remove(const std::vector<TopicPartition>& partitions);

  // Notes that the record is handed out. False, and nothing is noted, if its
  // partition is not ours or is being revoked.
  bool Accept(absl::string_view topic, int32_t partition, int64_t offset);

  // Whether a record that was accepted lay there when its partition became
  // ours. `end` says where the partition ends; asked at the first record.
  bool IsInherited(absl::string_view topic, int32_t partition, int64_t offset,
                   absl::FunctionRef<int64_t()> end);

  // Ignored for what is not ours. A partition that was lost and came back
  // repeats its records; work that was done for the first hand-out counts for
  // the second, being that of the same record.
  void MarkDone(const RecordPosition& position);

  // What there is to commit beyond what is committed: the offsets of the next
  // records to read.
  std::vector<RecordPosition> Uncommitted() const;

  // The group has `position` now.
  void SetCommitted(const RecordPosition& position);

  std::vector<TopicPartition> Partitions() const;

 private:
  struct State {
    OffsetTracker tracker;
    absl::optional<int64_t> committed;
    absl::optional<int64_t> inherited_end;
    bool revoking = false;
  };

  State* Find(absl::string_view topic, int32_t partition);

  // By topic first, so that a record's topic is looked up without a copy.
  absl::flat_hash_map<std::string, absl::flat_hash_map<int32_t, State>> topics_;
};

}  // namespace lamplighter
