#include "services/dispatcher/bounded_consumer.h"

#include <utility>
#include <vector>

namespace lamplighter::dispatcher {

BoundedConsumer::BoundedConsumer(const Options& options,
                                 std::unique_ptr<Consumer> consumer)
    : options_(options), consumer_(std::move(consumer)) {}

absl::Status BoundedConsumer::Start(Consumer::Handler& handler) {
  handler_ = &handler;
  return consumer_->Start(*this);
}

void BoundedConsumer::MarkDone(const RecordPosition& position) {
  const auto partition =
      sizes_.find(TopicPartition{position.topic, position.partition});
  if (partition != sizes_.end()) {
    const auto record = partition->second.find(position.offset);
    if (record != partition->second.end()) {
      const size_t bytes = record->second;
      partition->second.erase(record);
      Remove(1, bytes);
    }
  }
  consumer_->MarkDone(position);
}

void BoundedConsumer::Pause() {
  held_back_ = true;
  Update();
}

void BoundedConsumer::Resume() {
  held_back_ = false;
  Update();
}

void BoundedConsumer::OnRecord(ConsumedRecord record) {
  const size_t bytes = record.record.key.size() + record.record.value.size();
  sizes_[TopicPartition{record.position.topic, record.position.partition}]
        [record.position.offset] = bytes;
  ++records_;
  bytes_ += bytes;
  if (records_ >= options_.max_records || bytes_ >= options_.max_bytes) {
    full_ = true;
    Update();
  }
  handler_->OnRecord(std::move(record));
}

void BoundedConsumer::OnAssigned(
    const std::vector<TopicPartition>& partitions) {
  handler_->OnAssigned(partitions);
}

boost::asio::awaitable<void> BoundedConsumer::OnRevoked(
    std::vector<TopicPartition> partitions) {
  co_await handler_->OnRevoked(partitions);
  for (const TopicPartition& partition : partitions) {
    const auto it = sizes_.find(partition);
    if (it == sizes_.end()) continue;
    size_t bytes = 0;
    for (const auto& [offset, size] : it->second) bytes += size;
    const size_t records = it->second.size();
    sizes_.erase(it);
    Remove(records, bytes);
  }
}

void BoundedConsumer::Remove(size_t records, size_t bytes) {
  records_ -= records;
  bytes_ -= bytes;
  // Some room first, so that it does not pause again at the next record.
  if (records_ <= options_.max_records / 4 * 3 &&
      bytes_ <= options_.max_bytes / 4 * 3) {
    full_ = false;
  }
  Update();
}

void BoundedConsumer::Update() {
  const bool pause = full_ || held_back_;
  if (pause == paused_) return;
  paused_ = pause;
  if (pause) {
    consumer_->Pause();
  } else {
    consumer_->Resume();
  }
}

}  // namespace lamplighter::dispatcher
