// What only stands in for a result: a pending from a push, and the error in
// place of a result that never came.

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/grpc/retry_info.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/dispatcher/deliverer/testing/deliverer_test.h"
#include "services/dispatcher/ledger/ledger.h"
#include "services/dispatcher/ledger/ledger_entry.h"

namespace lamplighter::dispatcher {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

class DelivererPendingTest : public DelivererTest {
 protected:
  static v1::StatusIntent StandIn(v1::CommitState state, int at) {
    v1::StatusIntent intent = Intent(state, at);
    intent.mutable_pending_until()->set_seconds(1'700'003'600);
    return intent;
  }
  const LedgerEntry* Known() const {
    return ledger_.Peek(MakeLedgerKey(LedgerName(Intent(v1::SUCCESS, 0))));
  }
  // What the ledger's topic says of the last that was decided.
  LedgerEntry Remembered() const {
    FinishedIntent last = port_.finished.back();
    EXPECT_TRUE(last.remember.has_value());
    SetVersion(last.outcome, *last.remember);
    return MakeRestoredEntry(last.outcome);
  }
};

TEST_F(DelivererPendingTest, AResultReplacesItHoweverMuchOlder) {
  Submit(StandIn(v1::PENDING, 100));
  Succeed(0);
  Submit(Intent(v1::SUCCESS, 0));
  Succeed(1);
  EXPECT_THAT(Results(), ElementsAre("0 SET", "1 SET"));
  EXPECT_TRUE(port_.calls.at(1).known_different);
}

TEST_F(DelivererPendingTest, AResultReplacesOneThatWaitsOrIsBeingSet) {
  Submit(StandIn(v1::PENDING, 100));
  Submit(StandIn(v1::ERROR, 200));
  Submit(Intent(v1::SUCCESS, 0));
  Succeed(0);
  Succeed(1);
  EXPECT_THAT(Results(), ElementsAre("1 SUPERSEDED", "0 SET", "2 SET"));
  EXPECT_EQ(port_.calls.at(1).intent.state(), v1::SUCCESS);
}

TEST_F(DelivererPendingTest, ItReplacesNothingHoweverOld) {
  Submit(Intent(v1::FAILURE, 0));
  Submit(StandIn(v1::PENDING, 100));  // while it is being set
  Succeed(0);
  Submit(StandIn(v1::PENDING, 200));
  Submit(StandIn(v1::ERROR, 300));
  EXPECT_THAT(Results(), ElementsAre("1 SUPERSEDED", "0 SET", "2 SUPERSEDED",
                                     "3 SUPERSEDED"));
  EXPECT_THAT(port_.calls, SizeIs(1));
  EXPECT_FALSE(Known()->InDoubt());
}

TEST_F(DelivererPendingTest, AnErrorEndsItAndNoPendingBeginsAgain) {
  Submit(StandIn(v1::PENDING, 0));
  Succeed(0);
  Submit(StandIn(v1::PENDING, 10));  // of the pull request for that push
  Submit(StandIn(v1::ERROR, 3600));
  Succeed(1);
  Submit(StandIn(v1::PENDING, 4000));
  EXPECT_THAT(Results(),
              ElementsAre("0 SET", "1 SUPERSEDED", "2 SET", "3 SUPERSEDED"));
}

TEST_F(DelivererPendingTest, IsNoDoubtAboutWhatAFormerProcessSet) {
  const v1::StatusIntent result = Intent(v1::SUCCESS, 0);
  ledger_.Put(MakeLedgerKey(LedgerName(result)), 0,
              {.version = VersionOf(result, 0),
               .content = ContentOf(result),
               .state = v1::SUCCESS,
               .restored = true});
  Submit(StandIn(v1::PENDING, 100));
  EXPECT_FALSE(Known()->InDoubt());
}

TEST_F(DelivererPendingTest, YieldsToAStatusThatOnlyTheForgeKnows) {
  Submit(StandIn(v1::PENDING, 0));
  Fail(0, absl::AlreadyExistsError("the commit shows a status of it"));
  EXPECT_THAT(Results(), ElementsAre("0 SUPERSEDED"));
  EXPECT_TRUE(Known()->InDoubt());
  EXPECT_TRUE(Remembered().InDoubt()) << "after a restart, too";
  Submit(Intent(v1::SUCCESS, -100));
  EXPECT_FALSE(port_.calls.at(1).known_different);
}

TEST_F(DelivererPendingTest, OnlyWhatStandsInYields) {
  Submit(Intent(v1::SUCCESS, 0));
  Fail(0, absl::AlreadyExistsError("?"));
  EXPECT_THAT(Results(), ElementsAre("0 DEAD_LETTERED"));
}

TEST_F(DelivererPendingTest, IsTriedAgainWhereTheForgeIsAway) {
  Submit(StandIn(v1::PENDING, 0));
  Fail(0, WithRetryAfter(absl::ResourceExhaustedError(""), absl::Hours(1)));
  ASSERT_THAT(port_.parked, SizeIs(1));
  EXPECT_TRUE(port_.parked[0].intent.has_pending_until());
  while (port_.calls.size() < 2) AdvanceToNextDue();
  Succeed(1);
  ASSERT_THAT(port_.finished, SizeIs(1));
  EXPECT_EQ(port_.finished[0].outcome.result(), v1::StatusOutcome::SET);
}

TEST_F(DelivererPendingTest, StaysOlderThanAnyResultAfterARestart) {
  Submit(StandIn(v1::PENDING, 100));
  Succeed(0);
  EXPECT_LT(Remembered().version, VersionOf(Intent(v1::SUCCESS, -1000), 0));
  EXPECT_EQ(Remembered().version, Known()->version);
}

// A result is being tried elsewhere, and the ledger knows no more than that.
TEST_F(DelivererPendingTest, DoesNotTakeTheVersionOfAResultBack) {
  Submit(Intent(v1::SUCCESS, 0));
  Fail(0, WithRetryAfter(absl::ResourceExhaustedError(""), absl::Hours(1)));
  ASSERT_THAT(port_.parked, SizeIs(1));
  Submit(StandIn(v1::ERROR, 100));
  EXPECT_THAT(Results(), ElementsAre("1 SUPERSEDED"));
  EXPECT_EQ(Remembered().version, VersionOf(Intent(v1::SUCCESS, 0), 0));
}

}  // namespace
}  // namespace lamplighter::dispatcher
