#include "services/reposync/events/look_ups.h"

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "boost/asio/co_spawn.hpp"
#include "boost/asio/detached.hpp"
#include "common/async/timer_sleeper.h"
#include "common/grpc/retry_info.h"
#include "common/status/testing/status_matchers.h"
#include "services/reposync/events/testing/fake_repository_source.h"
#include "services/reposync/refresh/testing/refresh_test_fixture.h"

namespace lamplighter::reposync {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class LookUpsTest : public RefreshTest {
 protected:
  void SetUp() override {
    RefreshTest::SetUp();
    if (IsSkipped()) return;
    look_ups_ = Make(sleeper_, *catalog_, *connections_);
  }
  void TearDown() override {
    if (look_ups_ != nullptr) Drain();
  }

  std::unique_ptr<LookUps> Make(Sleeper& sleeper, CatalogStore& catalog,
                                ConnectionStore& connections) {
    LookUps::Options options;
    options.max_tries = 3;
    return std::make_unique<LookUps>(options, source_, catalog, connections,
                                     clock_, sleeper, metrics_,
                                     loop_.get_executor());
  }

  void Drain() {
    const auto drain = [](LookUps& look_ups) -> boost::asio::awaitable<bool> {
      co_await look_ups.Drain(absl::ZeroDuration());
      co_return true;
    };
    Run(drain(*look_ups_));
  }

  // What an event says of repository `number`.
  static LookUp Of(int number) {
    return {.type = "github",
            .instance = "forge.example",
            .forge_id = absl::StrCat(number),
            .repository_id = Repository(number).repository_id()};
  }
  static LookUp Gone(int number) {
    LookUp look_up = Of(number);
    look_up.may_be_gone = true;
    look_up.is_news = true;
    return look_up;
  }

  void Begin(LookUp look_up) {
    look_ups_->Begin(std::move(look_up), [this] { ++done_; });
  }
  // Runs the loop until so many were done.
  void RunUntilDone(int done) {
    while (done_ < done) {
      loop_.restart();
      ASSERT_GT(loop_.run_one_for(std::chrono::seconds(30)), 0U);
    }
  }
  // Runs the loop until the forge was asked so often.
  void RunUntilAsked(size_t times) {
    while (source_.asked.size() < times) {
      loop_.restart();
      ASSERT_GT(loop_.run_one_for(std::chrono::seconds(30)), 0U);
    }
  }
  // Lets what has begun go as far as it can.
  void RunSome() {
    for (int i = 0; i < 10; ++i)
      ASSERT_THAT(Run(catalog_->LastChange()), IsOk());
  }
  void Settle(LookUp look_up) {
    Begin(std::move(look_up));
    RunUntilDone(done_ + 1);
  }

  void OnForge(int number) {
    source_.repositories[Repository(number).repository_id()] =
        Repository(number);
  }
  // It is on the forge and in the catalog.
  void Have(int number) {
    OnForge(number);
    ASSERT_THAT(Run(catalog_->Put(kConnection, Repository(number))), IsOk());
  }

  FakeRepositorySource source_{loop_};
  std::unique_ptr<LookUps> look_ups_;
  int done_ = 0;
};

LAMPLIGHTER_ON_BOTH_DATABASES(LookUpsTest);

TEST_P(LookUpsTest, WhatTheForgeShowsIsInTheCatalogOnceItIsDone) {
  OnForge(1);
  Settle(Of(1));
  EXPECT_THAT(Known(), ElementsAre("1"));
  EXPECT_THAT(metrics_.Text(), HasSubstr("result=\"found\"} 1"));
}

TEST_P(LookUpsTest, ARenamedRepositoryKeepsItsPlaceUnderItsNewName) {
  Have(1);
  const int64_t id = Run(catalog_->GetByForgeId("forge.example", "1"))->id();
  v1::CatalogRepository renamed = Repository(1);
  renamed.set_repository_id("forge.example/acme/new");
  renamed.set_path("acme/new");
  source_.repositories = {{renamed.repository_id(), renamed}};
  LookUp look_up = Of(1);
  look_up.repository_id = renamed.repository_id();
  Settle(look_up);
  const auto entry = Run(catalog_->GetByForgeId("forge.example", "1"));
  ASSERT_THAT(entry, IsOk());
  EXPECT_EQ(entry->id(), id);
  EXPECT_EQ(entry->repository().path(), "acme/new");
  EXPECT_THAT(Known(), SizeIs(1));
}

TEST_P(LookUpsTest, OneThatWasMadeAnewUnderItsNameReplacesTheDeletedOne) {
  Have(1);
  source_.repositories[Repository(1).repository_id()].set_forge_id("77");
  Settle(Gone(1));
  EXPECT_THAT(Known(), ElementsAre("77"));
}

TEST_P(LookUpsTest,
       AnotherUnderItsNameForgetsNothingWhereTheEventDoesNotSaySo) {
  Have(1);
  source_.repositories[Repository(1).repository_id()].set_forge_id("77");
  Settle(Of(1));
  EXPECT_THAT(Known(), ElementsAre("1", "77"));
}

TEST_P(LookUpsTest, ADeletedRepositoryGoesWhereTheForgeDoesNotKnowIt) {
  Have(1);
  source_.repositories.clear();
  Settle(Gone(1));
  EXPECT_THAT(Known(), IsEmpty());
  EXPECT_TRUE(
      Run(catalog_->GetByForgeId("forge.example", "1"))->has_removed_at());
  EXPECT_THAT(metrics_.Text(), HasSubstr("result=\"gone\"} 1"));
}

TEST_P(LookUpsTest, ADeletionThatTheForgeKnowsNothingOfRemovesNothing) {
  Have(1);
  Settle(Gone(1));
  EXPECT_THAT(Known(), ElementsAre("1"));
}

TEST_P(LookUpsTest, NoOtherAnswerThanNotFoundRemovesAnything) {
  Have(1);
  source_.errors = {absl::PermissionDeniedError("403")};
  Settle(Gone(1));
  source_.errors = {absl::UnauthenticatedError("401")};
  Settle(Gone(1));
  source_.errors = {absl::InvalidArgumentError("400")};
  Settle(Gone(1));
  source_.errors.assign(3, absl::UnavailableError("502"));
  Settle(Gone(1));
  EXPECT_THAT(Known(), ElementsAre("1"));
}

TEST_P(LookUpsTest, NotFoundAfterAPushForgetsNothing) {
  Have(1);
  source_.repositories.clear();
  Settle(Of(1));
  EXPECT_THAT(Known(), ElementsAre("1"));
}

TEST_P(LookUpsTest, ErrorsThatPassAreTriedAgain) {
  OnForge(1);
  source_.errors = {
      absl::UnavailableError("502"),
      WithRetryAfter(absl::ResourceExhaustedError("slow"), absl::Minutes(2))};
  Settle(Of(1));
  EXPECT_THAT(Known(), ElementsAre("1"));
  EXPECT_GE(sleeper_.slept, absl::Minutes(2));
}

TEST_P(LookUpsTest, IsGivenUpAfterSomeTriesAndDoneThen) {
  OnForge(1);
  source_.errors.assign(3, absl::UnavailableError("502"));
  Settle(Of(1));
  EXPECT_THAT(source_.asked, SizeIs(3));
  EXPECT_THAT(Known(), IsEmpty());
  EXPECT_THAT(metrics_.Text(), HasSubstr("result=\"failed\"} 1"));
  EXPECT_EQ(look_ups_->waiting(), 0U);
}

TEST_P(LookUpsTest, IsGivenUpWhereTheForgeAsksForAnHour) {
  source_.errors = {
      WithRetryAfter(absl::ResourceExhaustedError("slow"), absl::Hours(1))};
  Settle(Of(1));
  EXPECT_THAT(source_.asked, SizeIs(1));
  EXPECT_EQ(sleeper_.slept, absl::ZeroDuration());
}

TEST_P(LookUpsTest, AsksEachConnectionOfTheForgeAndNoOther) {
  for (const char* name : {"second", "elsewhere"}) {
    StoredConnection other = connection_;
    other.info.set_name(name);
    if (other.info.name() == "elsewhere") other.info.set_instance("other");
    ASSERT_THAT(Run(connections_->Insert(other)), IsOk());
  }
  OnForge(1);
  Settle(Of(1));
  EXPECT_THAT(source_.asked, ElementsAre("acme forge.example/acme/r1",
                                         "second forge.example/acme/r1"));
  const auto entry = Run(catalog_->GetByForgeId("forge.example", "1"));
  EXPECT_EQ(entry->reached_by_size(), 2);
}

TEST_P(LookUpsTest, WhatNoConnectionReachesIsNotAskedForAgainForSomeMinutes) {
  Settle(Of(1));
  Settle(Of(1));
  EXPECT_THAT(source_.asked, SizeIs(1));
  clock_.Advance(absl::Minutes(11));
  OnForge(1);
  Settle(Of(1));
  EXPECT_THAT(Known(), ElementsAre("1"));
}

TEST_P(LookUpsTest, NewsOfARepositoryThatWasUnknownIsLookedUpAtOnce) {
  Settle(Of(1));
  OnForge(1);
  LookUp added = Of(1);
  added.is_news = true;
  Settle(added);
  EXPECT_THAT(Known(), ElementsAre("1"));
}

TEST_P(LookUpsTest, WhatComesWhileOneRunsIsLookedUpOnceMoreForAll) {
  OnForge(1);
  source_.Hold();
  Begin(Of(1));
  RunUntilAsked(1);
  for (int i = 0; i < 5; ++i) Begin(Of(1));
  RunSome();
  EXPECT_THAT(source_.asked, SizeIs(1));
  EXPECT_EQ(look_ups_->waiting(), 6U);
  source_.Release();
  RunUntilDone(6);
  EXPECT_THAT(source_.asked, SizeIs(2));
}

TEST_P(LookUpsTest, AsksForEightAtOnceAtMost) {
  source_.Hold();
  for (int i = 1; i <= 20; ++i) Begin(Of(i));
  RunUntilAsked(8);
  RunSome();
  EXPECT_THAT(source_.asked, SizeIs(8));
  source_.Release();
  RunUntilDone(20);
  EXPECT_THAT(source_.asked, SizeIs(20));
}

TEST_P(LookUpsTest, WhatAStopCutsOffIsNotDone) {
  OnForge(1);
  TimerSleeper real;
  look_ups_ = Make(real, *catalog_, *connections_);
  source_.errors = {
      WithRetryAfter(absl::ResourceExhaustedError("slow"), absl::Minutes(4))};
  Begin(Of(1));
  RunUntilAsked(1);
  RunSome();
  Drain();
  EXPECT_EQ(done_, 0);
}

// Opens `gate` when it has been waited for three times.
class OpeningSleeper final : public Sleeper {
 public:
  explicit OpeningSleeper(absl::Notification& gate) : gate_(gate) {}
  boost::asio::awaitable<absl::Status> SleepFor(
      absl::Duration /*duration*/) override {
    if (++waits == 3) gate_.Notify();
    return real_.SleepFor(absl::Milliseconds(1));
  }
  int waits = 0;

 private:
  absl::Notification& gate_;
  TimerSleeper real_;
};

TEST_P(LookUpsTest, IsNotDoneWhileTheDatabaseCannotTakeIt) {
  auto busy =
      Database::Create({.url = url_, .sessions = 1, .max_waiting = 1}, loop_);
  ASSERT_THAT(busy, IsOk());
  CatalogStore catalog(**busy, clock_);
  ConnectionStore connections(**busy, catalog, clock_);
  absl::Notification gate;
  OpeningSleeper sleeper(gate);
  look_ups_ = Make(sleeper, catalog, connections);
  OnForge(1);
  const auto block = [&gate](Transaction&) -> absl::StatusOr<bool> {
    gate.WaitForNotification();
    return true;
  };
  boost::asio::co_spawn(loop_, (*busy)->Read<bool>(block),
                        boost::asio::detached);
  Settle(Of(1));
  EXPECT_GE(sleeper.waits, 3);
  EXPECT_THAT(Known(), ElementsAre("1"));
  Drain();
  look_ups_ = nullptr;
}

}  // namespace
}  // namespace lamplighter::reposync
