#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/executor_work_guard.hpp"
#include "boost/asio/io_context.hpp"
#include "common/kafka/consumer.h"
#include "common/kafka/embedded_broker.h"
#include "common/kafka/kafka_options.h"
#include "gtest/gtest.h"

namespace lamplighter {

// Protocol requests that FailNext() knows, by their API keys.
enum class KafkaRequest : int16_t {
  kProduce = 0,
  kFetch = 1,
  kMetadata = 3,
  kOffsetCommit = 8,
  kJoinGroup = 11,
  kInitProducerId = 22,
};

// A test with a broker of its own.
class MockKafkaTest : public ::testing::Test {
 protected:
  // Every wait fails the test after so long.
  static constexpr absl::Duration kLimit = absl::Seconds(10);

  MockKafkaTest();

  // Makes a topic with a name of its own and returns that.
  std::string CreateTopic(int partitions = 1);

  // How to reach the broker.
  KafkaOptions Kafka() const;

  // The broker answers the next `times` requests of a kind with `error`, one of
  // Kafka's error codes (rd_kafka_resp_err_t).
  void FailNext(KafkaRequest request, int error, int times = 1);

  // Takes the broker away, and gives it back.
  void SetBrokerUp(bool up);

  // Everything on the topic, ordered by partition and offset.
  std::vector<ConsumedRecord> Records(const std::string& topic);

  // The offset the group has committed, or -1.
  int64_t Committed(const std::string& group, const std::string& topic,
                    int32_t partition = 0);

  // Runs the loop until `done()`, which is asked after each handler. False if
  // kLimit passes first.
  template <typename Done>
  bool RunUntil(Done done, absl::Duration limit = kLimit) {
    const auto work = boost::asio::make_work_guard(loop_);
    loop_.restart();
    const auto end = Deadline(limit);
    while (!done()) {
      if (!RunOne(end)) return done();
    }
    return true;
  }

  // Runs `coroutine` on the loop to its end, within `limit`.
  bool Run(boost::asio::awaitable<void> coroutine,
           absl::Duration limit = kLimit);

  boost::asio::io_context loop_{1};
  std::unique_ptr<EmbeddedBroker> broker_;

 private:
  // Monotonic, as Clock's.
  static absl::Duration Deadline(absl::Duration limit);
  // Runs one handler; false once `deadline` has passed.
  bool RunOne(absl::Duration deadline);

  int topics_ = 0;
};

}  // namespace lamplighter
