#include "services/reposync/refresh/refresh_scheduler.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/async/task_group.h"
#include "common/async/timer_sleeper.h"
#include "common/grpc/retry_info.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/proto_time.h"
#include "services/reposync/refresh/testing/refresh_test_fixture.h"

namespace lamplighter::reposync {
namespace {

using ::absl::StatusCode;
using ::testing::SizeIs;
using v1::Refresh;

constexpr absl::Duration kDay = absl::Hours(24);

class RefreshSchedulerTest : public RefreshTest {
 protected:
  void SetUp() override {
    RefreshTest::SetUp();
    if (!IsSkipped()) Make({});
  }
  void TearDown() override {
    if (scheduler_ != nullptr) Run(Drain());
  }
  void Make(RefreshScheduler::Options options) {
    if (scheduler_ != nullptr) Run(Drain());
    scheduler_ = std::make_unique<RefreshScheduler>(
        std::move(options), *refresher_, *connections_, *listings_, clock_,
        real_sleeper_, loop_.get_executor());
  }
  boost::asio::awaitable<bool> Drain() {
    co_await tasks_.Drain(absl::ZeroDuration());
    co_await scheduler_->Drain(absl::ZeroDuration());
    co_return true;
  }

  static ListingStore::Newest Ended(Refresh::State state, absl::Time at,
                                    int64_t id = 1) {
    Refresh refresh;
    refresh.set_id(id);
    refresh.set_state(state);
    *refresh.mutable_finished_at() = ToProto(at);
    ListingStore::Newest newest;
    newest.refresh = refresh;
    return newest;
  }

  // The newest refresh, once it is `state`.
  Refresh Await(Refresh::State state) {
    for (int i = 0; i < 10'000; ++i) {
      const auto newest = Run(listings_->FindNewest(kConnection));
      if (newest.ok() && newest->refresh.has_value() &&
          newest->refresh->state() == state) {
        loop_.restart();
        loop_.poll();
        return *newest->refresh;
      }
    }
    ADD_FAILURE() << "never came to that";
    return {};
  }
  absl::Time DueNow() {
    return scheduler_->DueAt(kConnection,
                             *Run(listings_->FindNewest(kConnection)));
  }
  auto Begin() {
    return Run(scheduler_->Begin(kConnection, Refresh::REQUEST, false));
  }

  // This replica does, so often.
  void Fail(int times) {
    for (int i = 0; i < times; ++i) {
      lister_.Say({absl::UnauthenticatedError("revoked")});
      ASSERT_THAT(Begin(), IsOk());
      Await(Refresh::FAILED);
    }
  }
  // To one that knows nothing but what is in the database, as this one would
  // after a restart.
  void GoToAnotherReplica() {
    const auto stop =
        [](RefreshScheduler& scheduler) -> boost::asio::awaitable<bool> {
      co_await scheduler.Drain(absl::ZeroDuration());
      co_return true;
    };
    Run(stop(*scheduler_));
    scheduler_.reset();
    refresher_ = MakeRefresher("other");
    Make({});
  }
  // Many turns of the loop, in which it looks once: so many that it does on a
  // busy machine, too.
  void Look() {
    tasks_.Spawn(scheduler_->Run());
    for (int i = 0; i < 500; ++i) {
      ASSERT_THAT(Run(listings_->FindNewest(kConnection)), IsOk());
    }
  }

  TimerSleeper real_sleeper_;
  std::unique_ptr<RefreshScheduler> scheduler_;
  TaskGroup tasks_{loop_.get_executor(), "test"};
};

LAMPLIGHTER_ON_BOTH_DATABASES(RefreshSchedulerTest);

TEST_P(RefreshSchedulerTest, OneThatWasNeverRefreshedIsDueAtOnce) {
  EXPECT_EQ(scheduler_->DueAt(kConnection, {}), absl::InfinitePast());
}

TEST_P(RefreshSchedulerTest, IsDueAfterTheIntervalWithinATenthOfIt) {
  const absl::Time end = clock_.Now();
  absl::Time earliest = absl::InfiniteFuture();
  absl::Time latest = absl::InfinitePast();
  for (int id = 1; id <= 500; ++id) {
    const absl::Time due =
        scheduler_->DueAt(kConnection, Ended(Refresh::DONE, end, id));
    earliest = std::min(earliest, due);
    latest = std::max(latest, due);
  }
  EXPECT_GE(earliest, end + kDay * 0.9);
  EXPECT_LE(latest, end + kDay * 1.1);
  // They spread over it.
  EXPECT_LT(earliest, end + kDay * 0.92);
  EXPECT_GT(latest, end + kDay * 1.08);
}

TEST_P(RefreshSchedulerTest, AllReplicasTakeTheSameTime) {
  // Of a number, not of what a process hashes it to.
  EXPECT_EQ(absl::ToInt64Seconds(
                scheduler_->DueAt(kConnection,
                                  Ended(Refresh::DONE, absl::UnixEpoch(), 1)) -
                absl::UnixEpoch()),
            88439);
}

TEST_P(RefreshSchedulerTest, AConnectionMayHaveAnIntervalOfItsOwn) {
  Make({.intervals = {{"acme", absl::Hours(1)}}});
  const absl::Time end = clock_.Now();
  EXPECT_LE(scheduler_->DueAt("acme", Ended(Refresh::DONE, end)),
            end + absl::Minutes(66));
  EXPECT_GE(scheduler_->DueAt("other", Ended(Refresh::DONE, end)),
            end + absl::Hours(21));
}

TEST_P(RefreshSchedulerTest, WithoutAnIntervalNoneIsPlanned) {
  Make({.interval = absl::ZeroDuration()});
  EXPECT_EQ(scheduler_->DueAt(kConnection, {}), absl::InfiniteFuture());
  EXPECT_EQ(scheduler_->DueAt(kConnection, Ended(Refresh::HELD, clock_.Now())),
            absl::InfiniteFuture());
}

TEST_P(RefreshSchedulerTest, OneThatWasHeldIsConfirmedSoon) {
  const absl::Time end = clock_.Now();
  EXPECT_EQ(scheduler_->DueAt(kConnection, Ended(Refresh::HELD, end)),
            end + absl::Hours(1));
  Make({.interval = absl::Minutes(10)});
  EXPECT_EQ(scheduler_->DueAt(kConnection, Ended(Refresh::HELD, end)),
            end + absl::Minutes(10));
}

TEST_P(RefreshSchedulerTest, OneThatFailedWaitsAsLongAsTheForgeAsks) {
  lister_.Say({WithRetryAfter(absl::ResourceExhaustedError("used up"),
                              absl::Minutes(40))});
  ASSERT_THAT(Begin(), IsOk());
  Await(Refresh::FAILED);
  EXPECT_EQ(DueNow(), clock_.Now() + absl::Minutes(40));
}

TEST_P(RefreshSchedulerTest, FailuresInARowAreTriedEverMoreSeldom) {
  absl::Duration most;
  for (int i = 1; i <= 8; ++i) {
    lister_.Say({absl::UnauthenticatedError("revoked")});
    ASSERT_THAT(Begin(), IsOk());
    Await(Refresh::FAILED);
    const absl::Duration wait = DueNow() - clock_.Now();
    EXPECT_GE(wait, absl::Seconds(30));
    EXPECT_LE(wait, absl::Hours(1));
    most = wait;
    clock_.Advance(wait);
  }
  EXPECT_GE(most, absl::Minutes(30));
  // Success forgets them.
  lister_.Say({Page(0, 1, 3, true)});
  ASSERT_THAT(Begin(), IsOk());
  Await(Refresh::DONE);
  lister_.Say({absl::UnauthenticatedError("revoked")});
  ASSERT_THAT(Begin(), IsOk());
  Await(Refresh::FAILED);
  EXPECT_LE(DueNow() - clock_.Now(), absl::Minutes(1));
}

TEST_P(RefreshSchedulerTest, AFailureOfAnotherReplicaIsWaitedAfterToo) {
  Fail(1);
  GoToAnotherReplica();
  EXPECT_EQ(DueNow(), clock_.Now() + absl::Minutes(1));
  lister_.Say({Page(0, 1, 3, true)});
  Look();
  clock_.Advance(absl::Seconds(29));
  Look();
  EXPECT_THAT(lister_.requests, SizeIs(1));
  clock_.Advance(absl::Seconds(31));
  Look();
  Await(Refresh::DONE);
}

TEST_P(RefreshSchedulerTest, FailuresOfAllReplicasInARowAreCounted) {
  Fail(6);
  GoToAnotherReplica();
  Look();
  // The sixth waits 16 to 32 minutes.
  EXPECT_GE(DueNow(), clock_.Now() + absl::Minutes(16));
  EXPECT_LE(DueNow(), clock_.Now() + absl::Minutes(32));
}

TEST_P(RefreshSchedulerTest, WhatAForgeAskedForHoldsWhereAnotherReplicaFailed) {
  lister_.Say({WithRetryAfter(absl::ResourceExhaustedError("used up"),
                              absl::Minutes(40))});
  ASSERT_THAT(Begin(), IsOk());
  Await(Refresh::FAILED);
  const absl::Time asked_for = DueNow();
  lister_.Say({absl::UnauthenticatedError("revoked")});
  RunRefresh();
  Look();
  EXPECT_EQ(DueNow(), asked_for);
}

TEST_P(RefreshSchedulerTest, AnotherReplicasSuccessForgetsFailures) {
  Fail(6);
  lister_.Say({Page(0, 1, 3, true)});
  RunRefresh();
  Look();
  lister_.Say({absl::UnauthenticatedError("revoked")});
  ASSERT_THAT(Begin(), IsOk());
  Await(Refresh::FAILED);
  EXPECT_LE(DueNow(), clock_.Now() + absl::Minutes(1));
}

TEST_P(RefreshSchedulerTest, RefreshesWhatIsDueByItself) {
  lister_.Say({Page(0, 1, 3, true)});
  tasks_.Spawn(scheduler_->Run());
  const Refresh refresh = Await(Refresh::DONE);
  EXPECT_EQ(refresh.trigger(), Refresh::SCHEDULE);
  EXPECT_THAT(Known(), SizeIs(3));
  EXPECT_THAT(lister_.requests, SizeIs(1));
}

TEST_P(RefreshSchedulerTest, ARequestWhileOneRunsIsToldOfThat) {
  const auto other = MakeRefresher("other");
  const auto running = Run(other->Begin(kConnection, Refresh::COMMAND));
  ASSERT_THAT(running, IsOk());
  const auto begun = Begin();
  ASSERT_THAT(begun, IsOk());
  EXPECT_TRUE(begun->already_running);
  EXPECT_EQ(begun->refresh.id(), running->refresh.id());
  EXPECT_THAT(lister_.requests, SizeIs(0));
}

TEST_P(RefreshSchedulerTest, OneWhoseProcessDiedIsTakenOver) {
  const auto dead = MakeRefresher("dead");
  ASSERT_THAT(Run(dead->Begin(kConnection, Refresh::COMMAND)), IsOk());
  clock_.Advance(absl::Minutes(6));
  lister_.Say({Page(0, 1, 3, true)});
  tasks_.Spawn(scheduler_->Run());
  Await(Refresh::DONE);
}

TEST_P(RefreshSchedulerTest, AConnectionThatIsNotThereIsNotFound) {
  EXPECT_THAT(Run(scheduler_->Begin("none", Refresh::REQUEST, false)),
              StatusIs(StatusCode::kNotFound));
}

}  // namespace
}  // namespace lamplighter::reposync
