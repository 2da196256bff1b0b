#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/io_context.hpp"
#include "common/kafka/kafka_options.h"
#include "common/kafka/producer.h"

namespace lamplighter {

// Producer on librdkafka: idempotent, acks=all. One per process is enough; it
// adds no thread beside librdkafka's own. On the loop only.
class KafkaProducer final : public Producer {
 public:
  struct Options {
    KafkaOptions kafka;
    // How long a record may wait for the brokers before it fails as
    // Unavailable. Infinite: it is sent for as long as the process lives.
    absl::Duration message_timeout = absl::Seconds(3);
    // How long a record waits for others to share a request with. More than
    // half a millisecond costs closed-loop callers dearly.
    absl::Duration linger = absl::ZeroDuration();
    // Records not yet acknowledged; beyond it they are ResourceExhausted.
    size_t max_queue_bytes = 64 << 20;
    // What the brokers take (their message.max.bytes, or less).
    size_t max_message_bytes = 1'000'000;
    // Called once, on the loop, when the producer can do no more: the brokers
    // refused it for good. Every record fails as Unavailable from then on; only
    // a new producer helps. May be empty.
    std::function<void(absl::Status)> on_fatal;
  };

  // InvalidArgument if librdkafka refuses the options (a certificate that
  // cannot be read, say). Does not wait for the brokers. `loop` must outlive
  // the producer.
  static absl::StatusOr<std::unique_ptr<KafkaProducer>> Create(
      const Options& options, boost::asio::io_context& loop);

  // Records that are not acknowledged yet end as Cancelled, before this
  // returns; Flush() first. Not to be called from a Done.
  ~KafkaProducer() override;

  void Produce(Record record, Done done) override;
  // OK while the producer holds its id and a broker's connection is up. Learnt
  // from librdkafka twice a second.
  absl::Status Ready() const override;
  size_t max_record_bytes() const override;

  // Waits until every record is acknowledged or failed, `limit` at most. The
  // producer must outlive the wait.
  boost::asio::awaitable<void> Flush(absl::Duration limit);

  // Records not yet acknowledged.
  size_t pending() const;

 private:
  class Core;
  explicit KafkaProducer(std::unique_ptr<Core> core);

  std::unique_ptr<Core> core_;
};

}  // namespace lamplighter
