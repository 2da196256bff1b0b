#include "services/dispatcher/pending/pending_watch.h"

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter::dispatcher {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class PendingWatchTest : public ::testing::Test {
 protected:
  PendingWatchTest() { watch_.Open(0); }

  static v1::StatusOutcome Outcome(
      v1::CommitState state,
      v1::StatusOutcome::Result result = v1::StatusOutcome::SET) {
    v1::StatusOutcome outcome;
    outcome.set_result(result);
    outcome.mutable_intent()->set_repository_id("github.com/acme/fleet");
    outcome.mutable_intent()->set_sha(std::string(40, 'a'));
    outcome.mutable_intent()->set_context("web");
    outcome.mutable_intent()->set_state(state);
    return outcome;
  }
  // Of an intent that stands in.
  static v1::StatusOutcome StandIn(
      v1::CommitState state, int until = 100,
      v1::StatusOutcome::Result result = v1::StatusOutcome::SET) {
    v1::StatusOutcome outcome = Outcome(state, result);
    outcome.mutable_intent()->mutable_pending_until()->set_seconds(until);
    return outcome;
  }
  std::vector<v1::StatusIntent> TakeAt(int time) {
    return watch_.TakeDue(absl::FromUnixSeconds(time), 10);
  }

  PendingWatch watch_;
};

TEST_F(PendingWatchTest, APendingIsDueAtItsTimeAndOnce) {
  watch_.Note(0, StandIn(v1::PENDING));
  EXPECT_EQ(watch_.NextDue(), absl::FromUnixSeconds(100));
  EXPECT_THAT(TakeAt(99), IsEmpty());
  EXPECT_THAT(TakeAt(100), SizeIs(1));
  EXPECT_THAT(TakeAt(101), IsEmpty());
  EXPECT_EQ(watch_.NextDue(), absl::InfiniteFuture());
}

TEST_F(PendingWatchTest, AResultEndsItInTime) {
  watch_.Note(0, StandIn(v1::PENDING));
  watch_.Note(0, Outcome(v1::SUCCESS));
  EXPECT_THAT(TakeAt(100), IsEmpty());
  EXPECT_EQ(watch_.size(), 0u);
}

TEST_F(PendingWatchTest, APendingOfAnotherKindHasNoTime) {
  watch_.Note(0, Outcome(v1::PENDING));
  EXPECT_EQ(watch_.size(), 0u);
  watch_.Note(0, StandIn(v1::PENDING));
  watch_.Note(0, Outcome(v1::PENDING));
  EXPECT_EQ(watch_.size(), 0u) << "Flux has begun with it";
}

TEST_F(PendingWatchTest, AResultThatIsNotShownLeavesItPending) {
  watch_.Note(0, StandIn(v1::PENDING));
  watch_.Note(0, Outcome(v1::SUCCESS, v1::StatusOutcome::DEAD_LETTERED));
  watch_.Note(0, StandIn(v1::PENDING, 500, v1::StatusOutcome::SUPERSEDED));
  EXPECT_THAT(TakeAt(100), SizeIs(1));
}

TEST_F(PendingWatchTest, IsDoneWithWhatHasEndedOrCannot) {
  watch_.Note(0, StandIn(v1::PENDING));
  watch_.Note(0, StandIn(v1::ERROR));
  EXPECT_EQ(watch_.size(), 0u);
  watch_.Note(0, StandIn(v1::PENDING));
  watch_.Note(0, StandIn(v1::ERROR, 100, v1::StatusOutcome::SUPERSEDED));
  EXPECT_EQ(watch_.size(), 0u);
}

TEST_F(PendingWatchTest, IsDueAgainWhereItCouldNotBeEnded) {
  watch_.Note(0, StandIn(v1::PENDING));
  const v1::StatusIntent intent = TakeAt(100).at(0);
  watch_.Again(intent, absl::FromUnixSeconds(105));
  EXPECT_THAT(TakeAt(104), IsEmpty());
  EXPECT_THAT(TakeAt(105), SizeIs(1));
  watch_.Note(0, Outcome(v1::SUCCESS));
  watch_.Again(intent, absl::FromUnixSeconds(110));
  EXPECT_THAT(TakeAt(110), IsEmpty());
}

TEST_F(PendingWatchTest, NothingIsDueBeforeAllOfThePastIsNoted) {
  watch_.Note(1, StandIn(v1::PENDING));
  EXPECT_THAT(TakeAt(200), IsEmpty());
  watch_.Note(1, Outcome(v1::SUCCESS));
  watch_.Open(1);
  EXPECT_THAT(TakeAt(200), IsEmpty());
}

TEST_F(PendingWatchTest, WhatBecameDueWhileNobodyWatchedIsDueAtOnce) {
  watch_.Note(1, StandIn(v1::PENDING));
  watch_.Open(1);
  EXPECT_THAT(TakeAt(200), SizeIs(1));
}

TEST_F(PendingWatchTest, WhatIsAnothersIsNotDueHere) {
  watch_.Note(0, StandIn(v1::PENDING));
  watch_.Forget(0);
  EXPECT_THAT(TakeAt(200), IsEmpty());
  EXPECT_EQ(watch_.size(), 0u);
}

TEST_F(PendingWatchTest, TakesSoManyAtMost) {
  for (const char* context : {"1", "2", "3"}) {
    v1::StatusOutcome outcome = StandIn(v1::PENDING);
    outcome.mutable_intent()->set_context(context);
    watch_.Note(0, outcome);
  }
  EXPECT_THAT(watch_.TakeDue(absl::FromUnixSeconds(100), 2), SizeIs(2));
  EXPECT_THAT(watch_.TakeDue(absl::FromUnixSeconds(100), 2), SizeIs(1));
}

}  // namespace
}  // namespace lamplighter::dispatcher
