#include "services/reposync/events/event_applier.h"

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/kafka/testing/fake_consumer.h"
#include "common/kafka/topic_names.h"
#include "common/status/testing/status_matchers.h"
#include "services/reposync/events/testing/fake_repository_source.h"
#include "services/reposync/refresh/refresh_scheduler.h"
#include "services/reposync/refresh/testing/refresh_test_fixture.h"

namespace lamplighter::reposync {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using v1::GitEvent;

class EventApplierTest : public RefreshTest {
 protected:
  void SetUp() override {
    RefreshTest::SetUp();
    if (IsSkipped()) return;
    look_ups_ = std::make_unique<LookUps>(
        LookUps::Options{}, source_, *catalog_, *connections_, clock_, sleeper_,
        metrics_, loop_.get_executor());
    scheduler_ = std::make_unique<RefreshScheduler>(
        RefreshScheduler::Options{}, *refresher_, *connections_, *listings_,
        clock_, sleeper_, loop_.get_executor());
    EventApplier::Options options;
    options.max_waiting = 4;
    options.max_repositories = 3;
    applier_ = std::make_unique<EventApplier>(
        options, consumer_, *look_ups_, *catalog_, *connections_, *scheduler_,
        sleeper_, loop_.get_executor());
    ASSERT_THAT(consumer_.Start(*applier_), IsOk());
  }
  void TearDown() override {
    if (applier_ != nullptr) Run(Drain());
  }
  boost::asio::awaitable<bool> Drain() {
    co_await scheduler_->Drain(absl::ZeroDuration());
    co_await applier_->Drain(absl::ZeroDuration());
    co_await look_ups_->Drain(absl::ZeroDuration());
    co_return true;
  }

  static GitEvent Event(GitEvent::Type type, int number) {
    GitEvent event;
    event.set_type(type);
    event.set_provider_type("github");
    event.set_instance("forge.example");
    if (number > 0) *event.mutable_repository() = Named(number);
    return event;
  }
  // Repository `number` as an event names it.
  static v1::Repository Named(int number) {
    v1::Repository repository;
    repository.set_id(Repository(number).repository_id());
    repository.set_forge_id(absl::StrCat(number));
    return repository;
  }
  void OnForge(int number) {
    source_.repositories[Repository(number).repository_id()] =
        Repository(number);
  }

  void Push(const GitEvent& event) { PushBytes(event.SerializeAsString()); }
  void PushBytes(std::string bytes) {
    consumer_.Push({.topic = kGitEventsTopic,
                    .key = "",
                    .value = std::move(bytes),
                    .headers = {}});
  }
  void RunUntilDone(size_t done) {
    while (consumer_.done().size() < done) {
      loop_.restart();
      ASSERT_GT(loop_.run_one_for(std::chrono::seconds(30)), 0U);
    }
  }
  void RunSome() {
    for (int i = 0; i < 10; ++i)
      ASSERT_THAT(Run(catalog_->LastChange()), IsOk());
  }

  FakeRepositorySource source_{loop_};
  FakeConsumer consumer_;
  std::unique_ptr<LookUps> look_ups_;
  std::unique_ptr<RefreshScheduler> scheduler_;
  std::unique_ptr<EventApplier> applier_;
};

LAMPLIGHTER_ON_BOTH_DATABASES(EventApplierTest);

TEST_P(EventApplierTest, APushOfAnUnknownRepositoryBringsIt) {
  OnForge(1);
  Push(Event(GitEvent::PUSH, 1));
  RunUntilDone(1);
  EXPECT_THAT(Known(), ElementsAre("1"));
}

TEST_P(EventApplierTest, APushOfAKnownRepositoryAsksNobody) {
  ASSERT_THAT(Run(catalog_->Put(kConnection, Repository(1))), IsOk());
  Push(Event(GitEvent::PUSH, 1));
  RunUntilDone(1);
  EXPECT_THAT(source_.asked, IsEmpty());
}

TEST_P(EventApplierTest, APushUnderAnotherNameThanTheCatalogsIsLookedUp) {
  v1::CatalogRepository old = Repository(1);
  old.set_repository_id("forge.example/acme/old");
  old.set_path("acme/old");
  ASSERT_THAT(Run(catalog_->Put(kConnection, old)), IsOk());
  OnForge(1);
  Push(Event(GitEvent::PUSH, 1));
  RunUntilDone(1);
  EXPECT_EQ(
      Run(catalog_->GetByForgeId("forge.example", "1"))->repository().path(),
      "acme/r1");
}

TEST_P(EventApplierTest, APushThatTheForgeDoesNotFindForgetsNothing) {
  v1::CatalogRepository old = Repository(1);
  old.set_repository_id("forge.example/acme/old");
  ASSERT_THAT(Run(catalog_->Put(kConnection, old)), IsOk());
  Push(Event(GitEvent::PUSH, 1));
  RunUntilDone(1);
  EXPECT_THAT(Known(), ElementsAre("1"));
}

TEST_P(EventApplierTest, OnlyADeletionThatTheForgeConfirmsRemoves) {
  OnForge(2);
  for (const int number : {1, 2}) {
    ASSERT_THAT(Run(catalog_->Put(kConnection, Repository(number))), IsOk());
    Push(Event(GitEvent::REPOSITORY_DELETED, number));
  }
  RunUntilDone(2);
  EXPECT_THAT(Known(), ElementsAre("2"));
}

TEST_P(EventApplierTest, AnUpdateOfAKnownRepositoryIsLookedUp) {
  ASSERT_THAT(Run(catalog_->Put(kConnection, Repository(1))), IsOk());
  OnForge(1);
  source_.repositories.begin()->second.set_archived(true);
  Push(Event(GitEvent::REPOSITORY_ARCHIVED, 1));
  RunUntilDone(1);
  EXPECT_TRUE(Run(catalog_->GetByForgeId("forge.example", "1"))
                  ->repository()
                  .archived());
}

TEST_P(EventApplierTest, AnInstallationsRepositoriesComeAndGo) {
  ASSERT_THAT(Run(catalog_->Put(kConnection, Repository(1))), IsOk());
  OnForge(2);
  GitEvent event = Event(GitEvent::INSTALLATION_CHANGED, 0);
  *event.mutable_installation()->add_removed() = Named(1);
  *event.mutable_installation()->add_added() = Named(2);
  Push(event);
  RunUntilDone(1);
  EXPECT_THAT(Known(), ElementsAre("2"));
}

TEST_P(EventApplierTest, AnInstallationOfManyRefreshesTheConnectionInstead) {
  lister_.Say({Page(0, 1, 10, true)});
  GitEvent event = Event(GitEvent::INSTALLATION_CHANGED, 0);
  for (int i = 1; i <= 4; ++i) {
    *event.mutable_installation()->add_added() = Named(i);
  }
  Push(event);
  RunUntilDone(1);
  EXPECT_THAT(source_.asked, IsEmpty());
  const auto newest = Run(listings_->FindNewest(kConnection));
  ASSERT_TRUE(newest.ok() && newest->refresh.has_value());
  EXPECT_EQ(newest->refresh->trigger(), v1::Refresh::EVENT);
}

TEST_P(EventApplierTest, WhatIsNoEventIsLeftOut) {
  PushBytes("\xff\xff\xff");
  PushBytes("");
  Push(Event(GitEvent::PING, 0));
  RunUntilDone(3);
  EXPECT_EQ(consumer_.Committable(kGitEventsTopic), 3);
}

TEST_P(EventApplierTest, AnOffsetIsDoneOnlyAfterItsLookUp) {
  OnForge(1);
  source_.Hold();
  Push(Event(GitEvent::PUSH, 1));
  PushBytes("");
  RunUntilDone(1);
  EXPECT_EQ(consumer_.Committable(kGitEventsTopic), 0);
  EXPECT_THAT(Known(), IsEmpty());
  source_.Release();
  RunUntilDone(2);
  EXPECT_EQ(consumer_.Committable(kGitEventsTopic), 2);
  EXPECT_THAT(Known(), ElementsAre("1"));
}

TEST_P(EventApplierTest, ReadingPausesBeyondTheLimitAndResumesBelowIt) {
  source_.Hold();
  for (int i = 1; i <= 3; ++i) Push(Event(GitEvent::PUSH, i));
  EXPECT_FALSE(consumer_.paused());
  // One was under way when it paused.
  for (int i = 4; i <= 5; ++i) Push(Event(GitEvent::PUSH, i));
  RunSome();
  EXPECT_TRUE(consumer_.paused());
  source_.Release();
  RunUntilDone(1);
  EXPECT_EQ(consumer_.paused(), consumer_.done().size() < 2);
  RunUntilDone(5);
  EXPECT_FALSE(consumer_.paused());
}

}  // namespace
}  // namespace lamplighter::reposync
