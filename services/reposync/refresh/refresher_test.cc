#include "services/reposync/refresh/refresher.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/grpc/retry_info.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/reposync/refresh/testing/refresh_test_fixture.h"

namespace lamplighter::reposync {
namespace {

using ::absl::StatusCode;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using v1::ListRepositoriesResponse;
using v1::Refresh;

using RefresherTest = RefreshTest;

LAMPLIGHTER_ON_BOTH_DATABASES(RefresherTest);

TEST_P(RefresherTest, ReadsAllPagesAndCountsWhatCameOfThem) {
  lister_.Say({Page(0, 1, 10), Page(1, 11, 15, true)});
  const Refresher::Report report = RunRefresh();
  EXPECT_THAT(report.status, IsOk());
  EXPECT_EQ(report.refresh.state(), v1::Refresh::DONE);
  EXPECT_EQ(report.refresh.seen(), 15);
  EXPECT_EQ(report.refresh.added(), 15);
  EXPECT_EQ(report.refresh.requests(), 2);
  EXPECT_THAT(Known(), SizeIs(15));
}

TEST_P(RefresherTest, RemovesWhatACompleteListingLacks) {
  Fill();
  lister_.Say({Page(0, 2, 10), Page(1, 11, 20), Page(2, 21, 30, true)});
  const Refresher::Report report = RunRefresh();
  EXPECT_EQ(report.refresh.state(), v1::Refresh::DONE);
  EXPECT_EQ(report.refresh.removed(), 1);
  EXPECT_THAT(Known(), SizeIs(29));
}

TEST_P(RefresherTest, ABrokenListingRemovesNothingAndIsGoneOnWith) {
  Fill();
  lister_.Say({Page(0, 2, 10), absl::UnauthenticatedError("revoked")});
  const Refresher::Report broken = RunRefresh();
  EXPECT_EQ(broken.refresh.state(), v1::Refresh::FAILED);
  EXPECT_THAT(broken.status, StatusIs(StatusCode::kUnauthenticated));
  EXPECT_THAT(Known(), SizeIs(30));

  lister_.Say({Page(1, 11, 20), Page(2, 21, 30, true)});
  const Refresher::Report resumed = RunRefresh();
  EXPECT_EQ(lister_.requests.back().page_token(), "1");
  EXPECT_EQ(resumed.refresh.state(), v1::Refresh::DONE);
  EXPECT_EQ(resumed.refresh.removed(), 1);
  EXPECT_EQ(resumed.refresh.seen(), 29);
}

TEST_P(RefresherTest, TriesAPageAgainThatFails) {
  Fill();
  lister_.Say({Page(0, 1, 10), absl::UnavailableError("502")});
  lister_.Say({absl::UnavailableError("502")});
  lister_.Say({Page(1, 11, 20), Page(2, 21, 30, true)});
  EXPECT_EQ(RunRefresh().refresh.state(), v1::Refresh::DONE);
  EXPECT_EQ(lister_.requests.back().page_token(), "1");
  EXPECT_THAT(Known(), SizeIs(30));
}

TEST_P(RefresherTest, GivesUpAfterSomeTriesThatBringNothing) {
  Fill();
  for (int i = 0; i < 5; ++i) lister_.Say({absl::UnavailableError("down")});
  EXPECT_EQ(RunRefresh().refresh.state(), v1::Refresh::FAILED);
  EXPECT_THAT(Known(), SizeIs(30));
}

TEST_P(RefresherTest, WaitsWhereTheForgeAsksForLittleAndEndsWhereForMuch) {
  lister_.Say({WithRetryAfter(absl::ResourceExhaustedError("slow down"),
                              absl::Seconds(30))});
  lister_.Say(
      {Page(0, 1, 3), WithRetryAfter(absl::ResourceExhaustedError("used up"),
                                     absl::Minutes(40))});
  const Refresher::Report report = RunRefresh();
  EXPECT_EQ(sleeper_.slept, absl::Seconds(30));
  EXPECT_EQ(report.refresh.state(), v1::Refresh::FAILED);
  EXPECT_EQ(RetryAfter(report.status), absl::Minutes(40));
}

TEST_P(RefresherTest, AStreamThatEndsBeforeItsLastPageIsNotComplete) {
  Fill();
  for (int i = 0; i < 5; ++i) lister_.Say({});
  EXPECT_EQ(RunRefresh().refresh.state(), v1::Refresh::FAILED);
  EXPECT_THAT(Known(), SizeIs(30));
}

TEST_P(RefresherTest, UnchangedPagesAreAskedForByTheirTagsAndKept) {
  ListRepositoriesResponse first = Page(0, 1, 10);
  first.set_etag("\"a\"");
  ListRepositoriesResponse second = Page(1, 11, 20, true);
  second.set_etag("\"b\"");
  lister_.Say({first, second});
  RunRefresh();
  ListRepositoriesResponse same_first = Page(0, 1, 0);
  same_first.set_not_modified(true);
  lister_.Say({same_first, second});
  const Refresher::Report report = RunRefresh();
  // The last page is read: a full one may lead on to a new one, though it holds
  // what it held.
  ASSERT_THAT(lister_.requests.back().known_pages(), SizeIs(1));
  EXPECT_EQ(lister_.requests.back().known_pages(0).etag(), "\"a\"");
  EXPECT_EQ(report.refresh.state(), v1::Refresh::DONE);
  EXPECT_EQ(report.refresh.seen(), 20);
  EXPECT_EQ(report.refresh.not_modified(), 1);
  EXPECT_THAT(Known(), SizeIs(20));
}

TEST_P(RefresherTest, PagesThatHaveArrivedAreTakenTogether) {
  lister_.arrived = 2;
  lister_.Say({Page(0, 1, 10), Page(1, 11, 20), Page(2, 21, 25, true)});
  auto listing = Run(refresher_->Begin(kConnection, Refresh::SCHEDULE));
  ASSERT_THAT(listing, IsOk());
  std::vector<int64_t> seen;
  const Refresher::Report report = Run(refresher_->Run(
      *std::move(listing), connection_, /*accept_shrink=*/false,
      [&seen](const Refresh& refresh) { seen.push_back(refresh.seen()); }));
  EXPECT_THAT(report.status, IsOk());
  EXPECT_THAT(seen, ElementsAre(20, 25));
  EXPECT_EQ(report.refresh.requests(), 3);
  EXPECT_THAT(Known(), SizeIs(25));
}

TEST_P(RefresherTest, OfPagesThatArrivedTogetherThoseBeforeAWrongOneAreKept) {
  lister_.arrived = 10;
  ListRepositoriesResponse wrong = Page(7, 31, 40);
  lister_.Say({Page(0, 1, 10), Page(1, 11, 20), wrong, Page(3, 41, 50, true)});
  const Refresher::Report broken = RunRefresh();
  EXPECT_THAT(broken.status, StatusIs(StatusCode::kInternal));
  EXPECT_EQ(broken.refresh.requests(), 2);
  EXPECT_THAT(Known(), SizeIs(20));
  lister_.Say({Page(2, 21, 30, true)});
  EXPECT_EQ(RunRefresh().refresh.state(), Refresh::DONE);
  EXPECT_EQ(lister_.requests.back().page_token(), "2");
  EXPECT_THAT(Known(), SizeIs(30));
}

TEST_P(RefresherTest, WhatFollowsTheLastPageIsNotRead) {
  lister_.arrived = 10;
  ListRepositoriesResponse more;
  *more.add_repositories() = Repository(99);
  lister_.Say({Page(0, 1, 10), Page(1, 11, 20, true), more});
  EXPECT_EQ(RunRefresh().refresh.state(), Refresh::DONE);
  EXPECT_THAT(Known(), SizeIs(20));
}

// Pages of which one is said to be the same, and is not known.
TEST_P(RefresherTest, APageThatIsNoLongerKnownIsReadAgain) {
  for (const size_t arrived : {1, 3}) {
    lister_.arrived = arrived;
    ListRepositoriesResponse same = Page(1, 1, 0);
    same.set_not_modified(true);
    lister_.Say({Page(0, 1, 10), same, Page(2, 21, 30, true)});
    lister_.Say({Page(1, 11, 20), Page(2, 21, 30, true)});
    const Refresher::Report report = RunRefresh();
    EXPECT_THAT(report.status, IsOk());
    EXPECT_EQ(lister_.requests.back().page_token(), "1");
    EXPECT_EQ(report.refresh.requests(), 3);
    EXPECT_THAT(Known(), SizeIs(30));
    ASSERT_THAT(Run(catalog_->Forget(kConnection, "forge.example", "15")),
                IsOk());
  }
}

TEST_P(RefresherTest, OnlyOneRefreshOfAConnectionRuns) {
  const auto other = MakeRefresher("other");
  ASSERT_THAT(Run(other->Begin(kConnection, Refresh::COMMAND)), IsOk());
  EXPECT_THAT(Run(refresher_->Begin(kConnection, Refresh::SCHEDULE)),
              StatusIs(StatusCode::kAborted, HasSubstr("other")));
}

TEST_P(RefresherTest, ARefreshWhoseProcessDiedIsGoneOnWith) {
  Fill();
  const auto other = MakeRefresher("other");
  auto dead = Run(other->Begin(kConnection, Refresh::COMMAND));
  ASSERT_THAT(dead, IsOk());
  ASSERT_THAT(
      Run(listings_->WritePages(*dead, {Page(0, 1, 10)},
                                /*save_position=*/true, absl::Minutes(5))),
      IsOk());
  clock_.Advance(absl::Minutes(6));
  lister_.Say({Page(1, 11, 20), Page(2, 21, 30, true)});
  const Refresher::Report report = RunRefresh();
  EXPECT_EQ(lister_.requests.back().page_token(), "1");
  EXPECT_EQ(report.refresh.state(), v1::Refresh::DONE);
  EXPECT_THAT(Known(), SizeIs(30));
}

TEST_P(RefresherTest, WhatALookUpAddsWhileAListingRunsStays) {
  Fill();
  auto listing = Run(refresher_->Begin(kConnection, Refresh::SCHEDULE));
  ASSERT_THAT(listing, IsOk());
  clock_.Advance(absl::Seconds(1));
  ASSERT_THAT(Run(catalog_->Put(kConnection, Repository(31))), IsOk());
  lister_.Say({Page(0, 1, 10), Page(1, 11, 20), Page(2, 21, 30, true)});
  const Refresher::Report report = Run(refresher_->Run(
      *std::move(listing), connection_, /*accept_shrink=*/false, nullptr));
  EXPECT_EQ(report.refresh.removed(), 0);
  EXPECT_THAT(Known(), Contains("31"));
}

}  // namespace
}  // namespace lamplighter::reposync
