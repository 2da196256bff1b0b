#pragma once

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "boost/asio/any_io_executor.hpp"
#include "librdkafka/rdkafka.h"

namespace lamplighter {

// Calls back on the loop when a queue of librdkafka's that was empty holds
// something. Nothing more comes until the callback has emptied it, so that who
// leaves something in it must come back by himself.
class QueueSignal {
 public:
  // Internal if the process has no file descriptor left. `queue` must outlive
  // the signal; the callback may destroy it.
  static absl::StatusOr<std::unique_ptr<QueueSignal>> Create(
      rd_kafka_queue_t* queue, boost::asio::any_io_executor executor,
      std::function<void()> on_filled);

  // The callback is not called again.
  ~QueueSignal();

 private:
  class Watch;
  QueueSignal(rd_kafka_queue_t* queue, std::shared_ptr<Watch> watch);

  rd_kafka_queue_t* const queue_;
  // Shared with the read under way, which ends after we do.
  std::shared_ptr<Watch> watch_;
};

}  // namespace lamplighter
