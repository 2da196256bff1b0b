#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "common/kafka/kafka_options.h"
#include "common/kafka/rdkafka_client.h"
#include "librdkafka/rdkafka.h"

namespace lamplighter {

struct AdminOptionsDeleter {
  void operator()(rd_kafka_AdminOptions_t* options) const {
    rd_kafka_AdminOptions_destroy(options);
  }
};
using AdminOptions =
    std::unique_ptr<rd_kafka_AdminOptions_t, AdminOptionsDeleter>;

// For a request of librdkafka's admin API that the brokers have `limit` for.
AdminOptions MakeAdminOptions(rd_kafka_t* client, rd_kafka_admin_op_t operation,
                              absl::Duration limit);

// What the brokers answered to the one request whose answer comes to `queue`,
// which must outlive the wait. Unavailable where they did not within `limit`.
boost::asio::awaitable<absl::StatusOr<RdkafkaPtr<rd_kafka_event_t>>>
NextAdminAnswer(rd_kafka_queue_t* queue, absl::Duration limit);

// A client for one request after the other, which have `deadline` together.
struct RdkafkaAdmin {
  RdkafkaPtr<rd_kafka_t> client;
  RdkafkaPtr<rd_kafka_queue_t> queue;
  absl::Duration deadline;  // monotonic

  // InvalidArgument if `kafka` cannot be used.
  static absl::StatusOr<RdkafkaAdmin> Create(const KafkaOptions& kafka,
                                             absl::Duration limit);

  // For the next request, whose answer is to come to `queue`.
  AdminOptions Options(rd_kafka_admin_op_t operation) const;
  // See NextAdminAnswer(). This must outlive it.
  boost::asio::awaitable<absl::StatusOr<RdkafkaPtr<rd_kafka_event_t>>>
  NextAnswer() const;

 private:
  absl::Duration Left() const;
};

}  // namespace lamplighter
