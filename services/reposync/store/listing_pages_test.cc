// How pages of a listing become the catalog.
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/reposync/store/listing_store.h"
#include "services/reposync/store/testing/listing_fixture.h"

namespace lamplighter::reposync {
namespace {

using ::absl::StatusCode;
using ::testing::ElementsAre;
using v1::ListRepositoriesResponse;
using v1::Refresh;

using ListingPagesTest = ListingFixture;
LAMPLIGHTER_ON_BOTH_DATABASES(ListingPagesTest);

TEST_P(ListingPagesTest, AnUnchangedListingWritesNothingButItsRow) {
  ListAll({{"a1", "a2"}, {"b1", "b2"}});
  clock_.Advance(absl::Hours(1));
  const int64_t changes = *Run(catalog_->LastChange());
  Listing listing = *Begin();
  const int64_t written = RowsWritten();
  const auto same =
      WriteAll(listing, {Page(0, 2, {"a1", "a2"}), Unmodified(1, 2)});
  EXPECT_EQ(same->at(0).written.unchanged, 2);
  EXPECT_EQ(Run(listings_->CountMissing(listing, kLease))->missing, 0);
  EXPECT_THAT(Run(listings_->NoteMissing(listing)), IsOk());
  EXPECT_EQ(RowsWritten(), written);
  EXPECT_EQ(listing.refresh.seen(), 4);
  EXPECT_EQ(listing.refresh.not_modified(), 1);
  End(listing, Refresh::DONE);
  EXPECT_EQ(*Run(catalog_->LastChange()), changes);
}

TEST_P(ListingPagesTest, PagesAreWrittenTogetherAndGoneOnWithAfterThem) {
  Listing first = *Begin("a");
  const auto written = WriteAll(
      first, {Page(0, 4, {"a1", "a2"}), Page(1, 4, {"b1"}), Page(2, 4, {})});
  ASSERT_THAT(written, IsOk());
  ASSERT_EQ(written->size(), 3U);
  EXPECT_EQ(written->at(0).written.added, 2);
  EXPECT_EQ(written->at(1).written.added, 1);
  EXPECT_EQ(written->at(2).written.added, 0);
  EXPECT_EQ(first.refresh.seen(), 3);
  EXPECT_EQ(first.refresh.requests(), 3);
  EXPECT_THAT(Names(), ElementsAre("a1", "a2", "b1"));
  clock_.Advance(kLease + absl::Seconds(1));
  const Listing second = *Begin("b");
  EXPECT_EQ(second.next_page, 3);
  EXPECT_EQ(second.next_page_token, "3");
  EXPECT_EQ(second.refresh.added(), 3);
}

TEST_P(ListingPagesTest, OfPagesThatFailTogetherNothingIsWritten) {
  Listing first = *Begin("a");
  ASSERT_THAT(Write(first, Page(0, 4, {"a1"})), IsOk());
  const Listing before = first;
  // One has no id of the forge.
  EXPECT_THAT(WriteAll(first, {Page(1, 4, {"b1"}), Page(2, 4, {"c1", ""}),
                               Page(3, 4, {"d1"})}),
              StatusIs(StatusCode::kInvalidArgument));
  EXPECT_EQ(first.next_page, 1);
  EXPECT_EQ(first.refresh.ShortDebugString(),
            before.refresh.ShortDebugString());
  EXPECT_THAT(Names(), ElementsAre("a1"));
  EXPECT_THAT(KnownEtags(), ElementsAre(":a1"));
  End(first, Refresh::FAILED);
  Listing second = *Begin("a");
  EXPECT_EQ(second.next_page, 1);
  EXPECT_THAT(WriteAll(second, {Page(1, 4, {"b1"}), Page(2, 4, {"c1"}),
                                Page(3, 4, {"d1"})}),
              IsOk());
  EXPECT_THAT(Names(), ElementsAre("a1", "b1", "c1", "d1"));
}

TEST_P(ListingPagesTest, OfPagesThatComeTogetherTheFirstOfARepositoryCounts) {
  ListAll({{"a1"}, {"b1"}, {"c1"}, {"d1"}});
  EXPECT_THAT(KnownEtags(), ElementsAre(":a1", ":b1", ":c1"));
  clock_.Advance(absl::Hours(1));
  Listing listing = *Begin();
  ASSERT_THAT(Write(listing, Page(0, 4, {"a1"})), IsOk());
  // c1 comes earlier than it did, b1 later, a1 is on the page before.
  const auto written =
      WriteAll(listing, {Page(1, 4, {"c1", "e1", "e1"}),
                         Page(2, 4, {"b1", "c1", "a1"}), Page(3, 4, {"a1"})});
  ASSERT_THAT(written, IsOk());
  EXPECT_EQ(written->at(0).seen_before, 0);
  EXPECT_EQ(written->at(0).written.added, 1);
  EXPECT_EQ(written->at(0).written.unchanged, 1);
  EXPECT_EQ(written->at(1).seen_before, 2);
  EXPECT_EQ(written->at(1).written.unchanged, 1);
  EXPECT_EQ(written->at(2).seen_before, 1);
  EXPECT_EQ(listing.refresh.seen(), 4);
  EXPECT_EQ(Run(listings_->CountMissing(listing, kLease))->missing, 1);
  // An ETag stands for what a page has by itself.
  EXPECT_THAT(KnownEtags(), ElementsAre(":a1", ":c1:e1:e1"));
  Remove(listing);
  EXPECT_THAT(Names(), ElementsAre("a1", "b1", "c1", "e1"));
}

TEST_P(ListingPagesTest, PagesBeforeOneThatIsNoLongerKnownAreWritten) {
  ListAll({{"a1"}, {"b1"}, {"c1"}, {"d1"}});
  clock_.Advance(absl::Hours(1));
  ASSERT_TRUE(*Run(catalog_->Forget("main", "github.com", "c1")));
  Listing listing = *Begin();
  const auto written =
      WriteAll(listing, {Unmodified(0, 4), Page(1, 4, {"b1", "b2"}),
                         Unmodified(2, 4), Page(3, 4, {"d1", "d2"})});
  ASSERT_THAT(written, IsOk());
  EXPECT_EQ(written->size(), 2U);
  EXPECT_EQ(listing.next_page, 2);
  EXPECT_EQ(listing.refresh.seen(), 3);
  EXPECT_THAT(Names(), ElementsAre("a1", "b1", "d1", "b2"));
  EXPECT_THAT(WriteAll(listing, {Unmodified(2, 4), Page(3, 4, {"d1"})}),
              StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(WriteAll(listing, {Page(2, 4, {"c1"}), Page(3, 4, {"d1"})}),
              IsOk());
  EXPECT_EQ(listing.refresh.seen(), 5);
}

TEST_P(ListingPagesTest, ARepositoryOnTwoPagesIsOneAndTheFirstCounts) {
  ListRepositoriesResponse admin = Page(0, 2, {"a1"});
  admin.mutable_repositories(0)->set_access(v1::CatalogRepository::ADMIN);
  ListRepositoriesResponse reader = Page(1, 2, {"a1", "b1"});
  reader.mutable_repositories(0)->set_access(v1::CatalogRepository::READ);
  for (int i = 0; i < 2; ++i) {
    clock_.Advance(absl::Hours(1));
    Listing listing = *Begin();
    ASSERT_THAT(Write(listing, admin), IsOk());
    const auto written = Write(listing, reader);
    EXPECT_EQ(written->seen_before, 1);
    EXPECT_EQ(written->written.changed, 0);
    EXPECT_EQ(listing.refresh.seen(), 2);
    EXPECT_EQ(Run(listings_->CountMissing(listing, kLease))->missing, 0);
    End(listing, Refresh::DONE);
  }
  const auto entry = Run(catalog_->GetByForgeId("github.com", "a1"));
  EXPECT_EQ(entry->repository().access(), v1::CatalogRepository::ADMIN);
}

TEST_P(ListingPagesTest, APageThatSharesWithAnotherIsReadNextTime) {
  Listing listing = *Begin();
  ASSERT_THAT(Write(listing, Page(0, 3, {"a1"})), IsOk());
  ASSERT_THAT(Write(listing, Page(1, 3, {"a1", "b1"})), IsOk());
  ASSERT_THAT(Write(listing, Page(2, 3, {"c1"})), IsOk());
  End(listing, Refresh::DONE);
  // And the last one is: whether another follows now, only reading tells.
  EXPECT_THAT(KnownEtags(), ElementsAre(":a1"));
}

TEST_P(ListingPagesTest, APageThatLostARepositoryToAnotherIsReadNextTime) {
  ListAll({{"a1"}, {"b1", "b2"}, {"c1"}});
  EXPECT_THAT(KnownEtags(), ElementsAre(":a1", ":b1:b2"));
  clock_.Advance(absl::Hours(1));
  Listing listing = *Begin();
  ASSERT_THAT(Write(listing, Page(0, 3, {"a1", "b1"})), IsOk());
  EXPECT_THAT(Write(listing, Unmodified(1, 3)), IsOk());
  EXPECT_THAT(KnownEtags(), ElementsAre(":a1:b1"));
}

TEST_P(ListingPagesTest, APageOfWhichALookUpForgotOneIsReadAgain) {
  ListAll({{"a1"}, {"b1", "b2"}, {"c1"}});
  clock_.Advance(absl::Hours(1));
  ASSERT_TRUE(*Run(catalog_->Forget("main", "github.com", "b1")));
  EXPECT_THAT(KnownEtags(), ElementsAre(":a1"));
  Listing listing = *Begin();
  ASSERT_THAT(Write(listing, Unmodified(0, 3)), IsOk());
  EXPECT_THAT(Write(listing, Unmodified(1, 3)),
              StatusIs(StatusCode::kUnavailable));
  EXPECT_EQ(listing.next_page, 1);
  EXPECT_THAT(Write(listing, Page(1, 3, {"b1", "b2"})), IsOk());
}

TEST_P(ListingPagesTest, ChangesAreToldOnce) {
  int told = 0;
  catalog_->OnChange([&told] { ++told; });
  ListAll({{"a1"}});
  EXPECT_EQ(told, 1);
  ListAll({{"a1"}});
  EXPECT_EQ(told, 1);
  ListAll({{}});
  EXPECT_EQ(told, 2);
}

TEST_P(ListingPagesTest, PagesBeyondTheLastAreForgotten) {
  ListAll({{"a1"}, {"b1"}, {"c1"}});
  ListAll({{"a1"}, {"b1", "c1"}});
  EXPECT_THAT(KnownEtags(), ElementsAre(":a1"));
  EXPECT_THAT(Names(), ElementsAre("a1", "b1", "c1"));
}

}  // namespace
}  // namespace lamplighter::reposync
