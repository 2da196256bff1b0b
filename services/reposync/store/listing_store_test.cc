#include "services/reposync/store/listing_store.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/proto_time.h"
#include "services/reposync/store/connection_store.h"
#include "services/reposync/store/testing/store_test_fixture.h"
#include "soci/soci.h"

namespace lamplighter::reposync {
namespace {

using ::absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using v1::ListRepositoriesResponse;
using v1::Refresh;

constexpr absl::Duration kLease = absl::Minutes(5);
constexpr absl::Duration kResumeWithin = absl::Hours(24);

class ListingStoreTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    if (IsSkipped()) return;
    catalog_.emplace(*database_, clock_);
    listings_.emplace(*database_, *catalog_, clock_);
    connections_.emplace(*database_, *catalog_, clock_);
    v1::ConnectionInfo info;
    info.set_name("main");
    info.set_type("github");
    info.set_instance("github.com");
    ASSERT_THAT(Run(connections_->SetConfigured({info}, {"github"})), IsOk());
  }

  absl::StatusOr<Listing> Begin(std::string owner = "a") {
    return Run(listings_->Begin("main", Refresh::SCHEDULE, owner, kLease,
                                kResumeWithin));
  }
  // Page `number` of `pages`, with these repositories.
  static ListRepositoriesResponse Page(int number, int pages,
                                       std::vector<std::string> names) {
    ListRepositoriesResponse page;
    if (number > 0) page.set_page_token(absl::StrCat(number));
    if (number + 1 < pages) page.set_next_page_token(absl::StrCat(number + 1));
    for (const std::string& name : names) {
      v1::CatalogRepository& repository = *page.add_repositories();
      repository.set_forge_id(name);
      repository.set_repository_id(absl::StrCat("github.com/org/", name));
      repository.set_path(absl::StrCat("org/", name));
      repository.set_group(name.substr(0, 1));
      page.set_etag(absl::StrCat(page.etag(), ":", name));
    }
    return page;
  }
  static ListRepositoriesResponse Unmodified(int number, int pages) {
    ListRepositoriesResponse page = Page(number, pages, {});
    page.set_not_modified(true);
    return page;
  }
  absl::StatusOr<PageWritten> Write(Listing& listing,
                                    ListRepositoriesResponse page) {
    return Run(listings_->WritePage(listing, page, false, kLease));
  }
  // Reads all of these, and ends the listing as DONE.
  void ListAll(std::vector<std::vector<std::string>> pages) {
    clock_.Advance(absl::Hours(1));
    absl::StatusOr<Listing> listing = Begin();
    ASSERT_THAT(listing, IsOk());
    for (size_t i = 0; i < pages.size(); ++i) {
      ASSERT_THAT(Write(*listing, Page(i, pages.size(), pages[i])), IsOk());
    }
    Remove(*listing);
    End(*listing, Refresh::DONE);
  }
  void Remove(Listing& listing) {
    while (
        Run(listings_->RemoveMissing(listing, false, absl::Hours(1))).value() >
        0) {
    }
  }
  void End(Listing& listing, Refresh::State state) {
    listing.refresh.set_state(state);
    *listing.refresh.mutable_finished_at() = ToProto(clock_.Now());
    ASSERT_THAT(Run(listings_->End(listing)), IsOk());
  }
  // Forge ids of what is not removed.
  std::vector<std::string> Names() {
    const auto entries = Run(catalog_->ReadSnapshot({}, 0, 1000));
    std::vector<std::string> names;
    for (const v1::CatalogEntry& entry : *entries) {
      names.push_back(entry.repository().forge_id());
    }
    return names;
  }
  // By the only session that writes; of SQLite alone.
  int64_t RowsWritten() {
    if (GetParam() != Dialect::kSqlite) return 0;
    return *Run(database_->Write<int64_t>(
        [](Transaction& transaction) -> absl::StatusOr<int64_t> {
          int64_t rows = 0;
          transaction.sql << "SELECT total_changes()", soci::into(rows);
          return rows;
        }));
  }
  std::vector<std::string> KnownEtags() {
    const auto pages = Run(listings_->KnownPages("main"));
    std::vector<std::string> etags;
    for (const v1::KnownPage& page : *pages) etags.push_back(page.etag());
    return etags;
  }

  absl::optional<CatalogStore> catalog_;
  absl::optional<ListingStore> listings_;
  absl::optional<ConnectionStore> connections_;
};
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

TEST_P(ListingStoreTest, AnUnchangedListingWritesNothingButItsRow) {
  ListAll({{"a1", "a2"}, {"b1", "b2"}});
  clock_.Advance(absl::Hours(1));
  const int64_t changes = *Run(catalog_->LastChange());
  Listing listing = *Begin();
  const int64_t written = RowsWritten();
  EXPECT_EQ(Write(listing, Page(0, 2, {"a1", "a2"}))->written.unchanged, 2);
  EXPECT_THAT(Write(listing, Unmodified(1, 2)), IsOk());
  EXPECT_EQ(Run(listings_->CountMissing(listing, kLease))->missing, 0);
  EXPECT_THAT(Run(listings_->NoteMissing(listing)), IsOk());
  EXPECT_EQ(RowsWritten(), written);
  EXPECT_EQ(listing.refresh.seen(), 4);
  EXPECT_EQ(listing.refresh.not_modified(), 1);
  End(listing, Refresh::DONE);
  EXPECT_EQ(*Run(catalog_->LastChange()), changes);
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

TEST_P(ListingStoreTest, ARepositoryOnTwoPagesIsOneAndTheFirstCounts) {
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

TEST_P(ListingStoreTest, APageThatSharesWithAnotherIsReadNextTime) {
  Listing listing = *Begin();
  ASSERT_THAT(Write(listing, Page(0, 3, {"a1"})), IsOk());
  ASSERT_THAT(Write(listing, Page(1, 3, {"a1", "b1"})), IsOk());
  ASSERT_THAT(Write(listing, Page(2, 3, {"c1"})), IsOk());
  End(listing, Refresh::DONE);
  // And the last one is: whether another follows now, only reading tells.
  EXPECT_THAT(KnownEtags(), ElementsAre(":a1"));
}

TEST_P(ListingStoreTest, APageThatLostARepositoryToAnotherIsReadNextTime) {
  ListAll({{"a1"}, {"b1", "b2"}, {"c1"}});
  EXPECT_THAT(KnownEtags(), ElementsAre(":a1", ":b1:b2"));
  clock_.Advance(absl::Hours(1));
  Listing listing = *Begin();
  ASSERT_THAT(Write(listing, Page(0, 3, {"a1", "b1"})), IsOk());
  EXPECT_THAT(Write(listing, Unmodified(1, 3)), IsOk());
  EXPECT_THAT(KnownEtags(), ElementsAre(":a1:b1"));
}

TEST_P(ListingStoreTest, APageOfWhichALookUpForgotOneIsReadAgain) {
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

TEST_P(ListingStoreTest, ChangesAreToldOnce) {
  int told = 0;
  catalog_->OnChange([&told] { ++told; });
  ListAll({{"a1"}});
  EXPECT_EQ(told, 1);
  ListAll({{"a1"}});
  EXPECT_EQ(told, 1);
  ListAll({{}});
  EXPECT_EQ(told, 2);
}

TEST_P(ListingStoreTest, PagesBeyondTheLastAreForgotten) {
  ListAll({{"a1"}, {"b1"}, {"c1"}});
  ListAll({{"a1"}, {"b1", "c1"}});
  EXPECT_THAT(KnownEtags(), ElementsAre(":a1"));
  EXPECT_THAT(Names(), ElementsAre("a1", "b1", "c1"));
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
