#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/io_context.hpp"
#include "common/async/sleeper.h"
#include "common/kafka/consumer.h"
#include "common/kafka/producer.h"
#include "common/kafka/record.h"

namespace lamplighter::dispatcher {

// Finishes consumed records: writes what came of one, and marks it done once
// all of that is safe. What cannot be written now is written later, so that
// nothing is done too early or forgotten. On the loop only.
class Publisher {
 public:
  // `consumer` and `producer` must outlive this. The producer must not give up
  // on the brokers: records of one key keep the order of the calls only as long
  // as no write fails.
  Publisher(boost::asio::io_context& loop, Consumer& consumer,
            Producer& producer);
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;
  ~Publisher();

  // Writes `records` in their order, then marks `origin` done; without any, at
  // once. The records must fit Producer::max_record_bytes().
  void Finish(const RecordPosition& origin, std::vector<Record> records);

  // Records of `partition` that Finish() was called for and that are not done.
  size_t Pending(const TopicPartition& partition) const;

  // Returns once none is pending of `partitions`, which are being given up, or
  // once cancelled: the consumer bounds the wait. This must outlive it.
  boost::asio::awaitable<void> UntilWritten(
      std::vector<TopicPartition> partitions, Sleeper& sleeper) const;

 private:
  struct Batch;
  struct Shared;

  // Shared with the producer's callbacks, which may come after this is gone.
  const std::shared_ptr<Shared> shared_;
};

}  // namespace lamplighter::dispatcher
