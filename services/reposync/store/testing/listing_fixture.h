#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/proto_time.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/v1/catalog_service.pb.h"
#include "proto/lamplighter/v1/provider.pb.h"
#include "services/reposync/store/catalog_store.h"
#include "services/reposync/store/connection_store.h"
#include "services/reposync/store/listing_store.h"
#include "services/reposync/store/testing/store_test_fixture.h"
#include "soci/soci.h"

namespace lamplighter::reposync {

inline constexpr absl::Duration kLease = absl::Minutes(5);
inline constexpr absl::Duration kResumeWithin = absl::Hours(24);

// A ListingStore with a connection, and short ways to use it.
class ListingFixture : public StoreTest {
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
    return Run(listings_->Begin("main", v1::Refresh::SCHEDULE, owner, kLease,
                                kResumeWithin));
  }
  // Page `number` of `pages`, with these repositories.
  static v1::ListRepositoriesResponse Page(int number, int pages,
                                           std::vector<std::string> names) {
    v1::ListRepositoriesResponse page;
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
  static v1::ListRepositoriesResponse Unmodified(int number, int pages) {
    v1::ListRepositoriesResponse page = Page(number, pages, {});
    page.set_not_modified(true);
    return page;
  }
  absl::StatusOr<std::vector<PageWritten>> WriteAll(
      Listing& listing, std::vector<v1::ListRepositoriesResponse> pages) {
    return Run(listings_->WritePages(listing, std::move(pages), false, kLease));
  }
  absl::StatusOr<PageWritten> Write(Listing& listing,
                                    v1::ListRepositoriesResponse page) {
    auto written = WriteAll(listing, {std::move(page)});
    if (!written.ok()) return written.status();
    return written->at(0);
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
    End(*listing, v1::Refresh::DONE);
  }
  void Remove(Listing& listing) {
    while (
        Run(listings_->RemoveMissing(listing, false, absl::Hours(1))).value() >
        0) {
    }
  }
  void End(Listing& listing, v1::Refresh::State state) {
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
}  // namespace lamplighter::reposync
