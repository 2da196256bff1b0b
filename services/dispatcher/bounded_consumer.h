#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "boost/asio/awaitable.hpp"
#include "common/kafka/consumer.h"

namespace lamplighter::dispatcher {

// Adds a bound to a consumer: reading pauses while too many records, or too
// many bytes of them, are not done. On the loop only.
class BoundedConsumer final : public Consumer, private Consumer::Handler {
 public:
  struct Options {
    size_t max_records = 10'000;
    size_t max_bytes = 64 << 20;
  };

  BoundedConsumer(const Options& options, std::unique_ptr<Consumer> consumer);

  absl::Status Start(Consumer::Handler& handler) override;
  void MarkDone(const RecordPosition& position) override;
  void Pause() override;
  void Resume() override;
  boost::asio::awaitable<void> Stop() override { return consumer_->Stop(); }
  absl::Status Ready() const override { return consumer_->Ready(); }

  // Records handed out and not done.
  size_t records() const { return records_; }

 private:
  void OnRecord(ConsumedRecord record) override;
  void OnAssigned(const std::vector<TopicPartition>& partitions) override;
  boost::asio::awaitable<void> OnRevoked(
      std::vector<TopicPartition> partitions) override;

  void Remove(size_t records, size_t bytes);
  void Update();

  const Options options_;
  const std::unique_ptr<Consumer> consumer_;
  Consumer::Handler* handler_ = nullptr;
  // Bytes of what is not done, by partition and offset.
  absl::flat_hash_map<TopicPartition, absl::flat_hash_map<int64_t, size_t>>
      sizes_;
  size_t records_ = 0;
  size_t bytes_ = 0;
  bool full_ = false;       // since a bound was reached
  bool held_back_ = false;  // by Pause()
  bool paused_ = false;     // what the consumer was told
};

}  // namespace lamplighter::dispatcher
