#include "services/reposync/store/listing_store.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/proto_time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/reposync/store/testing/listing_fixture.h"

namespace lamplighter::reposync {
namespace {

using ::absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using v1::Refresh;

using ListingStoreTest = ListingFixture;
LAMPLIGHTER_ON_BOTH_DATABASES(ListingStoreTest);

TEST_P(ListingStoreTest, WhatIsListedIsInTheCatalogAndWhatIsNotGoes) {
  ListAll({{"a1", "a2"}, {"b1", "b2"}});
  EXPECT_THAT(Names(), ElementsAre("a1", "a2", "b1", "b2"));
  ListAll({{"a1", "b1"}, {"b2", "c1"}});
  EXPECT_THAT(Names(), ElementsAre("a1", "b1", "b2", "c1"));
  const auto newest = Run(listings_->FindNewest("main"));
  EXPECT_EQ(newest->done->seen(), 4);
  EXPECT_EQ(newest->done->added(), 1);
  EXPECT_EQ(newest->done->removed(), 1);
  EXPECT_EQ(newest->done->requests(), 2);
}

TEST_P(ListingStoreTest, OneListsAConnectionAtATime) {
  const Listing first = *Begin("a");
  EXPECT_THAT(Begin("b"),
              StatusIs(StatusCode::kAborted,
                       HasSubstr(absl::StrCat(first.refresh.id()))));
  EXPECT_THAT(Begin("b"), StatusIs(StatusCode::kAborted, HasSubstr("at a")));
}

TEST_P(ListingStoreTest, GoesOnWhereAnotherProcessBrokeOff) {
  ListAll({{"a1"}, {"b1"}, {"c1"}});
  Listing first = *Begin("a");
  ASSERT_THAT(Write(first, Page(0, 3, {"a2"})), IsOk());
  clock_.Advance(kLease + absl::Seconds(1));
  Listing second = *Begin("b");
  EXPECT_EQ(second.next_page, 1);
  EXPECT_EQ(second.next_page_token, "1");
  EXPECT_EQ(second.refresh.added(), 1);
  EXPECT_EQ(FromProto(second.refresh.started_at()),
            FromProto(first.refresh.started_at()));
  EXPECT_GT(second.refresh.id(), first.refresh.id());
  EXPECT_THAT(Write(first, Page(1, 3, {"b1"})), StatusIs(StatusCode::kAborted));
  EXPECT_THAT(Run(listings_->Renew(first, kLease)),
              StatusIs(StatusCode::kAborted));
  ASSERT_THAT(Write(second, Page(1, 3, {"b1"})), IsOk());
  ASSERT_THAT(Write(second, Page(2, 3, {"c1"})), IsOk());
  Remove(second);
  End(second, Refresh::DONE);
  EXPECT_THAT(Names(), ElementsAre("b1", "c1", "a2"));
}

TEST_P(ListingStoreTest, BeginsAnewAfterLong) {
  Listing first = *Begin("a");
  ASSERT_THAT(Write(first, Page(0, 3, {"a1"})), IsOk());
  End(first, Refresh::FAILED);
  clock_.Advance(kResumeWithin);
  const Listing second = *Begin("a");
  EXPECT_EQ(second.next_page, 0);
  EXPECT_EQ(second.refresh.seen(), 0);
}

TEST_P(ListingStoreTest, WhatWasLookedUpMeanwhileIsNotMissing) {
  ListAll({{"a1", "a2"}});
  clock_.Advance(absl::Hours(1));
  Listing listing = *Begin();
  ASSERT_THAT(Run(catalog_->Put("main", Page(0, 1, {"a2"}).repositories(0))),
              IsOk());
  ASSERT_THAT(Run(catalog_->Put("main", Page(0, 1, {"b1"}).repositories(0))),
              IsOk());
  ASSERT_THAT(Write(listing, Page(0, 1, {"a1"})), IsOk());
  EXPECT_EQ(Run(listings_->CountMissing(listing, kLease))->missing, 0);
  Remove(listing);
  EXPECT_THAT(Names(), ElementsAre("a1", "a2", "b1"));
}

TEST_P(ListingStoreTest, WhatIsMissingIsConfirmedByAListingLongAfter) {
  ListAll({{"a1", "a2", "a3", "b1"}, {"c1"}});
  const auto list = [&] {
    Listing listing = *Begin();
    EXPECT_THAT(Write(listing, Page(0, 1, {"b1"})), IsOk());
    return listing;
  };
  clock_.Advance(absl::Hours(1));
  Listing first = list();
  const auto missing = Run(listings_->CountMissing(first, absl::Hours(1)));
  EXPECT_EQ(missing->reached, 5);
  EXPECT_EQ(missing->missing, 4);
  EXPECT_EQ(missing->confirmed, 0);
  EXPECT_THAT(missing->lost_groups, ElementsAre("a"));
  ASSERT_THAT(Run(listings_->NoteMissing(first)), IsOk());
  End(first, Refresh::HELD);

  clock_.Advance(absl::Minutes(59));
  Listing early = list();
  EXPECT_EQ(Run(listings_->CountMissing(early, absl::Hours(1)))->confirmed, 0);
  EXPECT_EQ(*Run(listings_->RemoveMissing(early, true, absl::Hours(1))), 0);
  ASSERT_THAT(Run(listings_->NoteMissing(early)), IsOk());
  End(early, Refresh::HELD);

  clock_.Advance(absl::Minutes(1));
  Listing late = list();
  EXPECT_EQ(Run(listings_->CountMissing(late, absl::Hours(1)))->confirmed, 4);
  EXPECT_EQ(*Run(listings_->RemoveMissing(late, true, absl::Hours(1))), 4);
  EXPECT_EQ(*Run(listings_->RemoveMissing(late, true, absl::Hours(1))), 0);
  EXPECT_EQ(late.refresh.removed(), 4);
  EXPECT_THAT(Names(), ElementsAre("b1"));
}

TEST_P(ListingStoreTest, WhatIsBackIsNoLongerMissing) {
  ListAll({{"a1", "a2"}});
  clock_.Advance(absl::Hours(1));
  Listing listing = *Begin();
  ASSERT_THAT(Write(listing, Page(0, 1, {"a1"})), IsOk());
  ASSERT_THAT(Run(listings_->NoteMissing(listing)), IsOk());
  End(listing, Refresh::HELD);
  ListAll({{"a1", "a2"}});
  clock_.Advance(absl::Hours(1));
  listing = *Begin();
  ASSERT_THAT(Write(listing, Page(0, 1, {"a1"})), IsOk());
  const auto missing = Run(listings_->CountMissing(listing, kLease));
  EXPECT_EQ(missing->missing, 1);
  EXPECT_EQ(missing->confirmed, 0);
}

TEST_P(ListingStoreTest, RefreshesAreListedPageByPageAndTheOldestDropped) {
  for (int i = 0; i < 3; ++i) ListAll({{"a1"}});
  for (int i = 0; i < 101; ++i) {
    Listing listing = *Begin();
    End(listing, Refresh::FAILED);
  }
  // All but the newest hundred, and the newest that is done.
  EXPECT_EQ(*Run(listings_->DropOld()), 3);
  v1::ListRefreshesRequest request;
  request.set_connection("main");
  const auto first = Run(listings_->List(request));
  EXPECT_EQ(first->refreshes_size(), 100);
  request.set_page_token(first->next_page_token());
  const auto second = Run(listings_->List(request));
  ASSERT_EQ(second->refreshes_size(), 1);
  EXPECT_EQ(second->refreshes(0).state(), Refresh::DONE);
  EXPECT_THAT(second->next_page_token(), IsEmpty());
  request.set_page_token("x");
  EXPECT_THAT(Run(listings_->List(request)),
              StatusIs(StatusCode::kInvalidArgument));
}

TEST_P(ListingStoreTest, AConnectionThatIsNotThereIsNotListed) {
  EXPECT_THAT(Run(listings_->Begin("other", Refresh::COMMAND, "a", kLease,
                                   kResumeWithin)),
              StatusIs(StatusCode::kNotFound));
}

}  // namespace
}  // namespace lamplighter::reposync
