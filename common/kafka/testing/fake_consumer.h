#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "boost/asio/awaitable.hpp"
#include "common/kafka/consumer.h"
#include "common/kafka/offset_tracker.h"

namespace lamplighter {

// A consumer that a test feeds: it calls the handler from the test's own calls.
class FakeConsumer final : public Consumer {
 public:
  absl::Status Start(Handler& handler) override {
    handler_ = &handler;
    return start_status_;
  }
  void MarkDone(const RecordPosition& position) override {
    const auto found = trackers_.find({position.topic, position.partition});
    if (found == trackers_.end()) return;  // revoked
    found->second.MarkDone(position.offset);
    done_.push_back(position);
  }
  void Pause() override { paused_ = true; }
  void Resume() override { paused_ = false; }
  absl::Status Ready() const override { return ready_; }

  boost::asio::awaitable<void> Stop() override {
    std::vector<TopicPartition> all;
    for (const auto& [key, tracker] : trackers_) {
      all.push_back({key.first, key.second});
    }
    if (handler_ != nullptr && !all.empty()) co_await Revoke(std::move(all));
    stopped_ = true;
  }

  // Gives the handler partitions. Push() does so by itself.
  void Assign(const std::vector<TopicPartition>& partitions) {
    for (const auto& [topic, partition] : partitions) {
      trackers_[{topic, partition}];
    }
    handler_->OnAssigned(partitions);
  }

  // Takes them away, and returns once the handler has let go.
  boost::asio::awaitable<void> Revoke(std::vector<TopicPartition> partitions) {
    co_await handler_->OnRevoked(partitions);
    for (const auto& [topic, partition] : partitions) {
      trackers_.erase({topic, partition});
    }
  }

  // Hands `record` to the handler as the next one of `partition`.
  RecordPosition Push(Record record, int32_t partition = 0) {
    return Push({.record = std::move(record), .position = {}}, partition);
  }
  // The same, of one that lay there before the partition was assigned.
  RecordPosition PushInherited(Record record, int32_t partition = 0) {
    return Push(
        {.record = std::move(record), .position = {}, .inherited = true},
        partition);
  }

  void set_start_status(absl::Status status) {
    start_status_ = std::move(status);
  }
  void set_ready(absl::Status ready) { ready_ = std::move(ready); }

  bool started() const { return handler_ != nullptr; }
  bool stopped() const { return stopped_; }
  bool paused() const { return paused_; }

  // What was marked done while assigned, in the order of the calls.
  const std::vector<RecordPosition>& done() const { return done_; }

  // The offset that would be committed: of the first record not done. None if
  // the partition is not assigned or no record of it was pushed.
  absl::optional<int64_t> Committable(const std::string& topic,
                                      int32_t partition = 0) const {
    const auto found = trackers_.find({topic, partition});
    if (found == trackers_.end()) return absl::nullopt;
    return found->second.Committable();
  }

 private:
  using Key = std::pair<std::string, int32_t>;

  RecordPosition Push(ConsumedRecord consumed, int32_t partition) {
    const Key key = {consumed.record.topic, partition};
    if (!trackers_.contains(key)) Assign({{key.first, partition}});
    consumed.position = {key.first, partition, next_[key]++};
    const RecordPosition position = consumed.position;
    trackers_[key].Add(position.offset);
    handler_->OnRecord(std::move(consumed));
    return position;
  }

  Handler* handler_ = nullptr;
  std::map<Key, OffsetTracker> trackers_;  // of what is assigned
  std::map<Key, int64_t> next_;
  std::vector<RecordPosition> done_;
  bool paused_ = false;
  bool stopped_ = false;
  absl::Status start_status_;
  absl::Status ready_;
};

}  // namespace lamplighter
