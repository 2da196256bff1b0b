#pragma once

#include <vector>

#include "boost/asio/awaitable.hpp"
#include "boost/asio/io_context.hpp"
#include "common/async/sleeper.h"
#include "common/kafka/consumer.h"
#include "common/kafka/producer.h"
#include "common/time/clock.h"
#include "common/tracing/tracer.h"
#include "services/dispatcher/metrics.h"
#include "services/dispatcher/publisher.h"
#include "services/dispatcher/router/pending_intents.h"

namespace lamplighter::dispatcher {

// Turns the records of git-events into those of status-intents that show a
// commit to be on its way. On the loop only.
class GitEventHandler final : public Consumer::Handler {
 public:
  // Everything given must outlive the handler.
  GitEventHandler(const PendingRules& rules, boost::asio::io_context& loop,
                  Consumer& consumer, Producer& producer, Sleeper& sleeper,
                  const Clock& clock, DispatcherMetrics& metrics,
                  Tracer tracer = {});

  void OnRecord(ConsumedRecord record) override;
  void OnAssigned(const std::vector<TopicPartition>& partitions) override;
  // Returns once what all its events mean is written.
  boost::asio::awaitable<void> OnRevoked(
      std::vector<TopicPartition> partitions) override;

 private:
  const PendingRules rules_;
  const Producer& producer_;
  Sleeper& sleeper_;
  const Clock& clock_;
  DispatcherMetrics& metrics_;
  const Tracer tracer_;
  Publisher publisher_;
};

}  // namespace lamplighter::dispatcher
