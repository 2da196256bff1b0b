#pragma once

#include <cstdint>
#include <vector>

#include "absl/random/random.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/steady_timer.hpp"
#include "common/async/sleeper.h"
#include "common/async/task_group.h"
#include "common/kafka/consumer.h"
#include "common/kafka/producer.h"
#include "common/time/clock.h"
#include "services/dispatcher/deliverer/deliverer.h"
#include "services/dispatcher/deliverer/status_setter.h"
#include "services/dispatcher/metrics.h"
#include "services/dispatcher/publisher.h"

namespace lamplighter::dispatcher {

// Turns the records of status-intents into statuses on forges, and writes what
// became of each to status-outcomes and dead-letters: gives the Deliverer its
// intents, calls, answers and time. On the loop only.
class IntentHandler final : public Consumer::Handler, private DeliveryPort {
 public:
  // Everything given must outlive the handler.
  IntentHandler(const Deliverer::Options& options,
                boost::asio::io_context& loop, StatusSetter& setter,
                Consumer& consumer, Producer& producer, Sleeper& sleeper,
                const Clock& clock, DispatcherMetrics& metrics);

  void OnRecord(ConsumedRecord record) override;
  void OnAssigned(const std::vector<TopicPartition>& partitions) override;
  // Returns once no call for them is under way and all outcomes are written.
  boost::asio::awaitable<void> OnRevoked(
      std::vector<TopicPartition> partitions) override;

  // Starts no more calls, and waits up to `limit` for those under way.
  boost::asio::awaitable<void> Drain(absl::Duration limit);

 private:
  void Call(uint64_t call, const ReceivedIntent& received,
            bool known_different) override;
  void Finish(FinishedIntent finished) override;

  boost::asio::awaitable<void> RunCall(uint64_t call,
                                       v1::SetCommitStatusRequest request);
  void OnUndecodable(const ConsumedRecord& consumed);
  // Sees to it that Deliverer::Tick() is called when it is due.
  void Rearm();

  StatusSetter& setter_;
  const Producer& producer_;
  Sleeper& sleeper_;
  const Clock& clock_;
  DispatcherMetrics& metrics_;
  absl::BitGen random_;
  Deliverer deliverer_;
  Publisher publisher_;
  bool draining_ = false;
  absl::Duration armed_for_ = absl::InfiniteDuration();
  boost::asio::steady_timer timer_;
  TaskGroup calls_;  // last: its tasks use what is above
};

}  // namespace lamplighter::dispatcher
