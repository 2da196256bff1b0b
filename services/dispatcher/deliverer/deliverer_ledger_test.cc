// What the deliverer makes of the ledger, and what it tells it.

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/grpc/retry_info.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/dispatcher/deliverer/deliverer.h"
#include "services/dispatcher/deliverer/testing/deliverer_test.h"
#include "services/dispatcher/ledger/ledger.h"

namespace lamplighter::dispatcher {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class DelivererLedgerTest : public DelivererTest {
 protected:
  // As if a former process had set `intent`, whose order was `order`.
  void Restore(const v1::StatusIntent& intent, int64_t order) {
    ledger_.Put(MakeLedgerKey(LedgerName(intent)), 0,
                {.version = VersionOf(intent, order),
                 .content = ContentOf(intent),
                 .written = 1'600'000'000,
                 .recorded = 1'600'000'000,
                 .state = intent.state(),
                 .restored = true});
  }
  // What lay there when the partition became ours.
  void SubmitInherited(Deliverer& deliverer, v1::StatusIntent intent) {
    deliverer.Submit({.intent = std::move(intent),
                      .origin = {"intents", 0, offset_++},
                      .traceparent = "",
                      .inherited = true});
  }
  std::vector<bool> Remembered() const {
    std::vector<bool> remembered;
    for (const FinishedIntent& finished : port_.finished) {
      remembered.push_back(finished.remember.has_value());
    }
    return remembered;
  }
};

TEST_F(DelivererLedgerTest, WritesWithoutReadingWhatWasNeverSet) {
  Submit(Intent(v1::SUCCESS, 0));
  EXPECT_TRUE(port_.calls.at(0).known_different);
}

TEST_F(DelivererLedgerTest, ReadsFirstWhereTheLedgerHasForgottenSome) {
  Ledger small(1);
  small.Open(0);
  Deliverer deliverer({}, clock_, random_, small, port_);
  Submit(deliverer, OfContext("1", Intent(v1::SUCCESS, 0)));
  Succeed(deliverer, 0);
  Submit(deliverer, OfContext("2", Intent(v1::SUCCESS, 0)));
  Succeed(deliverer, 1);
  Submit(deliverer, OfContext("3", Intent(v1::SUCCESS, 0)));
  EXPECT_TRUE(port_.calls.at(1).known_different);
  EXPECT_FALSE(port_.calls.at(2).known_different);
}

// Its call may have reached the forge, and the ledger not have heard of it.
TEST_F(DelivererLedgerTest, ReadsFirstWhatAFormerProcessMayHaveBeenSetting) {
  SubmitInherited(deliverer_, Intent(v1::SUCCESS, 0));
  EXPECT_FALSE(port_.calls.at(0).known_different);
  Succeed(0, /*written=*/false);
  EXPECT_THAT(Results(), ElementsAre("0 UNCHANGED"));
  Submit(Intent(v1::FAILURE, 10));
  EXPECT_TRUE(port_.calls.at(1).known_different) << "now it knows";
}

TEST_F(DelivererLedgerTest, ReadsFirstWhatReplacesWhatMayHaveBeenSet) {
  deliverer_.StopCalling();
  SubmitInherited(deliverer_, Intent(v1::SUCCESS, 0));
  Submit(Intent(v1::SUCCESS, 10));
  EXPECT_THAT(Results(), ElementsAre("0 SUPERSEDED"));
  EXPECT_THAT(Remembered(), ElementsAre(true)) << "the doubt outlives us";
  const LedgerEntry* const known =
      ledger_.Peek(MakeLedgerKey(LedgerName(Intent(v1::SUCCESS, 10))));
  ASSERT_NE(known, nullptr);
  EXPECT_TRUE(known->InDoubt());
}

TEST_F(DelivererLedgerTest, ReadsNoMoreFirstThanAFormerProcessHeld) {
  Deliverer deliverer({.max_inherited = 2}, clock_, random_, ledger_, port_);
  for (const char* context : {"1", "1", "2", "3"}) {
    SubmitInherited(deliverer, OfContext(context, Intent(v1::SUCCESS, 0)));
  }
  ASSERT_THAT(port_.calls, SizeIs(3));
  EXPECT_FALSE(port_.calls[0].known_different);
  EXPECT_FALSE(port_.calls[1].known_different);
  EXPECT_TRUE(port_.calls[2].known_different);
  deliverer.Forget({"intents", 0});
  ledger_.Open(0);
  SubmitInherited(deliverer, OfContext("4", Intent(v1::SUCCESS, 0)));
  EXPECT_FALSE(port_.calls.at(3).known_different) << "it was another's again";
}

TEST_F(DelivererLedgerTest, NeedsNoCallForWhatAFormerProcessSet) {
  Restore(Intent(v1::SUCCESS, 0), 0);
  Submit(Intent(v1::SUCCESS, 60));
  EXPECT_THAT(port_.calls, IsEmpty());
  EXPECT_THAT(Results(), ElementsAre("0 UNCHANGED"));
}

TEST_F(DelivererLedgerTest, SupersedesWhatIsOlderThanWhatAFormerProcessSet) {
  Restore(Intent(v1::SUCCESS, 10), 0);
  Submit(Intent(v1::FAILURE, 5));
  EXPECT_THAT(port_.calls, IsEmpty());
  EXPECT_THAT(Results(), ElementsAre("0 SUPERSEDED"));
}

// The ledger says A; B was being set when the process died, and came back; C,
// which equals A, takes its place before it is called for.
TEST_F(DelivererLedgerTest, LooksAgainWhereACallOfAFormerProcessMayHaveLanded) {
  deliverer_.StopCalling();
  Restore(Intent(v1::SUCCESS, 0), 0);
  Submit(Intent(v1::FAILURE, 10));
  Submit(Intent(v1::SUCCESS, 20));
  EXPECT_THAT(Results(), ElementsAre("0 SUPERSEDED")) << "C is not unchanged";
  EXPECT_EQ(deliverer_.held(), 1);
}

TEST_F(DelivererLedgerTest, ReadsFirstWhatDiffersFromWhatAFormerProcessSet) {
  Restore(Intent(v1::SUCCESS, 0), 0);
  Submit(Intent(v1::FAILURE, 10));
  EXPECT_FALSE(port_.calls.at(0).known_different);
  Succeed(0);
  Submit(Intent(v1::SUCCESS, 20));
  EXPECT_TRUE(port_.calls.at(1).known_different) << "now it knows";
}

// B was being set when the process died, though a newer one that waits
// elsewhere had come before it, and C, which equals the ledger, is read again.
TEST_F(DelivererLedgerTest, DoubtsTheForgeEvenBecauseOfWhatIsSuperseded) {
  Restore(Intent(v1::SUCCESS, 0), 0);
  Submit(Intent(v1::SUCCESS, 20));
  Submit(Intent(v1::FAILURE, 10));
  EXPECT_THAT(Results(), ElementsAre("0 UNCHANGED", "1 SUPERSEDED"));
  Submit(Intent(v1::SUCCESS, 20));
  ASSERT_THAT(port_.calls, SizeIs(1));
  EXPECT_FALSE(port_.calls[0].known_different);
}

TEST_F(DelivererLedgerTest, TellsTheLedgerWhatIsSetAndWhatMovesOn) {
  Submit(Intent(v1::SUCCESS, 0));
  Succeed(0);
  Submit(Intent(v1::SUCCESS, 60));
  EXPECT_THAT(Remembered(), ElementsAre(true, true));
  EXPECT_EQ(port_.finished[1].outcome.order(), 1);
}

TEST_F(DelivererLedgerTest, TellsTheLedgerNothingOfWhatWasReadTwice) {
  Submit(Intent(v1::SUCCESS, 0));
  Succeed(0);
  offset_ = 0;
  Submit(Intent(v1::SUCCESS, 0));
  EXPECT_THAT(Results(), ElementsAre("0 SET", "0 UNCHANGED"));
  EXPECT_THAT(Remembered(), ElementsAre(true, false));
}

TEST_F(DelivererLedgerTest, TellsTheLedgerWhatFailedBeforeItIsForgotten) {
  Submit(Intent(v1::SUCCESS, 0));
  Succeed(0);
  Submit(Intent(v1::FAILURE, 1));
  Submit(Intent(v1::SUCCESS, 2));
  Submit(Intent(v1::SUCCESS, 3));
  Fail(1, absl::DeadlineExceededError("no answer"));
  EXPECT_THAT(Results(), ElementsAre("0 SET", "2 SUPERSEDED", "1 SUPERSEDED"));
  EXPECT_THAT(Remembered(), ElementsAre(true, false, true))
      << "the forge may show 1, and no more than the ledger would know it";
}

// What a former process set last is not known, and what says so is parked: the
// next process must not believe the ledger either.
TEST_F(DelivererLedgerTest, ADoubtOutlivesTheProcess) {
  Submit(OfContext("other", Intent(v1::SUCCESS, 0)));
  Fail(0, WithRetryAfter(absl::ResourceExhaustedError(""), absl::Hours(1)));
  Restore(Intent(v1::SUCCESS, 20), 0);
  Submit(Intent(v1::FAILURE, 30));
  ASSERT_THAT(port_.parked, SizeIs(2));
  ASSERT_TRUE(port_.parked[1].tried.has_value());
  const v1::StatusOutcome& told = *port_.parked[1].tried;
  EXPECT_EQ(told.result(), v1::StatusOutcome::RESULT_UNSPECIFIED);
  EXPECT_EQ(VersionOf(told.intent(), told.order()),
            VersionOf(Intent(v1::FAILURE, 30), 1));
  // And what is older does not take the version back.
  Submit(Intent(v1::FAILURE, 10));
  ASSERT_TRUE(port_.finished.at(0).remember.has_value());
  EXPECT_EQ(*port_.finished[0].remember, VersionOf(Intent(v1::FAILURE, 30), 1));
}

TEST_F(DelivererLedgerTest, TellsTheLedgerWhatWasGivenUp) {
  Submit(Intent(v1::SUCCESS, 0));
  Fail(0, absl::InvalidArgumentError("422"));
  EXPECT_THAT(Remembered(), ElementsAre(true));
}

TEST_F(DelivererLedgerTest, RetriesAreOrderedByTheirFirstPlace) {
  Submit(Intent(v1::SUCCESS, 0));
  Submit(Intent(v1::FAILURE, 0));
  Succeed(0);
  Succeed(1);
  v1::StatusIntent retried = Intent(v1::SUCCESS, 0);
  retried.mutable_retry()->set_first_offset(0);
  Submit(retried);
  EXPECT_THAT(Results(), ElementsAre("0 SET", "1 SET", "2 SUPERSEDED"));
}

TEST_F(DelivererLedgerTest, ALateCallDoesNotMakeTheLedgerOlder) {
  Submit(Intent(v1::SUCCESS, 0));
  deliverer_.Forget({"intents", 0});
  ledger_.Open(0);  // it comes back, and another process has set more
  Restore(Intent(v1::FAILURE, 10), 5);
  Succeed(0);
  Submit(Intent(v1::FAILURE, 20));
  ASSERT_THAT(port_.calls, SizeIs(2)) << "the forge shows something else";
  EXPECT_FALSE(port_.calls[1].known_different);
}

}  // namespace
}  // namespace lamplighter::dispatcher
