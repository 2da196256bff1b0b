#include "services/dispatcher/ledger/ledger_restorer.h"

#include <chrono>
#include <exception>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "boost/asio/as_tuple.hpp"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/co_spawn.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/steady_timer.hpp"
#include "boost/asio/this_coro.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "common/async/sleeper.h"
#include "common/kafka/testing/fake_topic_reader.h"
#include "common/kafka/topic_names.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/testing/fake_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter::dispatcher {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

// Sleeps no longer than it takes others to have their turn.
class ShortSleeper final : public Sleeper {
 public:
  boost::asio::awaitable<absl::Status> SleepFor(absl::Duration) override {
    ++sleeps;
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
    timer.expires_after(std::chrono::milliseconds(1));
    const auto [error] = co_await timer.async_wait(
        boost::asio::as_tuple(boost::asio::use_awaitable));
    if (error) co_return absl::CancelledError("stopped");
    co_return absl::OkStatus();
  }
  int sleeps = 0;
};

class LedgerRestorerTest : public ::testing::Test {
 protected:
  ~LedgerRestorerTest() override { Stop(restorer_); }

  void Stop(LedgerRestorer& restorer) {
    bool stopped = false;
    boost::asio::co_spawn(
        loop_, restorer.Stop(),
        [&stopped](const std::exception_ptr&) { stopped = true; });
    RunUntil([&stopped] { return stopped; });
  }
  LedgerRestorer::Listeners Listeners() {
    return {.on_outcome = [](int32_t, const LedgerKey&,
                             const v1::StatusOutcome&) {},
            .on_restored =
                [this](int32_t partition) { restored_.push_back(partition); },
            .on_expired =
                [this](int32_t, const std::string& name) {
                  expired_.push_back(name);
                }};
  }
  static v1::StatusOutcome Outcome(const std::string& context, int64_t time,
                                   v1::CommitState state = v1::SUCCESS) {
    v1::StatusOutcome outcome;
    outcome.set_result(v1::StatusOutcome::SET);
    outcome.set_order(time);
    outcome.mutable_decided_at()->set_seconds(time);
    v1::StatusIntent& intent = *outcome.mutable_intent();
    intent.set_repository_id("github.com/acme/fleet");
    intent.set_sha("s");
    intent.set_context(context);
    intent.set_state(state);
    intent.mutable_event_time()->set_seconds(time);
    return outcome;
  }
  void Write(const v1::StatusOutcome& outcome, int32_t partition = 0) {
    Record record;
    record.key = LedgerName(outcome.intent());
    record.value = outcome.SerializeAsString();
    topic_.Write(record, partition);
  }
  static std::string Name(const std::string& context) {
    return LedgerName(Outcome(context, 0).intent());
  }
  const LedgerEntry* Find(const std::string& context) {
    return ledger_.Peek(MakeLedgerKey(Name(context)));
  }
  template <typename Done>
  bool RunUntil(Done done) {
    for (int i = 0; i < 10'000 && !done(); ++i) {
      loop_.restart();
      loop_.run_for(std::chrono::milliseconds(1));
    }
    return done();
  }
  void RunFor(absl::Duration time) {
    loop_.restart();
    loop_.run_for(absl::ToChronoNanoseconds(time));
  }
  bool RunUntilRestored(size_t partitions) {
    return RunUntil([&] { return restored_.size() == partitions; });
  }

  boost::asio::io_context loop_;
  FakeTopic topic_{kStatusLedgerTopic, 3};
  FakeTopicReader reader_{topic_};
  ShortSleeper sleeper_;
  Ledger ledger_{1000};
  std::vector<int32_t> restored_;
  std::vector<std::string> expired_;
  FakeClock clock_{absl::FromUnixSeconds(900)};
  LedgerRestorer restorer_{{.remember_for = absl::Seconds(900),
                            .expire_every = absl::Milliseconds(1)},
                           loop_,
                           reader_,
                           ledger_,
                           sleeper_,
                           clock_,
                           Listeners()};
};

TEST_F(LedgerRestorerTest, HoldsWhatTheTopicSaysLast) {
  Write(Outcome("a", 1));
  Write(Outcome("b", 2));
  Write(Outcome("a", 3, v1::FAILURE));
  Write(Outcome("other", 4), 1);
  restorer_.Restore(0);
  EXPECT_THAT(restorer_.Ready(), StatusIs(absl::StatusCode::kUnavailable));
  ASSERT_TRUE(RunUntilRestored(1));
  EXPECT_THAT(restorer_.Ready(), IsOk());
  EXPECT_EQ(Find("a")->state, v1::FAILURE);
  EXPECT_EQ(Find("a")->version, VersionOf(Outcome("a", 3).intent(), 3));
  EXPECT_TRUE(Find("b")->restored);
  EXPECT_EQ(Find("other"), nullptr);
  EXPECT_TRUE(ledger_.Complete(0));
}

TEST_F(LedgerRestorerTest, ForgetsWhatIsTooOldUnlessItWasToldOfAgain) {
  clock_.Advance(absl::Seconds(100));
  Write(Outcome("old", 99));
  Write(Outcome("again", 98));
  Write(Outcome("young", 100));
  Write(Outcome("again", 101));
  restorer_.Restore(0);
  ASSERT_TRUE(RunUntil([this] { return !expired_.empty(); }));
  EXPECT_THAT(expired_, ElementsAre(Name("old")));
  EXPECT_EQ(Find("old"), nullptr);
  EXPECT_NE(Find("again"), nullptr);
  EXPECT_NE(Find("young"), nullptr);
}

TEST_F(LedgerRestorerTest, ForgetsWhatGrowsOldWhileThePartitionIsHeld) {
  Write(Outcome("a", 10));
  Write(Outcome("b", 20));
  Write(Outcome("c", 30));
  restorer_.Restore(0);
  ASSERT_TRUE(RunUntilRestored(1));
  clock_.Advance(absl::Seconds(15));
  ASSERT_TRUE(RunUntil([this] { return !expired_.empty(); }));
  EXPECT_THAT(expired_, ElementsAre(Name("a")));
  clock_.Advance(absl::Seconds(10));
  Write(Outcome("d", 40));
  ASSERT_TRUE(RunUntil([this] { return expired_.size() > 1; }));
  EXPECT_THAT(expired_, ElementsAre(Name("a"), Name("b"))) << "each once";
  EXPECT_NE(Find("c"), nullptr);
}

TEST_F(LedgerRestorerTest, KeepsWhatIsBeingWorkedOnHoweverOldItIs) {
  Write(Outcome("a", 10));
  Write(Outcome("b", 20));
  restorer_.Restore(0);
  ASSERT_TRUE(RunUntilRestored(1));
  ledger_.Doubt(MakeLedgerKey(Name("a")), 0);
  clock_.Advance(absl::Seconds(50));
  ASSERT_TRUE(RunUntil([this] { return !expired_.empty(); }));
  EXPECT_THAT(expired_, ElementsAre(Name("b")));
  EXPECT_TRUE(Find("a")->InDoubt());
}

TEST_F(LedgerRestorerTest, LooksAtABoundedNumberAtOnce) {
  for (int i = 0; i < 5; ++i) Write(Outcome(absl::StrCat(i), i));
  clock_.Advance(absl::Seconds(100));
  for (const absl::Duration soon : {absl::Hours(1), absl::Milliseconds(1)}) {
    expired_.clear();
    LedgerRestorer bounded(
        {.remember_for = absl::Seconds(900), .max_looked_at = 2, .soon = soon},
        loop_, reader_, ledger_, sleeper_, clock_, Listeners());
    bounded.Restore(0);
    const size_t most = soon == absl::Hours(1) ? 2 : 5;
    EXPECT_TRUE(RunUntil([&] { return expired_.size() >= most; }));
    RunFor(absl::Milliseconds(20));
    EXPECT_THAT(expired_, SizeIs(most));
    Stop(bounded);
  }
}

TEST_F(LedgerRestorerTest, ForgetsNothingOfAPartitionThatWasGivenUp) {
  Write(Outcome("a", 10), 0);
  Write(Outcome("b", 10), 1);
  restorer_.Restore(0);
  restorer_.Restore(1);
  ASSERT_TRUE(RunUntilRestored(2));
  restorer_.Forget(0);
  clock_.Advance(absl::Seconds(50));
  ASSERT_TRUE(RunUntil([this] { return !expired_.empty(); }));
  EXPECT_THAT(expired_, ElementsAre(Name("b")));
}

TEST_F(LedgerRestorerTest, IsDoneAtOnceWithAnEmptyPartition) {
  restorer_.Restore(2);
  ASSERT_TRUE(RunUntilRestored(1));
  EXPECT_TRUE(ledger_.Complete(2));
}

TEST_F(LedgerRestorerTest, ATombstoneForgets) {
  Write(Outcome("a", 1));
  Record tombstone;
  tombstone.key = LedgerName(Outcome("a", 1).intent());
  tombstone.tombstone = true;
  topic_.Write(tombstone);
  restorer_.Restore(0);
  ASSERT_TRUE(RunUntilRestored(1));
  EXPECT_EQ(Find("a"), nullptr);
}

TEST_F(LedgerRestorerTest, OfWhatDidNotSucceedOnlyTheVersionIsKnown) {
  Write(Outcome("a", 1));
  v1::StatusOutcome failed = Outcome("a", 2);
  failed.set_result(v1::StatusOutcome::DEAD_LETTERED);
  Write(failed);
  restorer_.Restore(0);
  ASSERT_TRUE(RunUntilRestored(1));
  EXPECT_TRUE(Find("a")->InDoubt());
  EXPECT_EQ(Find("a")->version, VersionOf(failed.intent(), 2));
}

TEST_F(LedgerRestorerTest, AnOlderRecordThatWasWrittenLaterDoesNotCount) {
  Write(Outcome("a", 5, v1::FAILURE));
  Write(Outcome("a", 4));
  restorer_.Restore(0);
  ASSERT_TRUE(RunUntilRestored(1));
  EXPECT_EQ(Find("a")->state, v1::FAILURE);
}

TEST_F(LedgerRestorerTest, TriesAgainWhileTheBrokersAreAway) {
  Write(Outcome("a", 1));
  topic_.Fail(absl::UnavailableError("away"));
  restorer_.Restore(0);
  ASSERT_TRUE(RunUntil([this] { return sleeper_.sleeps > 3; }));
  EXPECT_THAT(restored_, IsEmpty());
  EXPECT_THAT(restorer_.Ready().message(), HasSubstr("away"));
  topic_.Fail(absl::OkStatus());
  ASSERT_TRUE(RunUntilRestored(1));
  EXPECT_NE(Find("a"), nullptr);
}

TEST_F(LedgerRestorerTest, SaysWhatToDoWhereTheTopicHasTooFewPartitions) {
  restorer_.Restore(3);
  ASSERT_TRUE(RunUntil([this] { return sleeper_.sleeps > 1; }));
  EXPECT_THAT(restored_, IsEmpty());
  EXPECT_THAT(restorer_.Ready().message(),
              HasSubstr("has 3 partitions, fewer than"));
}

TEST_F(LedgerRestorerTest, APartitionThatIsGivenUpMeanwhileIsNotHeld) {
  Write(Outcome("a", 1), 0);
  Write(Outcome("b", 1), 1);
  restorer_.Restore(0);
  restorer_.Restore(1);
  restorer_.Forget(0);
  ASSERT_TRUE(RunUntilRestored(1));
  EXPECT_THAT(restored_, ElementsAre(1));
  EXPECT_EQ(Find("a"), nullptr);
  EXPECT_THAT(restorer_.Ready(), IsOk());
  restorer_.Restore(0);
  ASSERT_TRUE(RunUntilRestored(2));
  EXPECT_NE(Find("a"), nullptr);
}

TEST_F(LedgerRestorerTest, GoesOnWithWhatCameWhileItRead) {
  for (int i = 0; i < 100; ++i) Write(Outcome(absl::StrCat(i), i), 0);
  Write(Outcome("late", 1), 1);
  restorer_.Restore(0);
  loop_.restart();
  loop_.run_one();
  restorer_.Restore(1);
  ASSERT_TRUE(RunUntilRestored(2));
  EXPECT_THAT(restored_, UnorderedElementsAre(0, 1));
  EXPECT_EQ(ledger_.size(), 101);
}

TEST_F(LedgerRestorerTest, IsNotStoppedByAValueThatIsNoOutcome) {
  Record bad;
  bad.key = "k";
  bad.value = "\xff\xff";
  topic_.Write(bad);
  Write(Outcome("a", 1));
  restorer_.Restore(0);
  ASSERT_TRUE(RunUntilRestored(1));
  EXPECT_NE(Find("a"), nullptr);
}

}  // namespace
}  // namespace lamplighter::dispatcher
