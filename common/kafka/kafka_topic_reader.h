#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/io_context.hpp"
#include "common/kafka/kafka_options.h"
#include "common/kafka/topic_reader.h"

namespace lamplighter {

// TopicReader on librdkafka. Adds no thread beside librdkafka's own.
class KafkaTopicReader final : public TopicReader {
 public:
  struct Options {
    KafkaOptions kafka;
    std::string topic;
    // Bytes fetched ahead of Next().
    size_t max_prefetch_bytes = 8 << 20;
    // Records that Next() returns at once.
    size_t max_records = 1000;
  };

  // InvalidArgument if librdkafka refuses the options, Internal if the process
  // has no file descriptor left. `loop` must outlive the reader.
  static absl::StatusOr<std::unique_ptr<KafkaTopicReader>> Create(
      const Options& options, boost::asio::io_context& loop);

  ~KafkaTopicReader() override;

  boost::asio::awaitable<absl::StatusOr<std::vector<PartitionOffsets>>> Offsets(
      absl::Duration limit) override;
  boost::asio::awaitable<absl::StatusOr<std::vector<PartitionOffsets>>>
  OffsetsSince(absl::Time since, absl::Duration limit) override;
  absl::Status Assign(std::vector<RecordPosition> from) override;
  boost::asio::awaitable<absl::StatusOr<std::vector<ConsumedRecord>>> Next(
      absl::Duration limit) override;

 private:
  class Core;
  explicit KafkaTopicReader(std::unique_ptr<Core> core);

  const std::unique_ptr<Core> core_;
};

}  // namespace lamplighter
