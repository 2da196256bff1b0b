#include "services/dispatcher/deliverer/deliverer.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/grpc/retry_info.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/dispatcher/deliverer/testing/deliverer_test.h"
#include "services/dispatcher/ledger/ledger.h"

namespace lamplighter::dispatcher {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(DelivererTest, SetsAStatusAndIsDone) {
  Submit(Intent(v1::SUCCESS, 0));
  ASSERT_THAT(port_.calls, SizeIs(1));
  EXPECT_THAT(Results(), IsEmpty());
  Succeed(0);
  EXPECT_THAT(Results(), ElementsAre("0 SET"));
  EXPECT_EQ(port_.finished[0].outcome.attempts(), 1);
  EXPECT_EQ(deliverer_.held(), 0);
}

TEST_F(DelivererTest, TellsASetStatusFromOneThatWasThere) {
  Submit(Intent(v1::SUCCESS, 0));
  Succeed(0, /*written=*/false);
  EXPECT_THAT(Results(), ElementsAre("0 UNCHANGED"));
}

TEST_F(DelivererTest, NeedsNoCallForWhatTheForgeShowsAlready) {
  Submit(Intent(v1::SUCCESS, 0));
  Succeed(0);
  Submit(Intent(v1::SUCCESS, 60));
  EXPECT_THAT(port_.calls, SizeIs(1));
  EXPECT_THAT(Results(), ElementsAre("0 SET", "1 UNCHANGED"));
}

TEST_F(DelivererTest, WritesEachChangeOfAFlappingStatusWithoutReadingFirst) {
  Submit(Intent(v1::FAILURE, 0));
  Succeed(0);
  Submit(Intent(v1::SUCCESS, 10));
  Succeed(1);
  Submit(Intent(v1::FAILURE, 20));
  Succeed(2);
  ASSERT_THAT(port_.calls, SizeIs(3));
  EXPECT_EQ(port_.calls[2].intent.state(), v1::FAILURE);
  EXPECT_TRUE(port_.calls[2].known_different);
  EXPECT_THAT(Results(), ElementsAre("0 SET", "1 SET", "2 SET"));
}

TEST_F(DelivererTest, SupersedesWhatIsOlderThanWhatIsShown) {
  Submit(Intent(v1::SUCCESS, 10));
  Succeed(0);
  Submit(Intent(v1::FAILURE, 5));
  EXPECT_THAT(port_.calls, SizeIs(1));
  EXPECT_THAT(Results(), ElementsAre("0 SET", "1 SUPERSEDED"));
}

TEST_F(DelivererTest, LetsTheLaterOneOfTheSameSecondWin) {
  Submit(Intent(v1::FAILURE, 10));
  Succeed(0);
  Submit(Intent(v1::SUCCESS, 10));
  Succeed(1);
  EXPECT_THAT(Results(), ElementsAre("0 SET", "1 SET"));
}

TEST_F(DelivererTest, NeverRunsTwoCallsForOneKey) {
  Submit(Intent(v1::FAILURE, 0));
  Submit(Intent(v1::SUCCESS, 1));
  EXPECT_THAT(port_.calls, SizeIs(1));
  Succeed(0);
  ASSERT_THAT(port_.calls, SizeIs(2));
  EXPECT_EQ(port_.calls[1].intent.state(), v1::SUCCESS);
}

TEST_F(DelivererTest, KeepsOfWhatWaitsOnlyTheNewest) {
  Submit(Intent(v1::FAILURE, 0));
  Submit(Intent(v1::PENDING, 1));
  Submit(Intent(v1::SUCCESS, 2));
  Submit(Intent(v1::PENDING, 1));
  Succeed(0);
  ASSERT_THAT(port_.calls, SizeIs(2));
  EXPECT_EQ(port_.calls[1].intent.state(), v1::SUCCESS);
  EXPECT_THAT(Results(), ElementsAre("1 SUPERSEDED", "3 SUPERSEDED", "0 SET"));
}

TEST_F(DelivererTest, RetriesUntilItSucceedsAndReadsFirstFromThenOn) {
  Submit(Intent(v1::FAILURE, 0));
  Succeed(0);
  Submit(Intent(v1::SUCCESS, 1));
  EXPECT_TRUE(port_.calls[1].known_different);
  Fail(1, absl::DeadlineExceededError("no answer"));
  while (port_.calls.size() < 3) AdvanceToNextDue();
  EXPECT_FALSE(port_.calls[2].known_different) << "it may have been written";
  Succeed(2);
  EXPECT_THAT(Results(), ElementsAre("0 SET", "1 SET"));
  EXPECT_EQ(port_.finished[1].outcome.attempts(), 2);
}

TEST_F(DelivererTest, WaitsAsLongAsTheForgeAsksFor) {
  Submit(Intent(v1::SUCCESS, 0));
  Fail(0, WithRetryAfter(absl::ResourceExhaustedError("rate limit"),
                         absl::Minutes(10)));
  const absl::Duration start = clock_.MonotonicNow();
  while (port_.calls.size() < 2) AdvanceToNextDue();
  EXPECT_GE(clock_.MonotonicNow() - start, absl::Minutes(10));
}

TEST_F(DelivererTest, TriesAFailingLaneWithOneCallAtATime) {
  for (int i = 0; i < 10; ++i) {
    Submit(OfContext(absl::StrCat("c", i), Intent(v1::SUCCESS, 0)));
  }
  ASSERT_THAT(port_.calls, SizeIs(10));
  for (int i = 0; i < 10; ++i) Fail(i, absl::UnavailableError("502"));
  for (int i = 10; i < 40; ++i) {
    Submit(OfContext(absl::StrCat("c", i), Intent(v1::SUCCESS, 0)));
  }
  EXPECT_THAT(port_.calls, SizeIs(10)) << "the lane is closed";

  while (port_.calls.size() < 11) AdvanceToNextDue();
  clock_.Advance(absl::Minutes(5));
  deliverer_.Tick();
  EXPECT_THAT(port_.calls, SizeIs(11)) << "one is tried";
  Succeed(10);
  EXPECT_THAT(port_.calls, SizeIs(11 + 32)) << "and the rest follows";
}

TEST_F(DelivererTest, CountsCallsThatFailTogetherAsOneFailure) {
  for (int i = 0; i < 20; ++i) {
    Submit(OfContext(absl::StrCat("c", i), Intent(v1::SUCCESS, 0)));
  }
  for (int i = 0; i < 20; ++i) Fail(i, absl::UnavailableError("502"));
  // The first backoff is a second at most, the 20th a minute.
  clock_.Advance(absl::Seconds(1));
  deliverer_.Tick();
  EXPECT_THAT(port_.calls, SizeIs(21));
}

TEST_F(DelivererTest, DelaysOnlyTheWorkOfTheCredentialThatFails) {
  Submit(OfProvider("limited", Intent(v1::SUCCESS, 0)));
  Fail(0, WithRetryAfter(absl::ResourceExhaustedError(""), absl::Hours(1)));
  Submit(OfContext("x", OfProvider("limited", Intent(v1::SUCCESS, 0))));
  Submit(OfContext("y", OfProvider("healthy", Intent(v1::SUCCESS, 0))));
  ASSERT_THAT(port_.calls, SizeIs(2));
  EXPECT_EQ(port_.calls[1].intent.provider().name(), "healthy");
}

TEST_F(DelivererTest, KeepsWhatARefusedCredentialLeftUndone) {
  Submit(Intent(v1::SUCCESS, 0));
  for (int call = 0; call < 30; ++call) {
    Fail(call, absl::UnauthenticatedError("bad credentials"));
    while (port_.calls.size() == static_cast<size_t>(call) + 1) {
      AdvanceToNextDue();
    }
  }
  Succeed(30);
  ASSERT_THAT(port_.finished, SizeIs(1));
  EXPECT_EQ(port_.finished[0].outcome.result(), v1::StatusOutcome::SET);
  EXPECT_EQ(port_.finished[0].outcome.attempts(), 31);
}

TEST_F(DelivererTest, ReplacesWhatFailsByWhatIsNewer) {
  Submit(Intent(v1::FAILURE, 0));
  Submit(Intent(v1::SUCCESS, 1));
  Fail(0, absl::UnavailableError("502"));
  EXPECT_THAT(Results(), ElementsAre("0 SUPERSEDED"));
  while (port_.calls.size() < 2) AdvanceToNextDue();
  EXPECT_EQ(port_.calls[1].intent.state(), v1::SUCCESS);
}

TEST_F(DelivererTest, GivesUpAtOnceWhatWaitingCannotMend) {
  Submit(Intent(v1::SUCCESS, 0));
  Fail(0, absl::InvalidArgumentError("422: no"));
  EXPECT_THAT(Results(), ElementsAre("0 DEAD_LETTERED"));
  ASSERT_TRUE(port_.finished[0].dead_letter.has_value());
  const v1::DeadLetter& letter = *port_.finished[0].dead_letter;
  EXPECT_EQ(letter.reason(), v1::DeadLetter::REJECTED);
  EXPECT_THAT(letter.detail(), HasSubstr("422: no"));
  EXPECT_EQ(letter.intent().context(), "c");
  EXPECT_EQ(letter.original_topic(), "intents");
  EXPECT_EQ(letter.original_offset(), 0);
  EXPECT_EQ(letter.attempts(), 1);
  EXPECT_EQ(deliverer_.held(), 0);
}

TEST_F(DelivererTest, TriesAnUnknownCommitThreeTimesOverAMinute) {
  Submit(Intent(v1::SUCCESS, 0));
  const absl::Duration start = clock_.MonotonicNow();
  Fail(0, absl::NotFoundError("no commit"));
  AdvanceToNextDue();
  Fail(1, absl::NotFoundError("no commit"));
  AdvanceToNextDue();
  EXPECT_EQ(clock_.MonotonicNow() - start, absl::Minutes(1));
  Fail(2, absl::NotFoundError("no commit"));
  EXPECT_THAT(Results(), ElementsAre("0 DEAD_LETTERED"));
}

TEST_F(DelivererTest, DoesNotLetOneBadCommitHoldUpTheOthers) {
  Submit(Intent(v1::SUCCESS, 0));
  Fail(0, absl::NotFoundError("no commit"));
  Submit(OfContext("other", Intent(v1::SUCCESS, 0)));
  EXPECT_THAT(port_.calls, SizeIs(2));
}

TEST_F(DelivererTest, ExpiresWhatFailedForTooLong) {
  Submit(Intent(v1::SUCCESS, 0));
  Fail(0, absl::UnavailableError("502"));
  clock_.Advance(absl::Hours(24));
  deliverer_.Tick();
  EXPECT_THAT(Results(), ElementsAre("0 DEAD_LETTERED"));
  EXPECT_EQ(port_.finished[0].dead_letter->reason(), v1::DeadLetter::EXPIRED);
}

TEST_F(DelivererTest, RewritesAnErrorsMessageSeldomAndItsRecoveryAtOnce) {
  Submit(Intent(v1::FAILURE, 0, "one"));
  Succeed(0);
  Submit(Intent(v1::FAILURE, 1, "two"));
  Submit(Intent(v1::FAILURE, 2, "three"));
  EXPECT_THAT(port_.calls, SizeIs(1));
  AdvanceToNextDue();
  EXPECT_EQ(clock_.MonotonicNow(), absl::Minutes(5));
  ASSERT_THAT(port_.calls, SizeIs(2));
  EXPECT_EQ(port_.calls[1].intent.description(), "three");
  Succeed(1);

  Submit(Intent(v1::FAILURE, 3, "four"));
  Submit(Intent(v1::SUCCESS, 4));
  ASSERT_THAT(port_.calls, SizeIs(3));
  EXPECT_EQ(port_.calls[2].intent.state(), v1::SUCCESS);
}

TEST_F(DelivererTest, BoundsCallsInAllAndOfEachLane) {
  Deliverer deliverer({.max_calls = 5, .max_calls_per_lane = 3}, clock_,
                      random_, ledger_, port_);
  for (int i = 0; i < 10; ++i) {
    for (const char* provider : {"a", "b"}) {
      Submit(deliverer,
             OfContext(absl::StrCat(provider, i),
                       OfProvider(provider, Intent(v1::SUCCESS, 0))));
    }
  }
  ASSERT_THAT(port_.calls, SizeIs(5));
  int of_a = 0;
  for (const auto& call : port_.calls) {
    of_a += call.intent.provider().name() == "a" ? 1 : 0;
  }
  EXPECT_GE(of_a, 2);
  EXPECT_LE(of_a, 3);
}

TEST_F(DelivererTest, LetsRepositoriesOfOneCredentialTakeTurns) {
  Deliverer deliverer({.max_calls_per_lane = 1}, clock_, random_, ledger_,
                      port_);
  for (int i = 0; i < 100; ++i) {
    Submit(deliverer, OfContext(absl::StrCat(i), Intent(v1::SUCCESS, 0)));
  }
  Submit(deliverer,
         OfRepository("github.com/acme/calm", Intent(v1::SUCCESS, 0)));
  for (int i = 0; i < 2; ++i) Succeed(deliverer, i);
  EXPECT_TRUE(port_.calls[1].intent.repository_id() == "github.com/acme/calm" ||
              port_.calls[2].intent.repository_id() == "github.com/acme/calm");
}

TEST_F(DelivererTest, ForgetsAPartitionThatIsGivenUp) {
  Submit(Intent(v1::SUCCESS, 0), /*partition=*/1);
  Submit(OfContext("later", Intent(v1::SUCCESS, 0)), /*partition=*/1);
  Submit(OfContext("other", Intent(v1::SUCCESS, 0)), /*partition=*/2);
  ASSERT_THAT(port_.calls, SizeIs(3));
  deliverer_.Forget({"intents", 1});
  EXPECT_EQ(deliverer_.Running({"intents", 1}), 2);
  Succeed(0);
  Fail(1, absl::UnavailableError("502"));
  EXPECT_EQ(deliverer_.Running({"intents", 1}), 0);
  EXPECT_THAT(Results(), ElementsAre("0 SET"))
      << "what succeeded is told, what failed is another's";
  Succeed(2);
  EXPECT_EQ(deliverer_.held(), 0);
}

TEST_F(DelivererTest, StartsNothingOnceItIsToStop) {
  Submit(Intent(v1::FAILURE, 0));
  deliverer_.StopCalling();
  Submit(Intent(v1::SUCCESS, 1));
  Succeed(0);
  EXPECT_THAT(port_.calls, SizeIs(1));
  EXPECT_EQ(deliverer_.held(), 1) << "what waits stays";
}

}  // namespace
}  // namespace lamplighter::dispatcher
