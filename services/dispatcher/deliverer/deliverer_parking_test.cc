// What leaves the deliverer to wait elsewhere.

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/grpc/retry_info.h"
#include "common/time/proto_time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/dispatcher/deliverer/deliverer.h"
#include "services/dispatcher/deliverer/testing/deliverer_test.h"

namespace lamplighter::dispatcher {
namespace {

using ::testing::ElementsAre;
using ::testing::Gt;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::SizeIs;

class DelivererParkingTest : public DelivererTest {
 protected:
  static absl::Status Limited(absl::Duration for_so_long) {
    return WithRetryAfter(absl::ResourceExhaustedError("rate limit"),
                          for_so_long);
  }
};

TEST_F(DelivererParkingTest, WhatWaitsLongIsParkedAndItsOriginDone) {
  Submit(Intent(v1::SUCCESS, 0));
  Submit(OfContext("ready", Intent(v1::SUCCESS, 0)));
  Fail(0, Limited(absl::Hours(1)));
  Submit(OfContext("later", Intent(v1::SUCCESS, 0)));
  ASSERT_THAT(port_.parked, SizeIs(2));
  EXPECT_EQ(port_.parked[0].origin.offset, 0);
  EXPECT_EQ(port_.parked[1].origin.offset, 2);
  EXPECT_EQ(deliverer_.held(), 1) << "the call that runs";

  const v1::Retry& tried = port_.parked[0].intent.retry();
  EXPECT_EQ(tried.attempts(), 1);
  EXPECT_EQ(FromProto(tried.first_attempt_at()), clock_.Now());
  EXPECT_EQ(FromProto(tried.taken_at()), clock_.Now());
  EXPECT_EQ(FromProto(tried.not_before()), clock_.Now() + absl::Minutes(5))
      << "nobody waits behind it for longer";
  EXPECT_EQ(tried.first_offset(), 0);
  EXPECT_TRUE(port_.parked[0].tried.has_value());
  EXPECT_FALSE(port_.parked[1].tried.has_value()) << "no call was made for it";
  EXPECT_FALSE(port_.parked[1].intent.retry().has_first_attempt_at());
}

TEST_F(DelivererParkingTest, ALimitedCredentialIsNotAskedDuringItsLimit) {
  for (int i = 0; i < 100; ++i) {
    Submit(OfContext(absl::StrCat(i), Intent(v1::SUCCESS, 0)));
  }
  const size_t first = port_.calls.size();
  const absl::Time limited_until = clock_.Now() + absl::Hours(1);
  for (size_t i = 0; i < first; ++i) Fail(i, Limited(absl::Hours(1)));
  while (clock_.Now() < limited_until) {
    ASSERT_THAT(port_.calls, SizeIs(first));
    AdvanceToNextDue();
  }
  EXPECT_THAT(port_.calls, SizeIs(first + 1)) << "then one is tried";
  EXPECT_EQ(deliverer_.held() + port_.parked.size(), 100);
}

TEST_F(DelivererParkingTest, AttemptsAndOrderGoOnWhereTheyWere) {
  Submit(Intent(v1::SUCCESS, 0));
  Fail(0, Limited(absl::Minutes(2)));
  AdvanceToNextDue();
  ASSERT_THAT(port_.calls, SizeIs(2));
  Fail(1, Limited(absl::Minutes(2)));
  ASSERT_THAT(port_.parked, SizeIs(1));
  EXPECT_EQ(port_.parked[0].intent.retry().attempts(), 2);
  EXPECT_EQ(port_.parked[0].intent.retry().first_offset(), 0);
  EXPECT_EQ(port_.parked[0].origin.offset, 1);
}

TEST_F(DelivererParkingTest, IsGivenUpSoLongAfterItWasTakenFirst) {
  Submit(Intent(v1::SUCCESS, 0));
  int call = 0;
  const absl::Time start = clock_.Now();
  while (port_.finished.empty()) {
    Fail(call++, Limited(absl::Minutes(20)));
    while (port_.finished.empty() &&
           port_.calls.size() == static_cast<size_t>(call)) {
      AdvanceToNextDue();
    }
  }
  EXPECT_EQ(port_.finished[0].dead_letter->reason(), v1::DeadLetter::EXPIRED);
  EXPECT_THAT(clock_.Now() - start, Gt(absl::Hours(23)));
  EXPECT_THAT(clock_.Now() - start, Le(absl::Hours(25)));
}

TEST_F(DelivererParkingTest, WhatWasNeverTriedExpiresToo) {
  Submit(Intent(v1::SUCCESS, 0));
  Submit(OfContext("other", Intent(v1::SUCCESS, 0)));
  Fail(0, absl::UnavailableError("502"));
  v1::StatusIntent old = OfContext("old", Intent(v1::SUCCESS, 0));
  *old.mutable_retry()->mutable_taken_at() =
      ToProto(clock_.Now() - absl::Hours(24));
  Submit(old);
  ASSERT_THAT(port_.finished, SizeIs(1));
  EXPECT_EQ(port_.finished[0].dead_letter->reason(), v1::DeadLetter::EXPIRED);
  EXPECT_EQ(port_.finished[0].dead_letter->detail(), "UNAVAILABLE: 502");
}

TEST_F(DelivererParkingTest, AnOlderOneThatComesBackReplacesNothing) {
  Submit(Intent(v1::FAILURE, 0));
  Fail(0, Limited(absl::Minutes(2)));
  ASSERT_THAT(port_.parked, SizeIs(1));
  clock_.Advance(absl::Minutes(2));
  deliverer_.Tick();
  Submit(Intent(v1::SUCCESS, 10));
  Succeed(1);
  ReturnWhatIsDue();
  EXPECT_THAT(Results(), ElementsAre("1 SET", "2 SUPERSEDED"));
  EXPECT_THAT(port_.calls, SizeIs(2));
}

TEST_F(DelivererParkingTest, ADeadForgeLeavesRoomForTheOthers) {
  Deliverer deliverer({.crowded_at = 100}, clock_, random_, ledger_, port_);
  Submit(deliverer, OfProvider("dead", Intent(v1::SUCCESS, 0)));
  deliverer.OnAnswer(port_.calls.at(0).id, absl::UnavailableError("away"));
  for (int i = 1; i < 10'000; ++i) {
    Submit(deliverer, OfContext(absl::StrCat(i),
                                OfProvider("dead", Intent(v1::SUCCESS, 0))));
  }
  EXPECT_EQ(deliverer.held(), 99);
  EXPECT_THAT(port_.parked, SizeIs(9901));
  for (const ParkedIntent& parked : port_.parked) {
    ASSERT_THAT(NotBefore(parked), Gt(clock_.Now() + absl::Minutes(1)));
    ASSERT_THAT(NotBefore(parked), Le(clock_.Now() + absl::Minutes(5)));
  }
  Submit(deliverer,
         OfContext("x", OfProvider("healthy", Intent(v1::SUCCESS, 0))));
  EXPECT_THAT(port_.calls, SizeIs(2));
}

TEST_F(DelivererParkingTest, KeepsOneOfEachLaneToTryItWith) {
  Deliverer deliverer({.crowded_at = 1}, clock_, random_, ledger_, port_);
  for (int i = 0; i < 3; ++i) {
    Submit(deliverer, OfContext(absl::StrCat(i), Intent(v1::SUCCESS, 0)));
  }
  for (int i = 0; i < 3; ++i) {
    deliverer.OnAnswer(port_.calls.at(i).id, absl::UnavailableError("away"));
  }
  EXPECT_THAT(port_.parked, SizeIs(2));
  EXPECT_EQ(deliverer.held(), 1);
  EXPECT_NE(deliverer.NextDue(), absl::InfiniteDuration());
}

TEST_F(DelivererParkingTest, CountsBytesToo) {
  Deliverer deliverer({.crowded_at_bytes = 10'000}, clock_, random_, ledger_,
                      port_);
  Submit(deliverer, Intent(v1::SUCCESS, 0));
  deliverer.OnAnswer(port_.calls.at(0).id, absl::UnavailableError("away"));
  for (int i = 0; i < 10; ++i) {
    Submit(deliverer,
           OfContext(absl::StrCat(i),
                     Intent(v1::SUCCESS, 0, std::string(2000, 'x'))));
  }
  EXPECT_THAT(port_.parked, SizeIs(6));
}

TEST_F(DelivererParkingTest, WhatWorksIsNotParkedHoweverMuchWaits) {
  Deliverer deliverer({.crowded_at = 10}, clock_, random_, ledger_, port_);
  for (int i = 0; i < 1000; ++i) {
    Submit(deliverer, OfContext(absl::StrCat(i), Intent(v1::SUCCESS, 0)));
  }
  EXPECT_THAT(port_.parked, IsEmpty());
}

}  // namespace
}  // namespace lamplighter::dispatcher
