#include "services/reposync/store/catalog_store.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/status/testing/status_matchers.h"
#include "services/reposync/store/testing/catalog_fixture.h"
#include "soci/soci.h"

namespace lamplighter::reposync {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;
using v1::CatalogEntry;
using v1::CatalogRepository;
using v1::RepositoryChange;

using CatalogStoreTest = CatalogFixture;
LAMPLIGHTER_ON_BOTH_DATABASES(CatalogStoreTest);

TEST_P(CatalogStoreTest, ANewRepositoryIsFoundByWhateverNamesIt) {
  CatalogRepository repository = Repository("1", "acme/web", "The \"shop\" \\");
  repository.set_access(CatalogRepository::WRITE);
  repository.set_visibility(CatalogRepository::PRIVATE);
  repository.set_default_branch("main");
  repository.mutable_updated_at()->set_seconds(1'600'000'000);
  const Written written = Put(repository);
  EXPECT_EQ(written.added, 1);
  const auto entry = Run(catalog_->GetByRepositoryId("github.com/acme/web"));
  ASSERT_THAT(entry, IsOk());
  EXPECT_EQ(entry->repository().DebugString(), repository.DebugString());
  EXPECT_EQ(entry->instance(), "github.com");
  EXPECT_EQ(entry->type(), "github");
  ASSERT_EQ(entry->reached_by_size(), 1);
  EXPECT_EQ(entry->reached_by(0).connection(), "a");
  EXPECT_EQ(Run(catalog_->Get(entry->id()))->DebugString(),
            entry->DebugString());
  EXPECT_EQ(Run(catalog_->GetByForgeId("github.com", "1"))->DebugString(),
            entry->DebugString());
  const auto changes = Changes();
  ASSERT_EQ(changes.size(), 1);
  EXPECT_EQ(changes[0].kind(), RepositoryChange::ADDED);
  EXPECT_EQ(changes[0].sequence(), 1);
  EXPECT_EQ(changes[0].entry().DebugString(), entry->DebugString());
}

TEST_P(CatalogStoreTest, WhatIsTheSameIsNotLoggedAgain) {
  int told = 0;
  catalog_->OnChange([&told] { ++told; });
  CatalogRepository repository = Repository("1", "acme/web");
  repository.mutable_updated_at()->set_seconds(1'600'000'000);
  repository.mutable_updated_at()->set_nanos(123'456'789);
  Put(repository);
  EXPECT_EQ(told, 1);
  EXPECT_EQ(Put(repository).unchanged, 1);
  EXPECT_EQ(told, 1);
  EXPECT_EQ(Changes().size(), 1);
}

TEST_P(CatalogStoreTest, WhatAListingDoesNotTellStaysAsItWas) {
  CatalogRepository repository = Repository("1", "acme/web");
  repository.set_default_branch("main");
  repository.mutable_updated_at()->set_seconds(1'600'000'000);
  Put(repository);
  EXPECT_EQ(Put(Repository("1", "acme/web")).unchanged, 1);
}

TEST_P(CatalogStoreTest, ARenamedOrTransferredRepositoryKeepsItsId) {
  Put(Repository("1", "acme/web"));
  const int64_t id = Run(catalog_->GetByForgeId("github.com", "1"))->id();
  EXPECT_EQ(Put(Repository("1", "other/shop")).changed, 1);
  const auto entry = Run(catalog_->Get(id));
  EXPECT_EQ(entry->repository().path(), "other/shop");
  EXPECT_THAT(Run(catalog_->GetByRepositoryId("github.com/acme/web")),
              StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(Changes()[1].previous_repository_id(), "github.com/acme/web");
  EXPECT_THAT(Search("web"), IsEmpty());
  EXPECT_THAT(Search("shop"), ElementsAre("other/shop"));
}

TEST_P(CatalogStoreTest, TheOneWrittenLastHasTheNameOfOneMadeAnew) {
  Put(Repository("1", "acme/web"));
  clock_.Advance(absl::Seconds(1));
  Put(Repository("2", "acme/web"));
  EXPECT_EQ(Run(catalog_->GetByRepositoryId("github.com/acme/web"))
                ->repository()
                .forge_id(),
            "2");
  EXPECT_EQ(*Run(catalog_->Forget("a", "github.com", "1")), true);
  EXPECT_EQ(Run(catalog_->GetByRepositoryId("github.com/acme/web"))
                ->repository()
                .forge_id(),
            "2");
}

TEST_P(CatalogStoreTest, AccessIsTheMostThatAnyConnectionHas) {
  CatalogRepository repository = Repository("1", "acme/web");
  repository.set_access(CatalogRepository::READ);
  Put(repository, "b");
  repository.set_access(CatalogRepository::ADMIN);
  EXPECT_EQ(Put(repository, "a").added, 1);
  auto entry = Run(catalog_->GetByForgeId("github.com", "1"));
  EXPECT_EQ(entry->repository().access(), CatalogRepository::ADMIN);
  ASSERT_EQ(entry->reached_by_size(), 2);
  EXPECT_EQ(entry->reached_by(0).connection(), "a");
  EXPECT_EQ(*Run(catalog_->Forget("a", "github.com", "1")), true);
  entry = Run(catalog_->GetByForgeId("github.com", "1"));
  EXPECT_EQ(entry->repository().access(), CatalogRepository::READ);
  EXPECT_FALSE(entry->has_removed_at());
  EXPECT_EQ(Changes().back().kind(), RepositoryChange::CHANGED);
}

TEST_P(CatalogStoreTest, OneThatNoConnectionReachesIsATombstoneUntilItIsBack) {
  Put(Repository("1", "acme/web"));
  const int64_t id = Run(catalog_->GetByForgeId("github.com", "1"))->id();
  EXPECT_EQ(*Run(catalog_->Forget("a", "github.com", "1")), true);
  EXPECT_EQ(*Run(catalog_->Forget("a", "github.com", "1")), false);
  EXPECT_EQ(*Run(catalog_->Forget("a", "github.com", "2")), false);
  EXPECT_TRUE(Run(catalog_->Get(id))->has_removed_at());
  EXPECT_THAT(Run(catalog_->GetByRepositoryId("github.com/acme/web")),
              StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(List(), IsEmpty());
  EXPECT_THAT(Search("web"), IsEmpty());
  v1::RepositoryFilter removed;
  removed.set_include_removed(true);
  EXPECT_THAT(List(removed), ElementsAre("acme/web"));
  EXPECT_THAT(Search("web", removed), ElementsAre("acme/web"));
  EXPECT_EQ(Put(Repository("1", "acme/web")).added, 1);
  EXPECT_EQ(Run(catalog_->GetByForgeId("github.com", "1"))->id(), id);
  const auto changes = Changes();
  ASSERT_EQ(changes.size(), 3);
  EXPECT_EQ(changes[1].kind(), RepositoryChange::REMOVED);
  EXPECT_EQ(changes[2].kind(), RepositoryChange::ADDED);
  EXPECT_THAT(List(), ElementsAre("acme/web"));
}

TEST_P(CatalogStoreTest, APurgedRepositoryIsGoneAndItsIdIsNotUsedAgain) {
  Put(Repository("1", "acme/web"));
  const int64_t id = Run(catalog_->GetByForgeId("github.com", "1"))->id();
  EXPECT_THAT(Run(catalog_->Forget("a", "github.com", "1")), IsOk());
  EXPECT_EQ(*Run(catalog_->PurgeRemoved(clock_.Now())), 0);
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(*Run(catalog_->PurgeRemoved(clock_.Now())), 1);
  EXPECT_EQ(*Run(catalog_->PurgeRemoved(clock_.Now())), 0);
  EXPECT_THAT(Run(catalog_->Get(id)), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(Changes().back().kind(), RepositoryChange::PURGED);
  Put(Repository("1", "acme/web"));
  EXPECT_GT(Run(catalog_->GetByForgeId("github.com", "1"))->id(), id);
}

TEST_P(CatalogStoreTest, ATombstoneWithAHookIsNotPurged) {
  Put(Repository("1", "acme/web"));
  const int64_t id = Run(catalog_->GetByForgeId("github.com", "1"))->id();
  EXPECT_THAT(Run(catalog_->Forget("a", "github.com", "1")), IsOk());
  EXPECT_THAT(
      Run(database_->Write<bool>(
          [id](Transaction& transaction) -> absl::StatusOr<bool> {
            transaction.sql
                << "INSERT INTO hooks(connection, repository, state, url, "
                   "forge_ids, "
                   "events, error, failures, attached_at, checked_at, next_at, "
                   "repairs, rewrite, version, owner, lease_until) VALUES "
                   "('a', :id, "
                   "4, '', '', '', '', 0, 0, 0, 0, 0, 0, 0, '', 0)",
                soci::use(id);
            return true;
          })),
      IsOk());
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(*Run(catalog_->PurgeRemoved(clock_.Now())), 0);
}

TEST_P(CatalogStoreTest, DroppedChangesAreOutOfRangeAndTheNewestStays) {
  for (int i = 0; i < 5; ++i) {
    Put(Repository(absl::StrCat(i), absl::StrCat("acme/r", i)));
    clock_.Advance(absl::Hours(1));
  }
  EXPECT_EQ(*Run(catalog_->DropChanges(clock_.Now() - absl::Hours(3))), 2);
  EXPECT_EQ(*Run(catalog_->DropChanges(clock_.Now() - absl::Hours(3))), 0);
  EXPECT_THAT(Run(catalog_->ReadChanges(0, 10)),
              StatusIs(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(Run(catalog_->ReadChanges(1, 10)),
              StatusIs(absl::StatusCode::kOutOfRange));
  EXPECT_EQ(Changes(2).size(), 3);
  EXPECT_EQ(*Run(catalog_->DropChanges(absl::InfiniteFuture())), 2);
  EXPECT_EQ(*Run(catalog_->LastChange()), 5);
  EXPECT_THAT(Changes(5), IsEmpty());
  // A database restored from before what somebody has seen.
  EXPECT_THAT(Run(catalog_->ReadChanges(6, 10)),
              StatusIs(absl::StatusCode::kOutOfRange));
  Put(Repository("x", "acme/x"));
  EXPECT_EQ(Changes(5)[0].sequence(), 6);
}

TEST_P(CatalogStoreTest, ListsInOrderOfInstanceGroupAndPathPageByPage) {
  for (const char* path : {"Zeta/a", "acme/b", "Acme/a", "acme/c", "mid/x"}) {
    Put(Repository(path, path));
  }
  CatalogRepository lab = Repository("1", "acme/lab");
  Put(lab, "lab");
  v1::ListCatalogRequest request;
  request.set_page_size(2);
  std::vector<std::string> all;
  int pages = 0;
  do {
    const auto page = Run(catalog_->List(request));
    ASSERT_THAT(page, IsOk());
    ASSERT_LE(page->entries.size(), 2);
    for (const std::string& path : PathsOf(page->entries)) all.push_back(path);
    request.set_page_token(page->next_page_token);
    ++pages;
  } while (!request.page_token().empty());
  EXPECT_EQ(pages, 3);
  EXPECT_THAT(all, ElementsAre("Acme/a", "acme/b", "acme/c", "mid/x", "Zeta/a",
                               "acme/lab"));
}

TEST_P(CatalogStoreTest, FiltersByEverythingThatAFilterHas) {
  CatalogRepository archived = Repository("1", "acme/old");
  archived.set_archived(true);
  Put(archived);
  CatalogRepository fork = Repository("2", "acme/fork");
  fork.set_fork(true);
  fork.set_access(CatalogRepository::WRITE);
  Put(fork);
  CatalogRepository read = Repository("3", "Acme/read");
  read.set_access(CatalogRepository::READ);
  Put(read);
  read.set_access(CatalogRepository::ADMIN);
  Put(read, "b");
  Put(Repository("4", "other/lab"), "lab");
  const auto list = [this](auto set) {
    v1::RepositoryFilter filter;
    set(filter);
    return List(filter);
  };
  EXPECT_THAT(List(), ElementsAre("Acme/read", "acme/fork", "other/lab"));
  EXPECT_THAT(list([](auto& f) { f.set_include_archived(true); }),
              ElementsAre("Acme/read", "acme/fork", "acme/old", "other/lab"));
  EXPECT_THAT(list([](auto& f) { f.set_exclude_forks(true); }),
              ElementsAre("Acme/read", "other/lab"));
  EXPECT_THAT(list([](auto& f) { f.add_connections("a"); }),
              ElementsAre("Acme/read", "acme/fork"));
  EXPECT_THAT(list([](auto& f) { f.set_group("ACME"); }),
              ElementsAre("Acme/read", "acme/fork"));
  EXPECT_THAT(list([](auto& f) { f.add_instances("gitlab.com"); }),
              ElementsAre("other/lab"));
  EXPECT_THAT(list([](auto& f) { f.add_types("gitea"); }), IsEmpty());
  EXPECT_THAT(list([](auto& f) { f.set_min_access(CatalogRepository::WRITE); }),
              ElementsAre("Acme/read", "acme/fork"));
  EXPECT_THAT(list([](auto& f) {
                f.add_connections("a");
                f.set_min_access(CatalogRepository::WRITE);
              }),
              ElementsAre("acme/fork"));
}

TEST_P(CatalogStoreTest, ListsGroupsWithHowManyTheyHave) {
  for (const char* path : {"acme/a", "acme/b", "beta/a", "Zed/a"}) {
    Put(Repository(path, path));
  }
  v1::ListGroupsRequest request;
  request.set_page_size(2);
  auto first = Run(catalog_->ListGroups(request));
  ASSERT_THAT(first, IsOk());
  ASSERT_EQ(first->groups_size(), 2);
  EXPECT_EQ(first->groups(0).group(), "acme");
  EXPECT_EQ(first->groups(0).repositories(), 2);
  EXPECT_EQ(first->groups(1).group(), "beta");
  request.set_page_token(first->next_page_token());
  auto second = Run(catalog_->ListGroups(request));
  ASSERT_EQ(second->groups_size(), 1);
  EXPECT_EQ(second->groups(0).group(), "Zed");
  EXPECT_EQ(second->next_page_token(), "");
}

TEST_P(CatalogStoreTest, ForeignPageTokensAreRefused) {
  for (const char* path : {"acme/a", "acme/b", "beta/a"}) {
    Put(Repository(path, path));
  }
  v1::ListCatalogRequest list;
  list.set_page_size(1);
  v1::ListGroupsRequest groups;
  groups.set_page_size(1);
  const std::string of_list = Run(catalog_->List(list))->next_page_token;
  const std::string of_groups =
      Run(catalog_->ListGroups(groups))->next_page_token();
  for (const std::string& token : {std::string("!"), std::string("AAAA"),
                                   of_groups, std::string(100'000, 'A')}) {
    list.set_page_token(token);
    EXPECT_THAT(Run(catalog_->List(list)),
                StatusIs(absl::StatusCode::kInvalidArgument));
  }
  groups.set_page_token(of_list);
  EXPECT_THAT(Run(catalog_->ListGroups(groups)),
              StatusIs(absl::StatusCode::kInvalidArgument));
  list.set_page_token(of_list);
  EXPECT_THAT(Run(catalog_->List(list)), IsOk());
  list.mutable_filter()->set_group("acme");
  EXPECT_THAT(Run(catalog_->List(list)),
              StatusIs(absl::StatusCode::kInvalidArgument));
  list.set_page_size(-1);
  EXPECT_THAT(Run(catalog_->List(list)),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_P(CatalogStoreTest, ASnapshotHasAllThatIsThereInOrderOfId) {
  for (const char* path : {"z/1", "a/2", "m/3"}) Put(Repository(path, path));
  Put(Repository("m/3", "m/3"), "b");
  EXPECT_THAT(Run(catalog_->Forget("a", "github.com", "a/2")), IsOk());
  auto all = Run(catalog_->ReadSnapshot({}, 0, 10));
  EXPECT_THAT(PathsOf(*all), ElementsAre("z/1", "m/3"));
  EXPECT_THAT(PathsOf(*Run(catalog_->ReadSnapshot({}, (*all)[0].id(), 10))),
              ElementsAre("m/3"));
  EXPECT_THAT(PathsOf(*Run(catalog_->ReadSnapshot({"b"}, 0, 10))),
              ElementsAre("m/3"));
  EXPECT_THAT(PathsOf(*Run(catalog_->ReadSnapshot({}, 0, 1))),
              ElementsAre("z/1"));
}

TEST_P(CatalogStoreTest, TextThatNoDatabaseTakesIsCleaned) {
  CatalogRepository repository =
      Repository("1", std::string("acme/a\0b", 8), "bad \xff\xc3 utf");
  Put(repository);
  EXPECT_EQ(Put(repository).unchanged, 1);
  const auto entry = Run(catalog_->GetByForgeId("github.com", "1"));
  EXPECT_EQ(entry->repository().path(), "acme/ab");
  EXPECT_EQ(entry->repository().description(), "bad \uFFFD\uFFFD utf");
  v1::RepositoryFilter filter;
  filter.set_group(std::string("ac\0me\xff", 6));
  EXPECT_THAT(List(filter), IsEmpty());
  EXPECT_THAT(Run(catalog_->GetByRepositoryId(std::string("\0\xff", 2))),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST_P(CatalogStoreTest, AnUnknownConnectionCannotPut) {
  EXPECT_THAT(Run(catalog_->Put("none", Repository("1", "acme/web"))),
              StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace lamplighter::reposync
