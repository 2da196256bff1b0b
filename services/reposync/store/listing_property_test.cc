#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/proto_time.h"
#include "services/reposync/store/listing_store.h"
#include "services/reposync/store/testing/listing_fixture.h"
#include "soci/soci.h"

// Random forges, listed at random: whatever shifts, is renamed, looked up or
// breaks off meanwhile, nothing goes that was listed, and a listing of a forge
// that held still leaves the catalog as the forge is.
namespace lamplighter::reposync {
namespace {

using v1::CatalogRepository;
using v1::ListRepositoriesResponse;
using v1::Refresh;

// A forge of a few repositories, by name in order, whose listing has small
// pages and ETags that are the same where a page is.
class RandomForge {
 public:
  explicit RandomForge(std::mt19937& random) : random_(random) {}

  void Change() {
    const int what = Number(6);
    if ((what <= 1 && by_id_.size() < kMost) || by_id_.empty()) {
      Rename(absl::StrCat(++last_id_));
    } else if (what == 2) {
      by_id_.erase(Any());
    } else if (what == 3) {
      Rename(Any());
    } else if (what == 4) {
      // Back to what it was, or to another group.
      by_id_[Any()].set_group(absl::StrCat("g", Number(3)));
    } else {
      std::string id = Any();
      gone_[id] = by_id_[id];
      by_id_.erase(id);
      if (Number(2) == 0) by_id_[id] = gone_[id];
    }
  }

  ListRepositoriesResponse Read(const std::string& token,
                                const std::vector<v1::KnownPage>& known) {
    std::vector<CatalogRepository> sorted;
    for (const auto& [id, repository] : by_id_) sorted.push_back(repository);
    std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
      return std::pair(a.path(), a.forge_id()) <
             std::pair(b.path(), b.forge_id());
    });
    const size_t number = token.empty() ? 0 : std::stoul(token);
    ListRepositoriesResponse page;
    page.set_page_token(token);
    std::string content;
    for (size_t i = number * kPageSize;
         i < std::min(sorted.size(), (number + 1) * kPageSize); ++i) {
      *page.add_repositories() = sorted[i];
      absl::StrAppend(&content, sorted[i].ShortDebugString(), ";");
    }
    // Now and then one comes twice, as with lists by access.
    if (page.repositories_size() > 0 && number > 0 && Number(8) == 0) {
      *page.add_repositories() = sorted[Number(number * kPageSize)];
      absl::StrAppend(&content, page.repositories().rbegin()->path());
    }
    if (sorted.size() > (number + 1) * kPageSize) {
      page.set_next_page_token(absl::StrCat(number + 1));
    }
    page.set_etag(absl::StrCat(std::hash<std::string>()(content)));
    for (const v1::KnownPage& one : known) {
      if (one.page_token() != token || one.etag() != page.etag()) continue;
      page.clear_repositories();
      page.set_not_modified(true);
      page.set_next_page_token(one.next_page_token());
    }
    return page;
  }

  const std::map<std::string, CatalogRepository>& all() const { return by_id_; }
  int Number(int below) {
    return std::uniform_int_distribution<>(0, below - 1)(random_);
  }

 private:
  static constexpr size_t kPageSize = 3;
  static constexpr size_t kMost = 40;

  std::string Any() {
    return std::next(by_id_.begin(), Number(by_id_.size()))->first;
  }
  void Rename(const std::string& id) {
    CatalogRepository& repository = by_id_[id];
    repository.set_forge_id(id);
    repository.set_name(absl::StrCat("n", Number(6)));
    repository.set_path(absl::StrCat("g/", repository.name(), "-", id));
    repository.set_repository_id(absl::StrCat("forge/", repository.path()));
  }

  std::mt19937& random_;
  int last_id_ = 0;
  std::map<std::string, CatalogRepository> by_id_;
  std::map<std::string, CatalogRepository> gone_;
};

// What a listing has seen, and must not remove.
struct Seen {
  std::map<int, std::set<std::string>> by_page;
  std::set<std::string> looked_up;

  // Pages from there on are read again; at 0, the listing is another.
  void GoOnAt(int page) {
    by_page.erase(by_page.lower_bound(page), by_page.end());
    if (page == 0) looked_up.clear();
  }
  void Forget(const std::string& id) {
    looked_up.erase(id);
    for (auto& [page, ids] : by_page) ids.erase(id);
  }
  std::set<std::string> All() const {
    std::set<std::string> all = looked_up;
    for (const auto& [page, ids] : by_page) all.insert(ids.begin(), ids.end());
    return all;
  }
};

class ListingPropertyTest : public ListingFixture {
 protected:
  // What the catalog has, by forge id.
  std::map<std::string, CatalogRepository> Catalog() {
    std::map<std::string, CatalogRepository> all;
    const auto entries = Run(catalog_->ReadSnapshot({"main"}, 0, 1000));
    for (const v1::CatalogEntry& entry : *entries) {
      all[entry.repository().forge_id()] = entry.repository();
    }
    return all;
  }

  // Lists to the end, while the forge changes and pages break off at random.
  void ListOnce(RandomForge& forge, bool changes_meanwhile) {
    clock_.Advance(absl::Hours(1));
    Seen seen;
    Listing listing = *Begin();
    std::vector<v1::KnownPage> known = *Run(listings_->KnownPages("main"));
    bool is_complete = false;
    for (int tries = 0; tries < 1000 && !is_complete; ++tries) {
      clock_.Advance(absl::Seconds(1));
      std::vector<ListRepositoriesResponse> pages = {
          forge.Read(listing.next_page_token, known)};
      for (int more = forge.Number(5);
           more > 0 && !pages.back().next_page_token().empty(); --more) {
        if (changes_meanwhile && forge.Number(6) == 0) forge.Change();
        pages.push_back(forge.Read(pages.back().next_page_token(), known));
      }
      if (changes_meanwhile && forge.Number(3) == 0) Meanwhile(forge, seen);
      const int first = listing.next_page;
      const auto written = Run(
          listings_->WritePages(listing, pages, forge.Number(2) == 0, kLease));
      if (!written.ok()) {
        ASSERT_THAT(written, StatusIs(absl::StatusCode::kUnavailable));
        known = *Run(listings_->KnownPages("main"));
        continue;
      }
      ASSERT_EQ(listing.next_page, first + std::ssize(*written));
      for (size_t i = 0; i < written->size(); ++i) {
        std::set<std::string>& listed = seen.by_page[first + i];
        listed.clear();
        if (pages[i].not_modified()) listed = OnPage(first + i);
        for (const auto& repository : pages[i].repositories()) {
          listed.insert(repository.forge_id());
        }
        is_complete = pages[i].next_page_token().empty();
      }
      if (written->size() < pages.size()) {
        known = *Run(listings_->KnownPages("main"));
        continue;
      }
      if (!is_complete && forge.Number(6) == 0) {
        BreakOff(listing, forge.Number(2) == 0);
        listing = *Begin();
        known = *Run(listings_->KnownPages("main"));
        seen.GoOnAt(listing.next_page);
      }
    }
    ASSERT_TRUE(is_complete);
    while (*Run(listings_->RemoveMissing(listing, false, kLease)) > 0) {
    }
    const auto catalog = Catalog();
    for (const std::string& id : seen.All()) {
      EXPECT_TRUE(catalog.contains(id)) << id << " was listed and removed";
    }
    listing.refresh.set_state(Refresh::DONE);
    ASSERT_THAT(Run(listings_->End(listing)), IsOk());
  }

  void BreakOff(Listing& listing, bool orderly) {
    if (orderly) {
      listing.refresh.set_state(Refresh::FAILED);
      *listing.refresh.mutable_finished_at() = ToProto(clock_.Now());
      ASSERT_THAT(Run(listings_->End(listing)), IsOk());
    } else {
      clock_.Advance(kLease * 2);
    }
  }

  // The forge changes, and an event has one of its repositories looked up.
  void Meanwhile(RandomForge& forge, Seen& seen) {
    forge.Change();
    const std::string id = absl::StrCat(1 + forge.Number(12));
    const auto found = forge.all().find(id);
    if (found == forge.all().end()) {
      ASSERT_THAT(Run(catalog_->Forget("main", "github.com", id)), IsOk());
      seen.Forget(id);
    } else {
      ASSERT_THAT(Run(catalog_->Put("main", found->second)), IsOk());
      seen.looked_up.insert(id);
    }
  }

  std::set<std::string> OnPage(int number) {
    using Ids = std::set<std::string>;
    return *Run(database_->Read<Ids>(
        [number](Transaction& transaction) -> absl::StatusOr<Ids> {
          std::string id;
          Ids ids;
          soci::statement statement =
              (transaction.sql.prepare
                   << "SELECT forge_id FROM repositories JOIN reaches"
                      " ON repository = id WHERE page = :page",
               soci::use(number), soci::into(id));
          statement.execute();
          while (statement.fetch()) ids.insert(id);
          return ids;
        }));
  }
};
LAMPLIGHTER_ON_BOTH_DATABASES(ListingPropertyTest);

TEST_P(ListingPropertyTest, TheCatalogBecomesWhatTheForgeIs) {
  const char* given = std::getenv("LISTING_SEED");
  const unsigned seed =
      given != nullptr ? std::stoul(given) : std::random_device()();
  std::cout << "LISTING_SEED=" << seed << std::endl;
  std::mt19937 random(seed);
  RandomForge forge(random);
  const int rounds = GetParam() == Dialect::kSqlite ? 60 : 15;
  for (int round = 0; round < rounds && !HasFailure(); ++round) {
    SCOPED_TRACE(absl::StrCat("round ", round, " of seed ", seed));
    for (int i = forge.Number(6); i > 0; --i) forge.Change();
    ListOnce(forge, true);
    for (int i = forge.Number(4); i > 0; --i) forge.Change();
    ListOnce(forge, false);
    const auto catalog = Catalog();
    for (const auto& [id, repository] : forge.all()) {
      ASSERT_TRUE(catalog.contains(id)) << id << " is not there";
      EXPECT_EQ(catalog.at(id).ShortDebugString(),
                repository.ShortDebugString());
    }
    EXPECT_EQ(catalog.size(), forge.all().size());
    const int64_t changes = *Run(catalog_->LastChange());
    ListOnce(forge, false);
    EXPECT_EQ(*Run(catalog_->LastChange()), changes);
  }
}

}  // namespace
}  // namespace lamplighter::reposync
