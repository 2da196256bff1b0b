#include <algorithm>
#include <exception>
#include <string>
#include <thread>
#include <utility>

#include "boost/asio/bind_cancellation_slot.hpp"
#include "boost/asio/cancellation_signal.hpp"
#include "boost/asio/co_spawn.hpp"
#include "common/kafka/kafka_consumer_core.h"
#include "common/log/log.h"

namespace lamplighter {
namespace {

namespace asio = boost::asio;

// For the group's answer to a commit before partitions are given up.
constexpr absl::Duration kCommitLimit = absl::Seconds(3);

using PartitionList = RdkafkaPtr<rd_kafka_topic_partition_list_t>;

PartitionList ToList(const std::vector<TopicPartition>& partitions) {
  PartitionList list(
      rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())));
  for (const auto& [topic, partition] : partitions) {
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition);
  }
  return list;
}

}  // namespace

std::shared_ptr<SignalTimer> KafkaConsumer::Core::Commit() {
  const std::vector<RecordPosition> positions = assignment_.Uncommitted();
  if (positions.empty()) return nullptr;
  PartitionList list(
      rd_kafka_topic_partition_list_new(static_cast<int>(positions.size())));
  for (const auto& [topic, partition, offset] : positions) {
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition)
        ->offset = offset;
  }
  const rd_kafka_resp_err_t error = rd_kafka_commit_queue(
      client_.get(), list.get(), queue_.get(), nullptr, nullptr);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return nullptr;
  commit_ = std::make_shared<SignalTimer>(loop_.get_executor());
  return commit_;
}

void KafkaConsumer::Core::OnCommitted(rd_kafka_event_t& event) {
  const rd_kafka_topic_partition_list_t* const list =
      rd_kafka_event_topic_partition_list(&event);
  absl::Status status = RdkafkaStatus(rd_kafka_event_error(&event));
  for (int i = 0; list != nullptr && i < list->cnt; ++i) {
    const rd_kafka_topic_partition_t& each = list->elems[i];
    status.Update(RdkafkaStatus(each.err));
    if (!status.ok()) break;
    assignment_.SetCommitted({each.topic, each.partition, each.offset});
  }
  if (!status.ok()) {
    // What it held is still uncommitted, and so part of the next one.
    LAMPLIGHTER_LOG_EVERY_SECOND(kWarning, "kafka commit failed")
        .With("group", options_.group)
        .With("error", status.ToString());
  }
  if (commit_ != nullptr) std::exchange(commit_, nullptr)->Set();
}

void KafkaConsumer::Core::NextRebalance() {
  while (!rebalancing_ && !rebalances_.empty() && client_ != nullptr) {
    const Rebalance next = std::move(rebalances_.front());
    rebalances_.pop_front();
    if (next.assign) {
      Assign(next.partitions);
    } else {
      rebalancing_ = true;
      Spawn(Revoke(shared_from_this(), next.partitions));
    }
  }
}

void KafkaConsumer::Core::Assign(
    const std::vector<TopicPartition>& partitions) {
  assigned_ = true;
  assignment_.Add(partitions);
  if (!partitions.empty()) handler_->OnAssigned(partitions);
  const PartitionList list = ToList(partitions);
  const RdkafkaPtr<rd_kafka_error_t> error(
      rd_kafka_incremental_assign(client_.get(), list.get()));
  if (error != nullptr) {
    LAMPLIGHTER_LOG(kError, "kafka assignment failed")
        .With("group", options_.group)
        .With("error", RdkafkaStatus(error).ToString());
  }
  if (paused_) rd_kafka_pause_partitions(client_.get(), list.get());
}

void KafkaConsumer::Core::SetPaused(bool paused) {
  paused_ = paused;
  if (client_ == nullptr) return;
  const PartitionList list = ToList(assignment_.Partitions());
  // Partitions that were lost meanwhile fail one by one, and need neither.
  if (paused) {
    rd_kafka_pause_partitions(client_.get(), list.get());
  } else {
    rd_kafka_resume_partitions(client_.get(), list.get());
  }
}

asio::awaitable<void> KafkaConsumer::Core::Revoke(
    std::shared_ptr<Core> self, std::vector<TopicPartition> partitions) {
  if (self->client_ == nullptr) co_return;  // closed before we began
  // Lost ones are another member's already, which would repeat what we do now;
  // the group would refuse our commit.
  const bool lost = rd_kafka_assignment_lost(self->client_.get()) != 0;
  self->assignment_.BeginRevoke(partitions);
  if (!partitions.empty()) {
    co_await LetHandlerFinish(self, partitions);
    if (!lost) co_await CommitAndWait(self);
  }
  self->assignment_.Remove(partitions);
  if (lost) self->assigned_ = false;
  self->rebalancing_ = false;
  if (self->client_ == nullptr) co_return;
  const RdkafkaPtr<rd_kafka_error_t> error(rd_kafka_incremental_unassign(
      self->client_.get(), ToList(partitions).get()));
  if (error != nullptr) {
    LAMPLIGHTER_LOG(kError, "kafka revocation failed")
        .With("group", self->options_.group)
        .With("error", RdkafkaStatus(error).ToString());
  }
  self->NextRebalance();
}

asio::awaitable<void> KafkaConsumer::Core::LetHandlerFinish(
    std::shared_ptr<Core> self, std::vector<TopicPartition> partitions) {
  // Shared, as a handler that ignores its cancellation outlives the wait.
  const auto finished =
      std::make_shared<SignalTimer>(self->loop_.get_executor());
  const auto cancel = std::make_shared<asio::cancellation_signal>();
  const auto cancelled = std::make_shared<bool>(false);
  asio::co_spawn(
      self->loop_, self->handler_->OnRevoked(std::move(partitions)),
      asio::bind_cancellation_slot(
          cancel->slot(),
          [finished, cancel, cancelled](const std::exception_ptr& error) {
            if (error && !*cancelled) {
              LAMPLIGHTER_LOG(kError, "exception from a handler of Kafka's");
            }
            finished->Set();
          }));
  // Half, so that Stop() outlasts a revocation that was under way before it.
  const absl::Duration limit =
      std::min(self->options_.drain_timeout, self->options_.close_timeout / 2);
  if (co_await finished->Wait(self->Within(limit))) co_return;
  LAMPLIGHTER_LOG(kWarning, "kafka partitions given up with work unfinished")
      .With("group", self->options_.group);
  *cancelled = true;
  cancel->emit(asio::cancellation_type::terminal);
}

asio::awaitable<void> KafkaConsumer::Core::CommitAndWait(
    std::shared_ptr<Core> self) {
  // One may be under way already, with less in it.
  if (const auto earlier = self->commit_; earlier != nullptr) {
    co_await earlier->Wait(self->Within(kCommitLimit));
  }
  if (self->client_ == nullptr) co_return;
  if (const auto commit = self->Commit(); commit != nullptr) {
    co_await commit->Wait(self->Within(kCommitLimit));
  }
}

asio::awaitable<void> KafkaConsumer::Core::Stop(std::shared_ptr<Core> self) {
  if (self->handler_ == nullptr || self->client_ == nullptr ||
      self->closed_ != nullptr) {
    co_return;
  }
  self->stop_at_ =
      Clock::System().MonotonicNow() + self->options_.close_timeout;
  self->closed_ = std::make_shared<SignalTimer>(self->loop_.get_executor());
  self->assigned_ = false;
  // From now on a rebalance revokes everything, and ends in `closed_`. After a
  // fatal error there is none, and the handler would not be told.
  const RdkafkaPtr<rd_kafka_error_t> error(
      rd_kafka_consumer_close_queue(self->client_.get(), self->queue_.get()));
  if (error == nullptr) {
    self->PollAgain();
    const bool closed =
        co_await self->closed_->Wait(self->Within(absl::InfiniteDuration()));
    if (!closed) {
      LAMPLIGHTER_LOG(kWarning, "kafka consumer left without a goodbye")
          .With("group", self->options_.group);
    }
  } else if (auto held = self->assignment_.Partitions(); !held.empty()) {
    self->assignment_.BeginRevoke(held);
    co_await LetHandlerFinish(self, held);
  }
  self->Close();
}

void KafkaConsumer::Core::Close() {
  if (client_ == nullptr) return;
  const bool closed = rd_kafka_consumer_closed(client_.get()) != 0;
  signal_.reset();
  queue_.reset();
  poll_timer_.cancel();
  commit_timer_.cancel();
  RdkafkaPtr<rd_kafka_t> client = std::move(client_);
  // Without a close its end may wait for the brokers, and we must not.
  if (closed) return;
  std::thread([ending = std::move(client)]() mutable {
    ending.reset();
  }).detach();
}

void KafkaConsumer::Core::Spawn(asio::awaitable<void> coroutine) {
  asio::co_spawn(loop_, std::move(coroutine),
                 [](const std::exception_ptr& error) {
                   LAMPLIGHTER_CHECK(!error, "exception in a rebalance");
                 });
}

}  // namespace lamplighter
