#include "services/reposync/service/change_publisher.h"

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "boost/asio/post.hpp"
#include "common/async/task_group.h"
#include "common/async/timer_sleeper.h"
#include "common/kafka/cloud_event.h"
#include "common/kafka/producer.h"
#include "common/kafka/testing/fake_producer.h"
#include "common/metrics/metrics.h"
#include "common/status/testing/status_matchers.h"
#include "services/reposync/refresh/testing/refresh_test_fixture.h"

namespace lamplighter::reposync {
namespace {

using ::boost::asio::awaitable;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;
using v1::RepositoryChange;

// Waits as TimerSleeper does, but never long.
class ShortSleeper final : public Sleeper {
 public:
  awaitable<absl::Status> SleepFor(absl::Duration /*duration*/) override {
    return real_.SleepFor(absl::Milliseconds(5));
  }

 private:
  TimerSleeper real_;
};

// A topic that never takes what is written for `refused`, or anything at all.
class RefusingProducer final : public Producer {
 public:
  explicit RefusingProducer(Producer& producer, boost::asio::io_context& loop)
      : producer_(producer), loop_(loop) {}

  void Produce(Record record, Done done) override {
    if (!is_missing && record.key != refused) {
      producer_.Produce(std::move(record), std::move(done));
      return;
    }
    ++refusals;
    boost::asio::post(loop_, [done = std::move(done)]() mutable {
      std::move(done)(absl::InvalidArgumentError("too large, or no topic"));
    });
  }
  absl::Status Ready() const override { return producer_.Ready(); }
  size_t max_record_bytes() const override {
    return producer_.max_record_bytes();
  }

  std::string refused;
  bool is_missing = false;
  int refusals = 0;

 private:
  Producer& producer_;
  boost::asio::io_context& loop_;
};

// A replica.
struct Replica {
  Replica(std::unique_ptr<Database> database_of_it, const std::string& owner,
          boost::asio::io_context& loop, Producer& producer, Sleeper& sleeper,
          const Clock& clock, Metrics& metrics)
      : database(std::move(database_of_it)),
        catalog(*database, clock),
        leases(*database, clock),
        feed({.poll = absl::Milliseconds(10)}, catalog, loop),
        publisher({.owner = owner}, leases, catalog, feed, producer, sleeper,
                  metrics),
        tasks(loop.get_executor(), "test") {
    tasks.Spawn(feed.Run());
    tasks.Spawn(publisher.Run());
  }

  std::unique_ptr<Database> database;
  CatalogStore catalog;
  LeaseStore leases;
  ChangeFeed feed;
  ChangePublisher publisher;
  TaskGroup tasks;
};

class ChangePublisherTest : public RefreshTest {
 protected:
  void SetUp() override {
    RefreshTest::SetUp();
    if (!IsSkipped())
      leases_ = std::make_unique<LeaseStore>(*database_, clock_);
  }
  void TearDown() override {
    for (auto& replica : replicas_) End(*replica);
  }

  Replica& Start(const std::string& owner) {
    replicas_.push_back(std::make_unique<Replica>(Open(), owner, loop_, topic_,
                                                  sleeper_, clock_, metrics_));
    return *replicas_.back();
  }
  // It dies: nothing more of it is written.
  void End(Replica& replica) {
    const auto drain = [](TaskGroup& tasks) -> awaitable<bool> {
      co_await tasks.Drain(absl::ZeroDuration());
      co_return true;
    };
    Run(drain(replica.tasks));
  }

  template <typename Done>
  void Until(Done done) {
    while (!done()) {
      loop_.restart();
      ASSERT_GT(loop_.run_one_for(std::chrono::seconds(20)), 0U);
    }
  }
  void UntilWritten(size_t records) {
    Until([&] { return producer_.records().size() >= records; });
  }
  void UntilNoted(int64_t position) {
    for (int i = 0; i < 100'000; ++i) {
      if (Run(leases_->Position("catalog-changes")).value_or(-1) >= position) {
        return;
      }
    }
    ADD_FAILURE() << "never came to " << position;
  }
  // Many turns, in which nothing may come.
  void RunSome() {
    for (int i = 0; i < 50; ++i)
      ASSERT_THAT(Run(catalog_->LastChange()), IsOk());
  }

  void Put(int number) { Put(Repository(number)); }
  void Put(const v1::CatalogRepository& repository) {
    ASSERT_THAT(Run(catalog_->Put(kConnection, repository)), IsOk());
  }

  // "key" where it is forgotten, else "key:KIND sequence".
  std::vector<std::string> Written() {
    std::vector<std::string> all;
    for (const Record& record :
         producer_.RecordsOf("lamplighter.catalog-changes.v1")) {
      RepositoryChange change;
      EXPECT_TRUE(change.ParseFromString(record.value));
      all.push_back(record.tombstone ? record.key
                                     : absl::StrCat(record.key, ":",
                                                    RepositoryChange::Kind_Name(
                                                        change.kind()),
                                                    " ", change.sequence()));
    }
    return all;
  }
  static std::string PassedOver(int times) {
    return absl::StrCat("lamplighter_reposync_changes_passed_over_total ",
                        times, "\n");
  }
  static std::string Added(int number) {
    return absl::StrCat(Repository(number).repository_id(), ":ADDED ", number);
  }

  ShortSleeper sleeper_;
  FakeProducer producer_{loop_};
  RefusingProducer topic_{producer_, loop_};
  std::unique_ptr<LeaseStore> leases_;
  std::vector<std::unique_ptr<Replica>> replicas_;
};

LAMPLIGHTER_ON_BOTH_DATABASES(ChangePublisherTest);

TEST_P(ChangePublisherTest, WritesEachChangeOnceAndInOrder) {
  Put(1);
  Put(2);
  Start("a");
  UntilWritten(2);
  Put(3);
  UntilWritten(3);
  RunSome();
  EXPECT_THAT(Written(), ElementsAre(Added(1), Added(2), Added(3)));
  const auto event = CloudEventFromHeaders(producer_.records()[0].headers);
  ASSERT_THAT(event, IsOk());
  EXPECT_EQ(event->subject, Repository(1).repository_id());
}

TEST_P(ChangePublisherTest, ARenamedRepositorysOldKeyIsForgotten) {
  Put(1);
  v1::CatalogRepository renamed = Repository(1);
  renamed.set_repository_id("forge.example/acme/new");
  Put(renamed);
  Start("a");
  UntilWritten(3);
  EXPECT_THAT(Written(), ElementsAre(Added(1), "forge.example/acme/r1",
                                     "forge.example/acme/new:CHANGED 2"));
}

TEST_P(ChangePublisherTest, ARemovedRepositoryIsForgottenOnceItIsPurged) {
  Put(1);
  ASSERT_THAT(Run(catalog_->Forget(kConnection, "forge.example", "1")), IsOk());
  clock_.Advance(absl::Hours(1));
  ASSERT_EQ(Run(catalog_->PurgeRemoved(clock_.Now())).value_or(0), 1);
  Start("a");
  UntilWritten(3);
  EXPECT_THAT(Written(),
              ElementsAre(Added(1), "forge.example/acme/r1:REMOVED 2",
                          "forge.example/acme/r1"));
}

TEST_P(ChangePublisherTest, WhatWasMadeAnewIsNotRemovedWithTheOneBefore) {
  Put(1);
  v1::CatalogRepository anew = Repository(1);
  anew.set_forge_id("anew");
  Put(anew);
  ASSERT_THAT(Run(catalog_->Forget(kConnection, "forge.example", "1")), IsOk());
  Start("a");
  UntilWritten(4);
  EXPECT_THAT(Written(), ElementsAre(Added(1), "forge.example/acme/r1:ADDED 2",
                                     "forge.example/acme/r1:REMOVED 3",
                                     "forge.example/acme/r1:CHANGED 3"));
  RepositoryChange last;
  ASSERT_TRUE(last.ParseFromString(producer_.records().back().value));
  EXPECT_EQ(last.entry().repository().forge_id(), "anew");
}

TEST_P(ChangePublisherTest, OneOfTwoWorksAndTheOtherTakesOverAfterTheLease) {
  Replica& first = Start("a");
  Put(1);
  UntilWritten(1);
  UntilNoted(1);
  Start("b");
  Put(2);
  UntilWritten(2);
  UntilNoted(2);
  RunSome();
  EXPECT_THAT(Written(), ElementsAre(Added(1), Added(2)));
  End(first);
  Put(3);
  RunSome();
  EXPECT_THAT(Written(), ElementsAre(Added(1), Added(2)));
  clock_.Advance(absl::Seconds(31));
  UntilWritten(3);
  RunSome();
  EXPECT_THAT(Written(), ElementsAre(Added(1), Added(2), Added(3)));
}

TEST_P(ChangePublisherTest, AfterACrashOnlyWhatWasNotNotedIsRepeated) {
  Replica& first = Start("a");
  Put(1);
  UntilNoted(1);
  producer_.Hold();
  Put(2);
  UntilWritten(2);
  End(first);
  producer_.Release();
  clock_.Advance(absl::Seconds(31));
  Start("b");
  UntilNoted(2);
  RunSome();
  EXPECT_THAT(Written(), ElementsAre(Added(1), Added(2), Added(2)));
}

TEST_P(ChangePublisherTest, WhatKafkaRefusesIsWrittenAgainFromTheSamePlace) {
  producer_.FailNext(absl::UnavailableError("no broker"), 3);
  Put(1);
  Start("a");
  UntilNoted(1);
  Put(2);
  UntilNoted(2);
  EXPECT_THAT(Written(), ElementsAre(Added(1), Added(2)));
}

TEST_P(ChangePublisherTest, WhatKafkaNeverTakesIsPassedOver) {
  topic_.refused = Repository(2).repository_id();
  for (int i = 1; i <= 3; ++i) Put(i);
  Start("a");
  UntilNoted(3);
  EXPECT_THAT(Written(), ElementsAre(Added(1), Added(3)));
  EXPECT_THAT(metrics_.Text(), HasSubstr(PassedOver(1)));
  Put(4);
  UntilNoted(4);
  EXPECT_THAT(Written(), ElementsAre(Added(1), Added(3), Added(4)));
}

TEST_P(ChangePublisherTest, TheLastOneWaitsUntilTheTopicTakesAnother) {
  topic_.refused = Repository(1).repository_id();
  Put(1);
  Start("a");
  Until([&] { return topic_.refusals >= 3; });
  EXPECT_EQ(Run(leases_->Position("catalog-changes")).value_or(-1), 0);
  EXPECT_THAT(metrics_.Text(), HasSubstr(PassedOver(0)));
  Put(2);
  UntilNoted(2);
  EXPECT_THAT(Written(), ElementsAre(Added(2)));
  EXPECT_THAT(metrics_.Text(), HasSubstr(PassedOver(1)));
}

TEST_P(ChangePublisherTest, NothingIsPassedOverWhereTheTopicIsMissing) {
  topic_.is_missing = true;
  Put(1);
  Put(2);
  Start("a");
  Until([&] { return topic_.refusals >= 6; });
  topic_.is_missing = false;
  UntilNoted(2);
  EXPECT_THAT(Written(), ElementsAre(Added(1), Added(2)));
  EXPECT_THAT(metrics_.Text(), HasSubstr(PassedOver(0)));
}

TEST_P(ChangePublisherTest, OneIsPassedOverOnlyOnceWhereBrokersAreAwayToo) {
  topic_.refused = Repository(1).repository_id();
  producer_.FailNext(absl::UnavailableError("no broker"), 3);
  Put(1);
  Put(2);
  Start("a");
  UntilNoted(2);
  EXPECT_THAT(Written(), ElementsAre(Added(2)));
  EXPECT_THAT(metrics_.Text(), HasSubstr(PassedOver(1)));
}

TEST_P(ChangePublisherTest, TheWholeCatalogIsWrittenButForWhatKafkaNeverTakes) {
  topic_.refused = Repository(3).repository_id();
  for (int i = 1; i <= 3; ++i) Put(i);
  ASSERT_THAT(Run(catalog_->DropChanges(absl::InfiniteFuture())), IsOk());
  Start("a");
  UntilNoted(3);
  EXPECT_THAT(Written(),
              UnorderedElementsAre("forge.example/acme/r1:CHANGED 3",
                                   "forge.example/acme/r2:CHANGED 3"));
  EXPECT_THAT(metrics_.Text(), HasSubstr(PassedOver(1)));
}

TEST_P(ChangePublisherTest, WithTheWholeCatalogGoesWhatWasRemoved) {
  v1::CatalogRepository archived = Repository(1);
  archived.set_archived(true);
  Put(archived);
  for (int i = 2; i <= 3; ++i) Put(i);
  for (const char* id : {"1", "2"}) {
    ASSERT_THAT(Run(catalog_->Forget(kConnection, "forge.example", id)),
                IsOk());
  }
  // Another repository has the canonical id of a removed one.
  v1::CatalogRepository again = Repository(2);
  again.set_forge_id("22");
  Put(again);
  ASSERT_THAT(Run(catalog_->DropChanges(absl::InfiniteFuture())), IsOk());
  Start("a");
  UntilNoted(6);
  const std::vector<std::string> written = Written();
  EXPECT_THAT(written, UnorderedElementsAre("forge.example/acme/r1:REMOVED 6",
                                            "forge.example/acme/r2:REMOVED 6",
                                            "forge.example/acme/r3:CHANGED 6",
                                            "forge.example/acme/r2:CHANGED 6"));
  EXPECT_LT(absl::c_find(written, "forge.example/acme/r2:REMOVED 6"),
            absl::c_find(written, "forge.example/acme/r2:CHANGED 6"));
}

TEST_P(ChangePublisherTest, WhereChangesWereDroppedTheWholeCatalogIsWritten) {
  for (int i = 1; i <= 3; ++i) Put(i);
  ASSERT_THAT(Run(catalog_->DropChanges(absl::InfiniteFuture())), IsOk());
  Start("a");
  UntilNoted(3);
  EXPECT_THAT(Written(),
              UnorderedElementsAre("forge.example/acme/r1:CHANGED 3",
                                   "forge.example/acme/r2:CHANGED 3",
                                   "forge.example/acme/r3:CHANGED 3"));
  Put(4);
  UntilWritten(4);
  EXPECT_EQ(Written().back(), Added(4));
}

}  // namespace
}  // namespace lamplighter::reposync
