#pragma once

#include <algorithm>
#include <deque>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/steady_timer.hpp"
#include "common/kafka/assignment.h"
#include "common/kafka/consumer.h"
#include "common/kafka/kafka_consumer.h"
#include "common/kafka/queue_signal.h"
#include "common/kafka/rdkafka_client.h"
#include "common/kafka/record.h"
#include "common/kafka/signal_timer.h"
#include "common/time/clock.h"
#include "librdkafka/rdkafka.h"

namespace lamplighter {

// What a KafkaConsumer is made of. Events of librdkafka's come from one queue:
// kafka_consumer_core.cc reads it, kafka_consumer_rebalance.cc takes partitions
// on, gives them up and leaves the group.
class KafkaConsumer::Core : public std::enable_shared_from_this<Core> {
 public:
  Core(const Options& options, boost::asio::io_context& loop)
      : options_(options),
        loop_(loop),
        poll_timer_(loop),
        commit_timer_(loop) {}

  absl::Status Open();
  absl::Status Start(Handler& handler);
  void MarkDone(const RecordPosition& position) {
    assignment_.MarkDone(position);
  }
  void SetPaused(bool paused);
  absl::Status Ready() const;

  // Coroutines hold the core by themselves.
  static boost::asio::awaitable<void> Stop(std::shared_ptr<Core> self);

  // Lets go of librdkafka. Nothing is called back afterwards.
  void Close();

 private:
  using Event = RdkafkaPtr<rd_kafka_event_t>;
  struct Rebalance {
    bool assign = false;
    std::vector<TopicPartition> partitions;
  };

  void Poll();
  void PollAgain();
  void CommitAgain();
  void Handle(Event event);
  void OnMessage(const rd_kafka_message_t& message);
  void OnError(rd_kafka_event_t& event);
  void OnCommitted(rd_kafka_event_t& event);

  void NextRebalance();
  void Assign(const std::vector<TopicPartition>& partitions);
  static boost::asio::awaitable<void> Revoke(
      std::shared_ptr<Core> self, std::vector<TopicPartition> partitions);
  static boost::asio::awaitable<void> LetHandlerFinish(
      std::shared_ptr<Core> self, std::vector<TopicPartition> partitions);
  static boost::asio::awaitable<void> CommitAndWait(std::shared_ptr<Core> self);

  // Starts a commit of what is done. Null if there is nothing to commit;
  // otherwise set once the group has answered.
  std::shared_ptr<SignalTimer> Commit();

  // What is left of `limit`, and of Stop()'s.
  absl::Duration Within(absl::Duration limit) const {
    return std::min(limit, stop_at_ - Clock::System().MonotonicNow());
  }
  void Spawn(boost::asio::awaitable<void> coroutine);

  const Options options_;
  boost::asio::io_context& loop_;
  Handler* handler_ = nullptr;
  Assignment assignment_;
  std::deque<Rebalance> rebalances_;
  bool rebalancing_ = false;
  bool assigned_ = false;
  bool paused_ = false;
  bool poll_posted_ = false;
  absl::Status fatal_;
  absl::Duration stop_at_ = absl::InfiniteDuration();
  std::shared_ptr<SignalTimer> closed_;  // while Stop() waits
  std::shared_ptr<SignalTimer> commit_;  // while one is under way
  boost::asio::steady_timer poll_timer_;
  boost::asio::steady_timer commit_timer_;
  RdkafkaPtr<rd_kafka_t> client_;
  RdkafkaPtr<rd_kafka_queue_t> queue_;
  std::unique_ptr<QueueSignal> signal_;
};

}  // namespace lamplighter
