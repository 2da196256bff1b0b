#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "boost/asio/awaitable.hpp"
#include "common/async/sleeper.h"
#include "common/metrics/metrics.h"
#include "common/time/testing/fake_clock.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/v1/catalog_service.pb.h"
#include "proto/lamplighter/v1/provider.pb.h"
#include "services/reposync/refresh/refresher.h"
#include "services/reposync/refresh/repository_lister.h"
#include "services/reposync/store/catalog_store.h"
#include "services/reposync/store/connection_store.h"
#include "services/reposync/store/listing_store.h"
#include "services/reposync/store/testing/store_test_fixture.h"

namespace lamplighter::reposync {

inline constexpr char kConnection[] = "acme";

inline v1::CatalogRepository Repository(int number) {
  v1::CatalogRepository repository;
  const std::string path = absl::StrCat("acme/r", number);
  repository.set_repository_id(absl::StrCat("forge.example/", path));
  repository.set_forge_id(absl::StrCat(number));
  repository.set_path(path);
  repository.set_name(absl::StrCat("r", number));
  repository.set_group("acme");
  return repository;
}

// Repositories `first` to `last`; page `number` of several, whose tokens are
// their numbers.
inline v1::ListRepositoriesResponse Page(int number, int first, int last,
                                         bool is_last = false) {
  v1::ListRepositoriesResponse page;
  for (int i = first; i <= last; ++i) *page.add_repositories() = Repository(i);
  if (number > 0) page.set_page_token(absl::StrCat(number));
  if (!is_last) page.set_next_page_token(absl::StrCat(number + 1));
  return page;
}

// Says what it was told to, a listing after the other; a page at a time, or as
// many as have arrived, as it is told.
class ScriptedLister final : public RepositoryLister {
 public:
  using Step = absl::StatusOr<v1::ListRepositoriesResponse>;

  // What the next listing says; it ends well after the last step.
  void Say(std::vector<Step> steps) { listings_.push_back(std::move(steps)); }

  absl::StatusOr<std::unique_ptr<RepositoryPages>> List(
      const StoredConnection& /*connection*/,
      v1::ListRepositoriesRequest request) override {
    requests.push_back(std::move(request));
    if (listings_.empty()) return absl::InternalError("listed too often");
    auto pages = std::make_unique<Pages>(std::move(listings_.front()), arrived);
    listings_.pop_front();
    return pages;
  }

  std::vector<v1::ListRepositoriesRequest> requests;
  // Pages that are there whenever the next ones are asked for.
  size_t arrived = 1;

 private:
  class Pages final : public RepositoryPages {
   public:
    Pages(std::vector<Step> steps, size_t arrived)
        : steps_(steps.begin(), steps.end()), arrived_(arrived) {}
    boost::asio::awaitable<
        absl::StatusOr<std::vector<v1::ListRepositoriesResponse>>>
    Next() override {
      std::vector<v1::ListRepositoriesResponse> pages;
      while (!steps_.empty() && pages.size() < arrived_) {
        if (!steps_.front().ok() && !pages.empty()) break;
        const Step step = std::move(steps_.front());
        steps_.pop_front();
        if (!step.ok()) co_return step.status();
        pages.push_back(*step);
      }
      co_return pages;
    }

   private:
    std::deque<Step> steps_;
    const size_t arrived_;
  };

  std::deque<std::vector<Step>> listings_;
};

// Lets the time pass that it is asked to wait.
class AdvancingSleeper final : public Sleeper {
 public:
  explicit AdvancingSleeper(FakeClock& clock) : clock_(clock) {}
  boost::asio::awaitable<absl::Status> SleepFor(
      absl::Duration duration) override {
    slept += duration;
    clock_.Advance(duration);
    co_return absl::OkStatus();
  }
  absl::Duration slept;

 private:
  FakeClock& clock_;
};

class RefreshTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    if (IsSkipped()) return;
    catalog_ = std::make_unique<CatalogStore>(*database_, clock_);
    listings_ = std::make_unique<ListingStore>(*database_, *catalog_, clock_);
    connections_ =
        std::make_unique<ConnectionStore>(*database_, *catalog_, clock_);
    connection_.info.set_name(kConnection);
    connection_.info.set_type("github");
    connection_.info.set_instance("forge.example");
    connection_.origin = v1::CatalogConnection::SERVICE;
    connection_.created_at = clock_.Now();
    ASSERT_TRUE(Run(connections_->Insert(connection_)).ok());
    refresher_ = MakeRefresher("me");
  }

  std::unique_ptr<Refresher> MakeRefresher(const std::string& owner) {
    Refresher::Options options;
    options.owner = owner;
    return std::make_unique<Refresher>(options, lister_, *listings_, clock_,
                                       sleeper_, metrics_);
  }

  Refresher::Report RunRefresh(bool accept_shrink = false) {
    auto listing = Run(refresher_->Begin(kConnection, v1::Refresh::SCHEDULE));
    EXPECT_TRUE(listing.ok()) << listing.status();
    if (!listing.ok()) return {};
    return Run(refresher_->Run(*std::move(listing), connection_, accept_shrink,
                               nullptr));
  }

  // Repositories 1 to 30 are there, in pages of ten.
  void Fill() {
    lister_.Say({Page(0, 1, 10), Page(1, 11, 20), Page(2, 21, 30, true)});
    ASSERT_EQ(RunRefresh().refresh.state(), v1::Refresh::DONE);
    ASSERT_EQ(Known().size(), 30U);
    clock_.Advance(absl::Hours(24));
  }

  // Forge ids of what the catalog has and is not removed.
  std::vector<std::string> Known() {
    std::vector<std::string> ids;
    const auto entries = Run(catalog_->ReadSnapshot({}, 0, 1000));
    for (const v1::CatalogEntry& entry : *entries) {
      ids.push_back(entry.repository().forge_id());
    }
    return ids;
  }

  ScriptedLister lister_;
  AdvancingSleeper sleeper_{clock_};
  Metrics metrics_;
  StoredConnection connection_;
  std::unique_ptr<CatalogStore> catalog_;
  std::unique_ptr<ListingStore> listings_;
  std::unique_ptr<ConnectionStore> connections_;
  std::unique_ptr<Refresher> refresher_;
};

}  // namespace lamplighter::reposync
