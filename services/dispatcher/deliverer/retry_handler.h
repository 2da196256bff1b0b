#pragma once

#include <map>
#include <vector>

#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/io_context.hpp"
#include "common/async/sleeper.h"
#include "common/kafka/consumer.h"
#include "common/kafka/producer.h"
#include "common/time/clock.h"
#include "services/dispatcher/due_timer.h"
#include "services/dispatcher/metrics.h"
#include "services/dispatcher/publisher.h"

namespace lamplighter::dispatcher {

// Gives the records of status-retries back to status-intents, each when its
// time has come: a queue in which intents wait without holding up others. As
// many wait in memory as the consumer bounds; those behind them wait for those,
// which is why nothing is parked for long at once. On the loop only.
class RetryHandler final : public Consumer::Handler {
 public:
  // Everything given must outlive the handler.
  RetryHandler(boost::asio::io_context& loop, Consumer& consumer,
               Producer& producer, Sleeper& sleeper, const Clock& clock,
               DispatcherMetrics& metrics);

  void OnRecord(ConsumedRecord record) override;
  void OnAssigned(const std::vector<TopicPartition>& partitions) override;
  // Forgets what waits. Returns once what was given back is written.
  boost::asio::awaitable<void> OnRevoked(
      std::vector<TopicPartition> partitions) override;

  // Gives back what is due; called by a timer.
  void Tick();

  // What waits in memory.
  size_t waiting() const { return waiting_.size(); }

 private:
  void Return(ConsumedRecord record);
  void Rearm();

  const Producer& producer_;
  Sleeper& sleeper_;
  const Clock& clock_;
  DispatcherMetrics& metrics_;
  Publisher publisher_;
  // By when they are due, on the wall: another process said so.
  std::multimap<absl::Time, ConsumedRecord> waiting_;
  DueTimer timer_;  // last: it calls us
};

}  // namespace lamplighter::dispatcher
