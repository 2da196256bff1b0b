#include "services/dispatcher/deliverer/intent_handler.h"

#include <chrono>
#include <deque>
#include <exception>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "boost/asio/as_tuple.hpp"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/co_spawn.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/steady_timer.hpp"
#include "boost/asio/this_coro.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "common/async/timer_sleeper.h"
#include "common/kafka/testing/fake_consumer.h"
#include "common/kafka/testing/fake_producer.h"
#include "common/kafka/topic_names.h"
#include "common/metrics/metrics.h"
#include "common/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/dispatcher/deliverer/status_setter.h"

namespace lamplighter::dispatcher {
namespace {

using ::boost::asio::awaitable;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Answers as scripted, or with success; holds calls while told to.
class FakeStatusSetter final : public StatusSetter {
 public:
  awaitable<absl::StatusOr<v1::SetCommitStatusResponse>> Set(
      v1::SetCommitStatusRequest request) override {
    requests.push_back(request);
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
    while (holding) {
      timer.expires_after(std::chrono::milliseconds(1));
      const auto [error] = co_await timer.async_wait(
          boost::asio::as_tuple(boost::asio::use_awaitable));
      if (error) co_return absl::CancelledError("stopped");
    }
    if (!answers.empty()) {
      const absl::Status answer = answers.front();
      answers.pop_front();
      if (!answer.ok()) co_return answer;
    }
    v1::SetCommitStatusResponse response;
    response.set_written(true);
    co_return response;
  }

  std::vector<v1::SetCommitStatusRequest> requests;
  std::deque<absl::Status> answers;
  bool holding = false;
};

class IntentHandlerTest : public ::testing::Test {
 protected:
  IntentHandlerTest() { EXPECT_TRUE(consumer_.Start(handler_).ok()); }

  static Record IntentRecord(const std::string& context = "c") {
    v1::StatusIntent intent;
    intent.set_id("event/ns/" + context);
    intent.set_repository_id("github.com/acme/fleet");
    intent.set_sha(std::string(40, 'a'));
    intent.set_context(context);
    intent.set_state(v1::SUCCESS);
    intent.mutable_event_time()->set_seconds(1000);
    Record record;
    record.topic = kStatusIntentsTopic;
    record.key = intent.repository_id();
    record.value = intent.SerializeAsString();
    return record;
  }
  // Runs the loop until `done()` or for ten seconds.
  template <typename Done>
  bool RunUntil(Done done) {
    loop_.restart();
    for (int i = 0; i < 10'000 && !done(); ++i) {
      loop_.run_for(std::chrono::milliseconds(1));
      loop_.restart();
    }
    return done();
  }
  std::vector<v1::StatusOutcome::Result> Outcomes() const {
    std::vector<v1::StatusOutcome::Result> results;
    for (const Record& record : producer_.RecordsOf(kStatusOutcomesTopic)) {
      v1::StatusOutcome outcome;
      EXPECT_TRUE(outcome.ParseFromString(record.value));
      results.push_back(outcome.result());
    }
    return results;
  }

  boost::asio::io_context loop_;
  FakeConsumer consumer_;
  FakeProducer producer_{loop_};
  FakeStatusSetter setter_;
  TimerSleeper sleeper_;
  Metrics registry_;
  DispatcherMetrics metrics_{registry_};
  IntentHandler handler_{
      {.backoff = {absl::Milliseconds(1), absl::Milliseconds(1)}},
      loop_,
      setter_,
      consumer_,
      producer_,
      sleeper_,
      Clock::System(),
      metrics_};
};

TEST_F(IntentHandlerTest, IsDoneOnceTheOutcomeIsWritten) {
  producer_.Hold();
  consumer_.Push(IntentRecord());
  ASSERT_TRUE(RunUntil([this] { return producer_.held() == 1; }));
  EXPECT_THAT(setter_.requests, SizeIs(1));
  EXPECT_THAT(consumer_.done(), IsEmpty());
  producer_.Release();
  ASSERT_TRUE(RunUntil([this] { return consumer_.done().size() == 1; }));
  EXPECT_THAT(Outcomes(), ElementsAre(v1::StatusOutcome::SET));
  EXPECT_EQ(metrics_.set.Value(), 1);
}

TEST_F(IntentHandlerTest, TriesAgainWhenTimeHasPassed) {
  setter_.answers = {absl::UnavailableError("502"),
                     absl::DeadlineExceededError("no answer")};
  consumer_.Push(IntentRecord());
  ASSERT_TRUE(RunUntil([this] { return consumer_.done().size() == 1; }));
  EXPECT_THAT(setter_.requests, SizeIs(3));
  EXPECT_THAT(Outcomes(), ElementsAre(v1::StatusOutcome::SET));
  EXPECT_EQ(metrics_.calls_failed.Value(), 2);
}

TEST_F(IntentHandlerTest, WritesDeadLetterAndOutcomeOfWhatIsGivenUp) {
  setter_.answers = {absl::InvalidArgumentError("422")};
  consumer_.Push(IntentRecord());
  ASSERT_TRUE(RunUntil([this] { return consumer_.done().size() == 1; }));
  EXPECT_THAT(Outcomes(), ElementsAre(v1::StatusOutcome::DEAD_LETTERED));
  EXPECT_THAT(producer_.RecordsOf(kDeadLettersTopic), SizeIs(1));
}

TEST_F(IntentHandlerTest, IsNotStoppedByAValueThatIsNoIntent) {
  Record bad = IntentRecord();
  bad.value = "\xff\xff";
  consumer_.Push(bad);
  consumer_.Push(IntentRecord());
  ASSERT_TRUE(RunUntil([this] { return consumer_.done().size() == 2; }));
  EXPECT_THAT(Outcomes(), ElementsAre(v1::StatusOutcome::SET));
  EXPECT_THAT(producer_.RecordsOf(kDeadLettersTopic), SizeIs(1));
}

TEST_F(IntentHandlerTest, GivesUpAPartitionOnceItsCallsHaveEnded) {
  setter_.holding = true;
  consumer_.Push(IntentRecord());
  bool revoked = false;
  boost::asio::co_spawn(
      loop_, consumer_.Revoke({{kStatusIntentsTopic, 0}}),
      [&revoked](const std::exception_ptr& /*error*/) { revoked = true; });
  ASSERT_TRUE(RunUntil([this] { return setter_.requests.size() == 1; }));
  EXPECT_FALSE(revoked);
  setter_.holding = false;
  ASSERT_TRUE(RunUntil([&revoked] { return revoked; }));
  EXPECT_THAT(consumer_.done(), SizeIs(1));
}

TEST_F(IntentHandlerTest, DrainsCallsAndStartsNoMore) {
  setter_.holding = true;
  consumer_.Push(IntentRecord());
  ASSERT_TRUE(RunUntil([this] { return setter_.requests.size() == 1; }));
  bool drained = false;
  boost::asio::co_spawn(
      loop_, handler_.Drain(absl::Seconds(10)),
      [&drained](const std::exception_ptr& /*error*/) { drained = true; });
  loop_.restart();
  loop_.poll();  // lets Drain() begin
  consumer_.Push(IntentRecord("late"));
  setter_.holding = false;
  ASSERT_TRUE(RunUntil([&drained] { return drained; }));
  EXPECT_THAT(setter_.requests, SizeIs(1)) << "the late one is another's";
}

}  // namespace
}  // namespace lamplighter::dispatcher
