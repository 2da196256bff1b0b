#include "services/dispatcher/deliverer/retry_handler.h"

#include <string>

#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/io_context.hpp"
#include "common/async/testing/run_sync.h"
#include "common/async/timer_sleeper.h"
#include "common/kafka/testing/fake_consumer.h"
#include "common/kafka/testing/fake_producer.h"
#include "common/kafka/topic_names.h"
#include "common/metrics/metrics.h"
#include "common/time/proto_time.h"
#include "common/time/testing/fake_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/v1/statuses.pb.h"

namespace lamplighter::dispatcher {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class RetryHandlerTest : public ::testing::Test {
 protected:
  RetryHandlerTest() { EXPECT_TRUE(consumer_.Start(handler_).ok()); }

  // To be tried again in `wait`.
  Record Retry(absl::Duration wait, const std::string& context = "c") const {
    v1::StatusIntent intent;
    intent.set_repository_id("github.com/acme/fleet");
    intent.set_context(context);
    intent.mutable_retry()->set_attempts(3);
    *intent.mutable_retry()->mutable_not_before() =
        ToProto(clock_.Now() + wait);
    Record record;
    record.topic = kStatusRetriesTopic;
    record.key = intent.repository_id();
    record.value = intent.SerializeAsString();
    record.headers = {{"traceparent", "00-1-2-00"}};
    return record;
  }
  void Run() {
    loop_.restart();
    loop_.poll();
  }
  void Advance(absl::Duration by) {
    clock_.Advance(by);
    handler_.Tick();
    Run();
  }
  std::vector<Record> Returned() const {
    return producer_.RecordsOf(kStatusIntentsTopic);
  }

  boost::asio::io_context loop_;
  FakeClock clock_;
  FakeConsumer consumer_;
  FakeProducer producer_{loop_};
  TimerSleeper sleeper_;
  Metrics registry_;
  DispatcherMetrics metrics_{registry_};
  RetryHandler handler_{loop_,    consumer_, producer_,
                        sleeper_, clock_,    metrics_};
};

TEST_F(RetryHandlerTest, GivesBackWhatIsDueAsItWas) {
  const Record record = Retry(absl::Minutes(2));
  consumer_.Push(record);
  Advance(absl::Seconds(119));
  EXPECT_THAT(Returned(), IsEmpty());
  EXPECT_THAT(consumer_.done(), IsEmpty());
  Advance(absl::Seconds(1));
  ASSERT_THAT(Returned(), SizeIs(1));
  EXPECT_EQ(Returned()[0].key, record.key);
  EXPECT_EQ(Returned()[0].value, record.value);
  ASSERT_THAT(Returned()[0].headers, SizeIs(1));
  EXPECT_EQ(Returned()[0].headers[0].value, "00-1-2-00");
  EXPECT_THAT(consumer_.done(), SizeIs(1));
}

TEST_F(RetryHandlerTest, IsDoneOnceItIsWritten) {
  producer_.Hold();
  consumer_.Push(Retry(absl::ZeroDuration()));
  Run();
  EXPECT_THAT(consumer_.done(), IsEmpty());
  producer_.Release();
  Run();
  EXPECT_THAT(consumer_.done(), SizeIs(1));
}

TEST_F(RetryHandlerTest, WhatIsDueDoesNotWaitForWhatIsNot) {
  consumer_.Push(Retry(absl::Minutes(5), "long"));
  consumer_.Push(Retry(absl::Minutes(1), "short"));
  Advance(absl::Minutes(1));
  EXPECT_THAT(Returned(), SizeIs(1));
  EXPECT_EQ(consumer_.Committable(kStatusRetriesTopic), 0)
      << "after a crash the long one is read again";
  Advance(absl::Minutes(4));
  EXPECT_THAT(Returned(), SizeIs(2));
  EXPECT_EQ(consumer_.Committable(kStatusRetriesTopic), 2);
}

TEST_F(RetryHandlerTest, WaitsNoLongerThanItMayWhateverTheRecordSays) {
  consumer_.Push(Retry(absl::Hours(1000)));
  Advance(absl::Minutes(10));
  EXPECT_THAT(Returned(), SizeIs(1));
}

TEST_F(RetryHandlerTest, ForgetsWhatAnotherProcessReadsFromNowOn) {
  consumer_.Push(Retry(absl::Minutes(1)));
  EXPECT_EQ(handler_.waiting(), 1);
  RunSync([this]() -> boost::asio::awaitable<int> {
    co_await consumer_.Revoke({{kStatusRetriesTopic, 0}});
    co_return 0;
  }());
  EXPECT_EQ(handler_.waiting(), 0);
  Advance(absl::Minutes(1));
  EXPECT_THAT(Returned(), IsEmpty());
}

TEST_F(RetryHandlerTest, IsNotStoppedByAValueThatIsNoIntent) {
  Record bad = Retry(absl::ZeroDuration());
  bad.value = "\xff\xff";
  consumer_.Push(bad);
  consumer_.Push(Retry(absl::ZeroDuration()));
  Run();
  EXPECT_THAT(Returned(), SizeIs(1));
  EXPECT_THAT(producer_.RecordsOf(kDeadLettersTopic), SizeIs(1));
  EXPECT_THAT(consumer_.done(), SizeIs(2));
}

}  // namespace
}  // namespace lamplighter::dispatcher
