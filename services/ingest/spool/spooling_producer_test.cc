#include "services/ingest/spool/spooling_producer.h"

#include <exception>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "boost/asio/co_spawn.hpp"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/ingest/spool/testing/spooling_producer_test.h"

namespace lamplighter::ingest {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(SpoolingProducerTest, SendsRecordsStraightToABrokerThatTakesThem) {
  const auto result = Produce("k", "1");
  ASSERT_THAT(Await(result), IsOk());
  EXPECT_EQ((**result)->partition, 0);
  EXPECT_THAT(broker_.Values(), ElementsAre("1"));
  EXPECT_EQ(Metric("spool_spooled_total"), 0);
}

TEST_F(SpoolingProducerTest, KeepsWhatTheBrokerDoesNotTakeAndStaysReady) {
  broker_.Fail(absl::UnavailableError("away"));
  broker_.set_ready(absl::UnavailableError("away"));
  const auto result = Produce("k", "1");
  ASSERT_THAT(Await(result), IsOk());
  EXPECT_EQ((**result)->partition, -1);
  EXPECT_THAT(ProduceAndAwait("k", "2"), IsOk());
  EXPECT_THAT(broker_.Values(), IsEmpty());
  EXPECT_THAT(producer_->Ready(), IsOk());
  EXPECT_EQ(Metric("spool_spooled_total"), 2);
  EXPECT_EQ(Metric("spool_records{state=\"waiting\"}"), 2);
}

TEST_F(SpoolingProducerTest, KeepsWhatItsQueueHasNoRoomFor) {
  broker_.Fail(absl::ResourceExhaustedError("queue full"));
  EXPECT_THAT(ProduceAndAwait("k", "1"), IsOk());
}

TEST_F(SpoolingProducerTest, DoesNotKeepWhatTheBrokerRefuses) {
  broker_.Fail(absl::PermissionDeniedError("no"));
  EXPECT_THAT(ProduceAndAwait("k", "1"),
              StatusIs(absl::StatusCode::kPermissionDenied));
  broker_.Fail(absl::InvalidArgumentError("no such topic"));
  EXPECT_THAT(ProduceAndAwait("k", "2"),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(Metric("spool_spooled_total"), 0);
}

TEST_F(SpoolingProducerTest, RefusesWhatIsTooLargeForTheBrokerThoughItIsAway) {
  broker_.Fail(absl::UnavailableError("away"));
  ASSERT_THAT(ProduceAndAwait("k", "1"), IsOk());
  broker_.set_max_record_bytes(100);
  EXPECT_THAT(ProduceAndAwait("k", std::string(100, 'x')),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(SpoolingProducerTest, WaitsForATopicThatIsMissingAtFirst) {
  broker_.Fail(absl::UnavailableError("away"));
  ASSERT_THAT(ProduceAndAwait("k", "1"), IsOk());
  broker_.Refuse("topic", absl::InvalidArgumentError("no such topic"));
  broker_.Take();
  RunUntil([this] { return broker_.refusals() > 2; });
  clock_.Advance(options_.refuse_after - absl::Milliseconds(1));
  broker_.Refuse("topic", absl::OkStatus());
  AwaitDrained();
  EXPECT_THAT(broker_.Values(), ElementsAre("1"));
  EXPECT_EQ(Metric("spool_refused_total"), 0);
}

TEST_F(SpoolingProducerTest, GivesUpWhatIsRefusedForLongAndKeepsItApart) {
  broker_.Fail(absl::UnavailableError("away"));
  for (const char* const value : {"1", "2", "3"}) {
    ASSERT_THAT(ProduceAndAwait("k", value, "closed"), IsOk());
    ASSERT_THAT(ProduceAndAwait("k", value, "open"), IsOk());
  }
  broker_.Refuse("closed", absl::PermissionDeniedError("not yours"));
  broker_.Take();
  RunUntil([this] { return broker_.refusals() > 2; });
  EXPECT_THAT(broker_.Values(), IsEmpty());
  clock_.Advance(options_.refuse_after);
  // All of them, without waiting anew for each.
  RunUntil([this] { return Metric("spool_refused_total") == 3; });
  AwaitDrained();
  EXPECT_THAT(broker_.Values(), ElementsAre("1", "2", "3"));
  EXPECT_EQ(Metric("spool_records{state=\"refused\"}"), 3);
  Open();
  EXPECT_EQ(Metric("spool_records{state=\"refused\"}"), 3);
}

TEST_F(SpoolingProducerTest, GivesUpAtOnceWhatHasBecomeTooLarge) {
  broker_.Fail(absl::UnavailableError("away"));
  ASSERT_THAT(ProduceAndAwait("k", std::string(1000, 'x')), IsOk());
  ASSERT_THAT(ProduceAndAwait("k", "2"), IsOk());
  broker_.set_max_record_bytes(100);
  broker_.Take();
  AwaitDrained();
  EXPECT_THAT(broker_.Values(), ElementsAre("2"));
  EXPECT_EQ(Metric("spool_refused_total"), 1);
}

TEST_F(SpoolingProducerTest, SaysSoWhenFullAndTakesRecordsAgainOnceDrained) {
  file_options_.max_bytes = 1 << 20;
  Open();
  broker_.Fail(absl::UnavailableError("away"));
  broker_.set_ready(absl::UnavailableError("away"));
  const std::string value(20'000, 'x');
  size_t kept = 0;
  absl::Status full;
  for (; full.ok() && kept < 100; full = ProduceAndAwait("k", value)) {
    if (kept == 30) EXPECT_THAT(producer_->Ready(), IsOk());
    ++kept;
  }
  EXPECT_THAT(full, StatusIs(absl::StatusCode::kResourceExhausted,
                             HasSubstr("of 1048576 bytes are used")));
  EXPECT_THAT(producer_->Ready(), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_GT(Metric("spool_errors_total{operation=\"write\"}"), 0);
  clock_.Advance(absl::Minutes(1));
  EXPECT_THAT(producer_->Ready(), StatusIs(absl::StatusCode::kUnavailable,
                                           HasSubstr("nearly full")));
  --kept;  // the last was not

  broker_.Take();
  broker_.set_ready(absl::OkStatus());
  AwaitDrained();
  EXPECT_THAT(broker_.Values(), SizeIs(kept));
  broker_.Fail(absl::UnavailableError("away"));
  EXPECT_THAT(ProduceAndAwait("k", value), IsOk());
}

TEST_F(SpoolingProducerTest, IsReadyAgainAWhileAfterTheDiskFailed) {
  file_options_.min_free_bytes = int64_t{1} << 60;
  Open();
  broker_.Fail(absl::UnavailableError("away"));
  broker_.set_ready(absl::UnavailableError("away"));
  EXPECT_THAT(ProduceAndAwait("k", "1"),
              StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(producer_->Ready(),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("make room")));
  clock_.Advance(absl::Seconds(10));
  EXPECT_THAT(producer_->Ready(), IsOk());
  // With nothing on the spool, a broker that is back is all it takes.
  broker_.Take();
  AwaitDrained();
  EXPECT_THAT(ProduceAndAwait("k", "2"), IsOk());
  EXPECT_THAT(broker_.Values(), ElementsAre("2"));
}

TEST_F(SpoolingProducerTest, EndsWhatWaitsAsCancelledWhenDestroyed) {
  broker_.Fail(absl::UnavailableError("away"));
  ASSERT_THAT(ProduceAndAwait("k", "1"), IsOk());
  bool stopped = false;
  boost::asio::co_spawn(
      loop_, producer_->Stop(absl::ZeroDuration()),
      [&stopped](const std::exception_ptr&) { stopped = true; });
  RunUntil([&stopped] { return stopped; });
  const auto result = Produce("k", "2");  // which the disk has not yet
  producer_.reset();
  ASSERT_TRUE(result->has_value());
  EXPECT_THAT((*result)->status(), StatusIs(absl::StatusCode::kCancelled));
}

}  // namespace
}  // namespace lamplighter::ingest
