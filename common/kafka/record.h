#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace lamplighter {

// A header of a Kafka record.
struct RecordHeader {
  std::string name;
  std::string value;
};

// What is written to and read from a topic.
struct Record {
  std::string topic;
  std::string key;
  std::string value;
  std::vector<RecordHeader> headers;
  // Without a value: on a compacted topic the key is forgotten.
  bool tombstone = false;
  // Where to write it. Default: where its key belongs.
  absl::optional<int32_t> partition = absl::nullopt;
};

// Where a record lies.
struct RecordPosition {
  std::string topic;
  int32_t partition = 0;
  int64_t offset = 0;

  friend bool operator==(const RecordPosition&,
                         const RecordPosition&) = default;
};

// One partition of a topic.
struct TopicPartition {
  std::string topic;
  int32_t partition = 0;

  friend bool operator==(const TopicPartition&,
                         const TopicPartition&) = default;
  template <typename H>
  friend H AbslHashValue(H state, const TopicPartition& value) {
    return H::combine(std::move(state), value.topic, value.partition);
  }
};

// The last value of the header `name`, if there is one.
inline absl::optional<absl::string_view> FindHeader(const Record& record,
                                                    absl::string_view name) {
  for (auto it = record.headers.rbegin(); it != record.headers.rend(); ++it) {
    if (it->name == name) return it->value;
  }
  return absl::nullopt;
}

}  // namespace lamplighter
