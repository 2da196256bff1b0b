#include "common/kafka/assignment.h"

namespace lamplighter {

void Assignment::Add(const std::vector<TopicPartition>& partitions) {
  for (const auto& [topic, partition] : partitions) {
    topics_[topic][partition] = State();
  }
}

void Assignment::BeginRevoke(const std::vector<TopicPartition>& partitions) {
  for (const auto& [topic, partition] : partitions) {
    if (State* const state = Find(topic, partition)) state->revoking = true;
  }
}

void Assignment::Remove(const std::vector<TopicPartition>& partitions) {
  for (const auto& [topic, partition] : partitions) {
    const auto found = topics_.find(topic);
    if (found == topics_.end()) continue;
    found->second.erase(partition);
    if (found->second.empty()) topics_.erase(found);
  }
}

bool Assignment::Accept(absl::string_view topic, int32_t partition,
                        int64_t offset) {
  State* const state = Find(topic, partition);
  if (state == nullptr || state->revoking) return false;
  state->tracker.Add(offset);
  return true;
}

bool Assignment::IsInherited(absl::string_view topic, int32_t partition,
                             int64_t offset, absl::FunctionRef<int64_t()> end) {
  State* const state = Find(topic, partition);
  if (state == nullptr) return false;
  if (!state->inherited_end.has_value()) state->inherited_end = end();
  return offset < *state->inherited_end;
}

void Assignment::MarkDone(const RecordPosition& position) {
  if (State* const state = Find(position.topic, position.partition)) {
    state->tracker.MarkDone(position.offset);
  }
}

std::vector<RecordPosition> Assignment::Uncommitted() const {
  std::vector<RecordPosition> found;
  for (const auto& [topic, partitions] : topics_) {
    for (const auto& [partition, state] : partitions) {
      const absl::optional<int64_t> next = state.tracker.Committable();
      if (next.has_value() && next != state.committed) {
        found.push_back({topic, partition, *next});
      }
    }
  }
  return found;
}

void Assignment::SetCommitted(const RecordPosition& position) {
  if (State* const state = Find(position.topic, position.partition)) {
    state->committed = position.offset;
  }
}

std::vector<TopicPartition> Assignment::Partitions() const {
  std::vector<TopicPartition> found;
  for (const auto& [topic, partitions] : topics_) {
    for (const auto& [partition, state] : partitions) {
      found.push_back({topic, partition});
    }
  }
  return found;
}

Assignment::State* Assignment::Find(absl::string_view topic,
                                    int32_t partition) {
  const auto found = topics_.find(topic);
  if (found == topics_.end()) return nullptr;
  const auto state = found->second.find(partition);
  return state == found->second.end() ? nullptr : &state->second;
}

}  // namespace lamplighter
