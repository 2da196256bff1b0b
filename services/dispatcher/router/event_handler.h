#pragma once

#include <vector>

#include "boost/asio/awaitable.hpp"
#include "boost/asio/io_context.hpp"
#include "common/async/sleeper.h"
#include "common/kafka/consumer.h"
#include "common/kafka/producer.h"
#include "common/time/clock.h"
#include "services/dispatcher/metrics.h"
#include "services/dispatcher/publisher.h"
#include "services/dispatcher/router/router.h"

namespace lamplighter::dispatcher {

// Turns the records of flux-events into records of status-intents and
// dead-letters. On the loop only.
class EventHandler final : public Consumer::Handler {
 public:
  // Everything given must outlive the handler.
  EventHandler(boost::asio::io_context& loop, Router& router,
               Consumer& consumer, Producer& producer, Sleeper& sleeper,
               const Clock& clock, DispatcherMetrics& metrics);

  void OnRecord(ConsumedRecord record) override;
  void OnAssigned(const std::vector<TopicPartition>& partitions) override;
  // Returns once what the events mean is written.
  boost::asio::awaitable<void> OnRevoked(
      std::vector<TopicPartition> partitions) override;

 private:
  // What an event means, as records to write.
  std::vector<Record> Route(const ConsumedRecord& consumed);
  Record DeadLetterRecord(v1::DeadLetter letter,
                          const ConsumedRecord& consumed) const;

  Router& router_;
  const Producer& producer_;
  Sleeper& sleeper_;
  const Clock& clock_;
  DispatcherMetrics& metrics_;
  Publisher publisher_;
};

}  // namespace lamplighter::dispatcher
