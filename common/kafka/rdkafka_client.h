#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/kafka/kafka_options.h"
#include "librdkafka/rdkafka.h"

namespace lamplighter {

// Ends whatever librdkafka handed out.
struct RdkafkaDeleter {
  void operator()(rd_kafka_t* client) const;
  void operator()(rd_kafka_conf_t* conf) const;
  void operator()(rd_kafka_queue_t* queue) const;
  void operator()(rd_kafka_topic_t* topic) const;
  void operator()(rd_kafka_event_t* event) const;
  void operator()(rd_kafka_headers_t* headers) const;
  void operator()(rd_kafka_error_t* error) const;
  void operator()(rd_kafka_topic_partition_list_t* list) const;
};
template <typename T>
using RdkafkaPtr = std::unique_ptr<T, RdkafkaDeleter>;

// librdkafka's names and values, beyond what every client has.
using RdkafkaSettings = std::vector<std::pair<const char*, std::string>>;

// A configuration that reaches the brokers and logs into our log.
// InvalidArgument, naming the setting, for what librdkafka refuses.
absl::StatusOr<RdkafkaPtr<rd_kafka_conf_t>> MakeRdkafkaConf(
    const KafkaOptions& options, const RdkafkaSettings& settings);

// A client. It starts threads and connects in the background.
absl::StatusOr<RdkafkaPtr<rd_kafka_t>> MakeRdkafkaClient(
    rd_kafka_type_t type, RdkafkaPtr<rd_kafka_conf_t> conf);

// librdkafka's milliseconds, no more than `max`.
std::string RdkafkaMillis(absl::Duration duration, int max = 900'000);

// What an error of librdkafka or the brokers means to a caller. `detail` is
// librdkafka's own text; where it is null the code's text stands for it.
absl::Status RdkafkaStatus(rd_kafka_resp_err_t error,
                           const char* detail = nullptr);

// OK for null.
absl::Status RdkafkaStatus(const RdkafkaPtr<rd_kafka_error_t>& error);

// `reason`, what librdkafka says of a connection, with what to do about it in
// words of our configuration, where that is known.
std::string RdkafkaAdvice(const char* reason);

// Why the client can do no more, or OK.
absl::Status RdkafkaFatalError(rd_kafka_t* client);

}  // namespace lamplighter
