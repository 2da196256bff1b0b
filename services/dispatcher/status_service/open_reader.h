#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/kafka/topic_reader.h"

namespace lamplighter::dispatcher {

// Makes a reader of a topic.
using OpenReader = std::function<absl::StatusOr<std::unique_ptr<TopicReader>>(
    const std::string& topic)>;

// How long the brokers may take to answer a reader's question, or to send a
// record that is there.
inline constexpr absl::Duration kReadLimit = absl::Seconds(10);

}  // namespace lamplighter::dispatcher
