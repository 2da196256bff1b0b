#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/io_context.hpp"
#include "common/kafka/consumer.h"
#include "common/kafka/kafka_options.h"

namespace lamplighter {

// Consumer on librdkafka: cooperative-sticky, from the earliest record where
// the group has no offset. Adds no thread beside librdkafka's own. On the loop
// only.
class KafkaConsumer final : public Consumer {
 public:
  struct Options {
    KafkaOptions kafka;
    std::string group;
    std::vector<std::string> topics;
    absl::Duration commit_interval = absl::Seconds(1);
    // A member unheard of for so long loses its partitions.
    absl::Duration session_timeout = absl::Seconds(15);
    // How long OnRevoked() may take before its coroutine is cancelled and the
    // partitions are given up all the same; half the close timeout at most.
    absl::Duration drain_timeout = absl::Seconds(5);
    // How long Stop() may take, OnRevoked() included.
    absl::Duration close_timeout = absl::Seconds(10);
    // group.instance.id: a member that returns under the same name within the
    // session timeout gets its partitions back without a rebalance. May be
    // empty.
    std::string static_member_id;
    // Bytes fetched ahead of the handler.
    size_t max_prefetch_bytes = 8 << 20;
    // Called once, on the loop, when the consumer can do no more (another
    // member took its static id, say). No record follows. May be empty.
    std::function<void(absl::Status)> on_fatal;
  };

  // InvalidArgument if librdkafka refuses the options. `loop` must outlive the
  // consumer.
  static absl::StatusOr<std::unique_ptr<KafkaConsumer>> Create(
      const Options& options, boost::asio::io_context& loop);

  // Without Stop() first, the group learns that the member is gone only after
  // the session timeout, and nothing is committed.
  ~KafkaConsumer() override;

  absl::Status Start(Handler& handler) override;
  void MarkDone(const RecordPosition& position) override;
  void Pause() override;
  void Resume() override;
  boost::asio::awaitable<void> Stop() override;
  absl::Status Ready() const override;

 private:
  class Core;
  explicit KafkaConsumer(std::shared_ptr<Core> core);

  // Shared with the coroutine of a revocation, which may still run when the
  // consumer is destroyed without Stop().
  std::shared_ptr<Core> core_;
};

}  // namespace lamplighter
