// Listings that are read to their end and yet not to be believed.
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/reposync/refresh/refresher.h"
#include "services/reposync/refresh/testing/refresh_test_fixture.h"

namespace lamplighter::reposync {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using v1::ListRepositoriesResponse;

using RefresherDoubtsTest = RefreshTest;

LAMPLIGHTER_ON_BOTH_DATABASES(RefresherDoubtsTest);

TEST_P(RefresherDoubtsTest, AnEmptyPageThatEndsAListingIsNotBelieved) {
  Fill();
  ListRepositoriesResponse empty;
  empty.set_page_token("2");
  lister_.Say({Page(0, 1, 10), Page(1, 11, 26), empty});
  const Refresher::Report report = RunRefresh();
  EXPECT_EQ(report.refresh.state(), v1::Refresh::HELD);
  EXPECT_EQ(report.refresh.kept(), 4);
  EXPECT_THAT(report.refresh.error(), HasSubstr("empty"));
  EXPECT_THAT(Known(), SizeIs(30));
  EXPECT_THAT(metrics_.Text(), HasSubstr("reason=\"empty_page\"} 1"));
}

TEST_P(RefresherDoubtsTest, ARepeatedPageIsNotBelieved) {
  Fill();
  lister_.Say({Page(0, 1, 10), Page(1, 1, 10), Page(2, 11, 26, true)});
  const Refresher::Report report = RunRefresh();
  EXPECT_EQ(report.refresh.state(), v1::Refresh::HELD);
  EXPECT_THAT(Known(), SizeIs(30));
  EXPECT_THAT(metrics_.Text(), HasSubstr("reason=\"repeated_page\"} 1"));
}

TEST_P(RefresherDoubtsTest, OfPagesThatArriveTogetherEachIsDoubted) {
  Fill();
  lister_.arrived = 10;
  lister_.Say({Page(0, 1, 10), Page(1, 1, 10), Page(2, 11, 26, true)});
  EXPECT_EQ(RunRefresh().refresh.state(), v1::Refresh::HELD);
  EXPECT_THAT(metrics_.Text(), HasSubstr("reason=\"repeated_page\"} 1"));
  lister_.Say({Page(0, 1, 10), Page(1, 1, 0), Page(2, 11, 26, true)});
  EXPECT_EQ(RunRefresh().refresh.state(), v1::Refresh::HELD);
  EXPECT_THAT(metrics_.Text(), HasSubstr("reason=\"empty_page\"} 1"));
  EXPECT_THAT(Known(), SizeIs(30));
}

TEST_P(RefresherDoubtsTest, WhatMovesToALaterPageIsNotARepetition) {
  Fill();
  lister_.arrived = 10;
  // A new one at the front shifts all others.
  lister_.Say(
      {Page(0, 0, 4), Page(1, 5, 14), Page(2, 15, 24), Page(3, 25, 30, true)});
  const Refresher::Report report = RunRefresh();
  EXPECT_EQ(report.refresh.state(), v1::Refresh::DONE);
  EXPECT_EQ(report.refresh.seen(), 31);
  EXPECT_THAT(Known(), SizeIs(31));
}

TEST_P(RefresherDoubtsTest, PagesThatArriveTogetherAndGoRoundInCirclesEndIt) {
  Fill();
  lister_.arrived = 10;
  ListRepositoriesResponse back = Page(2, 21, 25);
  back.set_next_page_token("1");
  lister_.Say({Page(0, 1, 10), Page(1, 11, 20), back, Page(1, 26, 30)});
  const Refresher::Report report = RunRefresh();
  EXPECT_EQ(report.refresh.state(), v1::Refresh::FAILED);
  EXPECT_EQ(report.refresh.requests(), 2);
  EXPECT_THAT(metrics_.Text(), HasSubstr("reason=\"loop\"} 1"));
}

TEST_P(RefresherDoubtsTest, PagesThatGoRoundInCirclesEndTheListing) {
  Fill();
  ListRepositoriesResponse back = Page(1, 11, 20);
  back.set_next_page_token("1");
  lister_.Say({Page(0, 1, 10), back});
  const Refresher::Report report = RunRefresh();
  EXPECT_EQ(report.refresh.state(), v1::Refresh::FAILED);
  EXPECT_THAT(report.refresh.error(), HasSubstr("circles"));
  EXPECT_THAT(Known(), SizeIs(30));
  EXPECT_THAT(metrics_.Text(), HasSubstr("reason=\"loop\"} 1"));
}

TEST_P(RefresherDoubtsTest, FewerThanTheForgeCountsAreNotBelieved) {
  Fill();
  ListRepositoriesResponse last = Page(2, 21, 29, true);
  last.set_total(30);
  lister_.Say({Page(0, 1, 10), Page(1, 11, 20), last});
  EXPECT_EQ(RunRefresh().refresh.state(), v1::Refresh::HELD);
  EXPECT_THAT(Known(), SizeIs(30));
  EXPECT_THAT(metrics_.Text(), HasSubstr("reason=\"total\"} 1"));
}

TEST_P(RefresherDoubtsTest, AShrinkIsHeldUntilALaterListingConfirmsIt) {
  Fill();
  lister_.Say({Page(0, 1, 10, true)});
  EXPECT_EQ(RunRefresh().refresh.state(), v1::Refresh::HELD);
  EXPECT_THAT(Known(), SizeIs(30));

  clock_.Advance(absl::Minutes(59));  // too soon
  lister_.Say({Page(0, 1, 10, true)});
  EXPECT_EQ(RunRefresh().refresh.state(), v1::Refresh::HELD);
  EXPECT_THAT(Known(), SizeIs(30));

  clock_.Advance(absl::Minutes(2));
  lister_.Say({Page(0, 1, 10, true)});
  const Refresher::Report confirmed = RunRefresh();
  EXPECT_EQ(confirmed.refresh.state(), v1::Refresh::DONE);
  EXPECT_EQ(confirmed.refresh.removed(), 20);
  EXPECT_THAT(Known(), SizeIs(10));
}

TEST_P(RefresherDoubtsTest, WhatIsBackBeforeTheConfirmationStays) {
  Fill();
  lister_.Say({Page(0, 1, 10, true)});
  EXPECT_EQ(RunRefresh().refresh.state(), v1::Refresh::HELD);
  clock_.Advance(absl::Hours(2));
  lister_.Say({Page(0, 1, 10), Page(1, 11, 20), Page(2, 21, 30, true)});
  EXPECT_EQ(RunRefresh().refresh.state(), v1::Refresh::DONE);
  // It is missing anew: that has to be confirmed anew.
  lister_.Say({Page(0, 1, 10, true)});
  EXPECT_EQ(RunRefresh().refresh.state(), v1::Refresh::HELD);
  EXPECT_THAT(Known(), SizeIs(30));
}

TEST_P(RefresherDoubtsTest, AnOperatorMayAcceptAShrink) {
  Fill();
  lister_.Say({Page(0, 1, 10, true)});
  EXPECT_EQ(RunRefresh(/*accept_shrink=*/true).refresh.state(),
            v1::Refresh::DONE);
  EXPECT_THAT(Known(), SizeIs(10));
}

TEST_P(RefresherDoubtsTest, AnEmptyListIsHeldHoweverFewThereWere) {
  lister_.Say({Page(0, 1, 2, true)});
  RunRefresh();
  lister_.Say({Page(0, 1, 0, true)});
  EXPECT_EQ(RunRefresh().refresh.state(), v1::Refresh::HELD);
  EXPECT_THAT(Known(), ElementsAre("1", "2"));
}

TEST_P(RefresherDoubtsTest, AGroupThatIsGoneAltogetherIsHeld) {
  ListRepositoriesResponse page = Page(0, 1, 30, true);
  for (int i = 0; i < 3; ++i) page.mutable_repositories(i)->set_group("tools");
  lister_.Say({page});
  RunRefresh();
  lister_.Say({Page(0, 4, 30, true)});
  const Refresher::Report report = RunRefresh();
  EXPECT_EQ(report.refresh.state(), v1::Refresh::HELD);
  EXPECT_THAT(report.refresh.error(), HasSubstr("tools"));
  EXPECT_THAT(Known(), SizeIs(30));
}

}  // namespace
}  // namespace lamplighter::reposync
