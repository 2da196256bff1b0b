#include "services/reposync/service/change_feed.h"

#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "boost/asio/co_spawn.hpp"
#include "common/async/task_group.h"
#include "common/status/testing/status_matchers.h"
#include "services/reposync/refresh/testing/refresh_test_fixture.h"

namespace lamplighter::reposync {
namespace {

using ::absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ChangeFeedTest : public RefreshTest {
 protected:
  void SetUp() override {
    RefreshTest::SetUp();
    if (!IsSkipped()) feed_ = MakeFeed({});
  }
  void TearDown() override { Run(Drain()); }

  std::unique_ptr<ChangeFeed> MakeFeed(const ChangeFeed::Options& options) {
    return std::make_unique<ChangeFeed>(options, *catalog_, loop_);
  }
  boost::asio::awaitable<bool> Drain() {
    co_await tasks_.Drain(absl::ZeroDuration());
    co_return true;
  }
  void Put(int number) {
    ASSERT_THAT(Run(catalog_->Put(kConnection, Repository(number))), IsOk());
  }
  // Numbers of what follows `after`; what is there already is not waited for.
  std::vector<int64_t> Next(int64_t after,
                            absl::Duration limit = absl::Seconds(20)) {
    const auto changes = Run(feed_->Next(after, limit));
    EXPECT_THAT(changes, IsOk());
    return changes.ok() ? NumbersOf(*changes) : std::vector<int64_t>();
  }
  static std::vector<int64_t> NumbersOf(const ChangeFeed::Changes& changes) {
    std::vector<int64_t> numbers;
    for (const auto& change : changes) numbers.push_back(change->sequence());
    return numbers;
  }
  // Waits for what follows `after`.
  static boost::asio::awaitable<void> Hear(ChangeFeed& feed, int64_t after,
                                           std::vector<int64_t>& heard) {
    while (heard.empty()) {
      const auto changes = co_await feed.Next(after, absl::Seconds(20));
      if (!changes.ok()) co_return;
      heard = NumbersOf(*changes);
    }
  }
  // All that a follower hears who begins after `after`, up to `last`.
  std::vector<int64_t> Follow(int64_t after, int64_t last) {
    std::vector<int64_t> heard;
    while (heard.empty() || heard.back() < last) {
      const auto next = Next(heard.empty() ? after : heard.back());
      if (next.empty() && testing::Test::HasFailure()) break;
      heard.insert(heard.end(), next.begin(), next.end());
    }
    return heard;
  }

  std::unique_ptr<ChangeFeed> feed_;
  TaskGroup tasks_{loop_.get_executor(), "test"};
};

LAMPLIGHTER_ON_BOTH_DATABASES(ChangeFeedTest);

TEST_P(ChangeFeedTest, GivesWhatIsThereAndWakesWhoWaitsForMore) {
  Put(1);
  tasks_.Spawn(feed_->Run());
  EXPECT_THAT(Next(0), ElementsAre(1));
  std::vector<int64_t> heard;
  tasks_.Spawn(Hear(*feed_, 1, heard));
  Put(2);
  for (int i = 0; i < 1000 && heard.empty(); ++i) {
    loop_.restart();
    loop_.run_one_for(std::chrono::milliseconds(20));
  }
  EXPECT_THAT(heard, ElementsAre(2));
}

TEST_P(ChangeFeedTest, NothingIsLostForWhoWaitedBeforeTheFeedBegan) {
  Put(1);
  ChangeFeed::Changes heard;
  bool ended = false;
  boost::asio::co_spawn(
      loop_, feed_->Next(1, absl::Milliseconds(1500)),
      [&](const std::exception_ptr& error,
          const absl::StatusOr<ChangeFeed::Changes>& changes) {
        if (!error && changes.ok()) heard = *changes;
        ended = true;
      });
  // It waits, then change 2 comes before the feed looks for the first time, and
  // change 3 after.
  for (int i = 0; i < 3; ++i) ASSERT_THAT(Run(catalog_->LastChange()), IsOk());
  Put(2);
  tasks_.Spawn(feed_->Run());
  for (int i = 0; i < 3; ++i) ASSERT_THAT(Run(catalog_->LastChange()), IsOk());
  Put(3);
  while (!ended) {
    loop_.restart();
    ASSERT_GT(loop_.run_one_for(std::chrono::seconds(20)), 0U);
  }
  // Either nothing yet, or all in order: never 3 without 2.
  std::vector<int64_t> all = NumbersOf(heard);
  if (all.empty() || all.back() < 3) {
    const auto rest = Follow(all.empty() ? 1 : all.back(), 3);
    all.insert(all.end(), rest.begin(), rest.end());
  }
  EXPECT_THAT(all, ElementsAre(2, 3));
}

TEST_P(ChangeFeedTest, WhatIsNoLongerInMemoryComesFromTheDatabase) {
  feed_ = nullptr;
  feed_ = MakeFeed({.keep = 3, .at_once = 2});
  Put(1);
  tasks_.Spawn(feed_->Run());
  EXPECT_THAT(Next(0), ElementsAre(1));
  for (int i = 2; i <= 10; ++i) Put(i);
  EXPECT_THAT(Follow(0, 10), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
  EXPECT_THAT(Follow(8, 10), ElementsAre(9, 10));
}

TEST_P(ChangeFeedTest, ChangesOfAnotherProcessAreSeen) {
  feed_ = nullptr;
  feed_ = MakeFeed({.poll = absl::Milliseconds(10)});
  tasks_.Spawn(feed_->Run());
  const auto database = Open();
  CatalogStore other(*database, clock_);
  ASSERT_THAT(Run(other.Put(kConnection, Repository(1))), IsOk());
  EXPECT_THAT(Follow(0, 1), ElementsAre(1));
}

TEST_P(ChangeFeedTest, NothingWithinTheLimitIsNoError) {
  EXPECT_THAT(Next(0, absl::Milliseconds(1)), IsEmpty());
}

TEST_P(ChangeFeedTest, WhoReadsTheDatabaseIsWokenToo) {
  bool ended = false;
  boost::asio::co_spawn(
      loop_, feed_->Next(0, absl::Hours(1)),
      [&](const std::exception_ptr&,
          const absl::StatusOr<ChangeFeed::Changes>&) { ended = true; });
  loop_.restart();
  ASSERT_EQ(loop_.poll_one(), 1U);  // it has begun to read
  feed_->WakeAll();
  while (!ended) {
    loop_.restart();
    ASSERT_GT(loop_.run_one_for(std::chrono::seconds(20)), 0U);
  }
}

TEST_P(ChangeFeedTest, ChangesThatWereDroppedAreOutOfRange) {
  for (int i = 1; i <= 3; ++i) Put(i);
  ASSERT_THAT(Run(catalog_->DropChanges(absl::InfiniteFuture())), IsOk());
  EXPECT_THAT(Run(feed_->Next(0, absl::Seconds(1))),
              StatusIs(StatusCode::kOutOfRange));
}

}  // namespace
}  // namespace lamplighter::reposync
