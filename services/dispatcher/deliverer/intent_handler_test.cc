#include "services/dispatcher/deliverer/intent_handler.h"

#include <chrono>
#include <deque>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "boost/asio/as_tuple.hpp"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/co_spawn.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/steady_timer.hpp"
#include "boost/asio/this_coro.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "common/async/timer_sleeper.h"
#include "common/grpc/retry_info.h"
#include "common/kafka/testing/fake_consumer.h"
#include "common/kafka/testing/fake_producer.h"
#include "common/kafka/testing/fake_topic_reader.h"
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
      v1::SetCommitStatusRequest request, std::string traceparent) override {
    requests.push_back(request);
    traceparents.push_back(std::move(traceparent));
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
  std::vector<std::string> traceparents;
  std::deque<absl::Status> answers;
  bool holding = false;
};

class IntentHandlerTest : public ::testing::Test {
 protected:
  IntentHandlerTest() { EXPECT_TRUE(consumer_.Start(handler_).ok()); }
  ~IntentHandlerTest() override { Drain(); }

  void Drain() {
    if (std::exchange(drained_, true)) return;
    bool ended = false;
    boost::asio::co_spawn(
        loop_, handler_.Drain(absl::ZeroDuration()),
        [&ended](const std::exception_ptr& /*error*/) { ended = true; });
    EXPECT_TRUE(RunUntil([&ended] { return ended; }));
  }

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

  bool drained_ = false;
  boost::asio::io_context loop_;
  FakeTopic ledger_{kStatusLedgerTopic};
  FakeTopicReader ledger_reader_{ledger_};
  FakeConsumer consumer_;
  FakeProducer producer_{loop_};
  FakeStatusSetter setter_;
  TimerSleeper sleeper_;
  Metrics registry_;
  DispatcherMetrics metrics_{registry_};
  IntentHandler handler_{
      {.deliverer = {.backoff = {absl::Milliseconds(1), absl::Milliseconds(1)}},
       .roll_ups = {},
       .restorer = {}},
      loop_,
      setter_,
      consumer_,
      producer_,
      ledger_reader_,
      sleeper_,
      Clock::System(),
      metrics_};
};

TEST_F(IntentHandlerTest, IsDoneOnceTheOutcomeIsWritten) {
  producer_.Hold();
  consumer_.Push(IntentRecord());
  ASSERT_TRUE(RunUntil([this] { return producer_.held() == 2; }));
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

TEST_F(IntentHandlerTest, TellsTheLedgerOnTheIntentsOwnPartition) {
  consumer_.Push(IntentRecord());
  ASSERT_TRUE(RunUntil([this] { return consumer_.done().size() == 1; }));
  const std::vector<Record> records = producer_.RecordsOf(kStatusLedgerTopic);
  ASSERT_THAT(records, SizeIs(1));
  EXPECT_EQ(records[0].key, absl::StrCat("github.com/acme/fleet\n",
                                         std::string(40, 'a'), "\nc"));
  EXPECT_EQ(records[0].partition, 0);
  v1::StatusOutcome outcome;
  ASSERT_TRUE(outcome.ParseFromString(records[0].value));
  EXPECT_EQ(outcome.result(), v1::StatusOutcome::SET);
  EXPECT_EQ(outcome.order(), 0);
}

TEST_F(IntentHandlerTest, StartsNothingBeforeTheLedgerIsRead) {
  ledger_.Fail(absl::UnavailableError("away"));
  consumer_.Push(IntentRecord());
  loop_.run_for(std::chrono::milliseconds(20));
  EXPECT_THAT(setter_.requests, IsEmpty());
  EXPECT_FALSE(handler_.Ready().ok());
  ledger_.Fail(absl::OkStatus());
  ASSERT_TRUE(RunUntil([this] { return consumer_.done().size() == 1; }));
  EXPECT_TRUE(handler_.Ready().ok());
  EXPECT_TRUE(setter_.requests.at(0).known_different());
}

TEST_F(IntentHandlerTest, KnowsWhatAFormerProcessSet) {
  consumer_.Push(IntentRecord());
  ASSERT_TRUE(RunUntil([this] { return consumer_.done().size() == 1; }));
  ledger_.Write(producer_.RecordsOf(kStatusLedgerTopic).at(0));  // as Kafka
  bool revoked = false;
  boost::asio::co_spawn(
      loop_, consumer_.Revoke({{kStatusIntentsTopic, 0}}),
      [&revoked](const std::exception_ptr& /*error*/) { revoked = true; });
  ASSERT_TRUE(RunUntil([&revoked] { return revoked; }));
  consumer_.Push(IntentRecord());
  ASSERT_TRUE(RunUntil([this] { return consumer_.done().size() == 2; }));
  EXPECT_THAT(Outcomes(), ElementsAre(v1::StatusOutcome::SET,
                                      v1::StatusOutcome::UNCHANGED));
  EXPECT_THAT(setter_.requests, SizeIs(1));
}

TEST_F(IntentHandlerTest, ReadsFirstWhatAFormerProcessMayHaveBegunWith) {
  consumer_.PushInherited(IntentRecord("old"));
  consumer_.Push(IntentRecord("new"));
  ASSERT_TRUE(RunUntil([this] { return consumer_.done().size() == 2; }));
  EXPECT_FALSE(setter_.requests.at(0).known_different());
  EXPECT_TRUE(setter_.requests.at(1).known_different());
}

TEST_F(IntentHandlerTest, ForgetsOnTheTopicWhatIsTooOld) {
  v1::StatusOutcome old;
  old.set_result(v1::StatusOutcome::SET);
  Record record;
  record.key = "github.com/acme/fleet\ns\nold";
  record.value = old.SerializeAsString();
  ledger_.Write(record);
  consumer_.Push(IntentRecord());
  ASSERT_TRUE(RunUntil([this] { return consumer_.done().size() == 1; }));
  const auto tombstones = [this] {
    std::vector<Record> records = producer_.RecordsOf(kStatusLedgerTopic);
    std::erase_if(records, [](const Record& r) { return !r.tombstone; });
    return records;
  };
  ASSERT_TRUE(RunUntil([&] { return !tombstones().empty(); }));
  EXPECT_EQ(tombstones()[0].key, record.key);
  EXPECT_EQ(tombstones()[0].partition, 0);
}

TEST_F(IntentHandlerTest, APartitionMayGoWhileItsLedgerIsRead) {
  ledger_.Fail(absl::UnavailableError("away"));
  consumer_.Push(IntentRecord());
  bool revoked = false;
  boost::asio::co_spawn(
      loop_, consumer_.Revoke({{kStatusIntentsTopic, 0}}),
      [&revoked](const std::exception_ptr& /*error*/) { revoked = true; });
  ASSERT_TRUE(RunUntil([&revoked] { return revoked; }));
  ledger_.Fail(absl::OkStatus());
  EXPECT_TRUE(handler_.Ready().ok());
  loop_.restart();
  loop_.run_for(std::chrono::milliseconds(20));
  EXPECT_THAT(setter_.requests, IsEmpty()) << "it is another's";
}

TEST_F(IntentHandlerTest, ParksWhatHasToWaitLong) {
  setter_.answers = {
      WithRetryAfter(absl::ResourceExhaustedError("limit"), absl::Hours(1))};
  consumer_.Push(IntentRecord());
  ASSERT_TRUE(RunUntil([this] { return consumer_.done().size() == 1; }));
  EXPECT_THAT(Outcomes(), IsEmpty());
  const std::vector<Record> retries = producer_.RecordsOf(kStatusRetriesTopic);
  ASSERT_THAT(retries, SizeIs(1));
  EXPECT_EQ(retries[0].key, "github.com/acme/fleet");
  v1::StatusIntent intent;
  ASSERT_TRUE(intent.ParseFromString(retries[0].value));
  EXPECT_EQ(intent.retry().attempts(), 1);
  EXPECT_THAT(producer_.RecordsOf(kStatusLedgerTopic), SizeIs(1))
      << "nobody knows what the forge shows";
}

TEST_F(IntentHandlerTest, SumsUpWhatClustersReport) {
  for (const char* cluster : {"a", "b"}) {
    Record record = IntentRecord();
    v1::StatusIntent intent;
    ASSERT_TRUE(intent.ParseFromString(record.value));
    intent.mutable_roll_up()->set_clusters(2);
    intent.set_cluster(cluster);
    record.value = intent.SerializeAsString();
    consumer_.Push(record);
  }
  ASSERT_TRUE(RunUntil([this] { return consumer_.done().size() == 2; }));
  EXPECT_EQ(setter_.requests.back().intent().description(),
            "2 of 2 clusters reconciled");
  v1::StatusOutcome last;
  ASSERT_TRUE(last.ParseFromString(
      producer_.RecordsOf(kStatusLedgerTopic).back().value));
  EXPECT_THAT(last.roll_up_parts(), SizeIs(2));
}

TEST_F(IntentHandlerTest, IsNotStoppedByAnIntentThatIsTooLarge) {
  producer_.set_max_record_bytes(30'000);
  Record large = IntentRecord();
  large.value.append(20'000, '\xff');
  large.headers = {{"lamplighter_replays", "2"}};
  consumer_.Push(large);
  ASSERT_TRUE(RunUntil([this] { return consumer_.done().size() == 1; }));
  v1::DeadLetter letter;
  ASSERT_TRUE(letter.ParseFromString(
      producer_.RecordsOf(kDeadLettersTopic).at(0).value));
  EXPECT_EQ(letter.original_key(), large.key);
  EXPECT_EQ(letter.replays(), 2);
  EXPECT_EQ(letter.original_headers(0).name(), "lamplighter_replays");
}

TEST_F(IntentHandlerTest, DrainsCallsAndStartsNoMore) {
  drained_ = true;
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
