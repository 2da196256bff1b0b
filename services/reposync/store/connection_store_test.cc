#include "services/reposync/store/connection_store.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/status/testing/status_matchers.h"
#include "services/reposync/store/hook_store.h"
#include "services/reposync/store/listing_store.h"
#include "services/reposync/store/testing/store_test_fixture.h"

namespace lamplighter::reposync {
namespace {

using ::absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using v1::CatalogConnection;

v1::ConnectionInfo Info(const std::string& name,
                        const std::string& type = "github") {
  v1::ConnectionInfo info;
  info.set_name(name);
  info.set_type(type);
  info.set_instance("forge");
  return info;
}

StoredConnection RunTime(const std::string& name) {
  StoredConnection connection;
  connection.info = Info(name);
  connection.origin = CatalogConnection::SERVICE;
  connection.sealed = std::string("\0sealed\xff", 8);
  return connection;
}

class ConnectionStoreTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    if (IsSkipped()) return;
    catalog_.emplace(*database_, clock_);
    hooks_.emplace(*database_, clock_);
    connections_.emplace(*database_, *catalog_, clock_);
  }

  int64_t Put(const std::string& connection, const std::string& forge_id) {
    v1::CatalogRepository repository;
    repository.set_forge_id(forge_id);
    repository.set_repository_id(absl::StrCat("forge/", forge_id));
    repository.set_path(forge_id);
    EXPECT_THAT(Run(catalog_->Put(connection, repository)), IsOk());
    return Run(catalog_->GetByForgeId("forge", forge_id))->id();
  }
  std::vector<std::string> Names() {
    std::vector<std::string> names;
    const auto connections = Run(connections_->List());
    for (const StoredConnection& connection : *connections) {
      names.push_back(connection.info.name());
    }
    return names;
  }

  absl::optional<CatalogStore> catalog_;
  absl::optional<HookStore> hooks_;
  absl::optional<ConnectionStore> connections_;
};
LAMPLIGHTER_ON_BOTH_DATABASES(ConnectionStoreTest);

TEST_P(ConnectionStoreTest, WhatIsInsertedIsFound) {
  ASSERT_THAT(Run(connections_->Insert(RunTime("mine"))), IsOk());
  EXPECT_THAT(Run(connections_->Insert(RunTime("mine"))),
              StatusIs(StatusCode::kAlreadyExists));
  const StoredConnection found = *Run(connections_->Find("mine"));
  EXPECT_EQ(found.sealed, RunTime("mine").sealed);
  EXPECT_EQ(found.origin, CatalogConnection::SERVICE);
  EXPECT_EQ(found.created_at, clock_.Now());
  EXPECT_EQ(found.checked_at, absl::InfinitePast());
  EXPECT_EQ(AccountOf(found).sealed_connection(), found.sealed);
  EXPECT_THAT(Run(connections_->Find("yours")),
              StatusIs(StatusCode::kNotFound));
}

TEST_P(ConnectionStoreTest, OfTwoThatUpdateOneIsTold) {
  ASSERT_THAT(Run(connections_->Insert(RunTime("mine"))), IsOk());
  StoredConnection connection = *Run(connections_->Find("mine"));
  connection.sealed = "other";
  EXPECT_THAT(Run(connections_->Update(connection)), IsOk());
  EXPECT_THAT(Run(connections_->Update(connection)),
              StatusIs(StatusCode::kAborted));
  EXPECT_EQ(Run(connections_->Find("mine"))->sealed, "other");
  EXPECT_EQ(Run(connections_->Find("mine"))->credential_version, 1);
}

TEST_P(ConnectionStoreTest, ResealingOvertakesNoUpdate) {
  ASSERT_THAT(Run(connections_->Insert(RunTime("mine"))), IsOk());
  const std::string sealed = RunTime("mine").sealed;
  EXPECT_THAT(Run(connections_->Reseal("mine", "another", "new")), IsOk());
  EXPECT_EQ(Run(connections_->Find("mine"))->sealed, sealed);
  EXPECT_THAT(Run(connections_->Reseal("mine", sealed, "new")), IsOk());
  EXPECT_EQ(Run(connections_->Find("mine"))->sealed, "new");
  EXPECT_EQ(Run(connections_->Find("mine"))->credential_version, 0);
}

TEST_P(ConnectionStoreTest, AFailedCheckLeavesWhatTheLastOneSaid) {
  ASSERT_THAT(Run(connections_->Insert(RunTime("mine"))), IsOk());
  v1::CheckCredentialResponse check;
  check.set_login("bot");
  ASSERT_THAT(Run(connections_->SaveCheck("mine", check)), IsOk());
  clock_.Advance(absl::Hours(1));
  ASSERT_THAT(Run(connections_->SaveCheck(
                  "mine", absl::UnauthenticatedError("bad credentials"))),
              IsOk());
  const StoredConnection found = *Run(connections_->Find("mine"));
  EXPECT_EQ(found.check.login(), "bot");
  EXPECT_EQ(found.check_error, "bad credentials");
  EXPECT_EQ(found.checked_at, clock_.Now());
  EXPECT_THAT(Run(connections_->SaveCheck("yours", check)),
              StatusIs(StatusCode::kNotFound));
}

TEST_P(ConnectionStoreTest, TakesOverWhatIsConfigured) {
  ASSERT_THAT(Run(connections_->Insert(RunTime("mine"))), IsOk());
  EXPECT_THAT(*Run(connections_->SetConfigured(
                  {Info("main"), Info("mine"), Info("lab", "gitlab")},
                  {"github", "gitlab"})),
              ElementsAre("mine"));
  EXPECT_THAT(Names(), ElementsAre("lab", "main", "mine"));
  EXPECT_EQ(AccountOf(*Run(connections_->Find("main"))).connection(), "main");
  v1::ConnectionInfo moved = Info("main");
  moved.set_webhook_url("https://hooks");
  EXPECT_THAT(*Run(connections_->SetConfigured({moved}, {"github"})),
              IsEmpty());
  EXPECT_EQ(Run(connections_->Find("main"))->info.webhook_url(),
            "https://hooks");
  // That of a worker that was not heard stays.
  EXPECT_THAT(Names(), ElementsAre("lab", "main", "mine"));
}

TEST_P(ConnectionStoreTest, WhatIsNoLongerConfiguredGoesAndItsHooksAreOrphans) {
  ASSERT_THAT(
      Run(connections_->SetConfigured({Info("main"), Info("two")}, {"github"})),
      IsOk());
  const HookKey key = {.connection = "main", .repository = Put("main", "a")};
  Put("main", "b");
  Put("two", "b");
  ASSERT_THAT(Run(hooks_->Attach(key, "x", false)), IsOk());
  ASSERT_THAT(Run(connections_->SetConfigured({Info("two")}, {"github"})),
              IsOk());
  EXPECT_THAT(Names(), ElementsAre("two"));
  EXPECT_TRUE(Run(catalog_->Get(key.repository))->has_removed_at());
  EXPECT_THAT(*Run(connections_->CountRepositories()),
              ElementsAre(Pair("two", 1)));
  EXPECT_EQ(Run(hooks_->Get(key))->state(), v1::Hook::ORPHANED);

  ASSERT_THAT(
      Run(connections_->SetConfigured({Info("main"), Info("two")}, {"github"})),
      IsOk());
  EXPECT_EQ(Run(hooks_->Get(key))->state(), v1::Hook::WANTED);
}

TEST_P(ConnectionStoreTest, DeletesAConnectionWithWhatOnlyItReached) {
  ASSERT_THAT(Run(connections_->SetConfigured({Info("main")}, {"github"})),
              IsOk());
  ASSERT_THAT(Run(connections_->Insert(RunTime("mine"))), IsOk());
  ListingStore listings(*database_, *catalog_, clock_);
  Listing listing = *Run(listings.Begin("mine", v1::Refresh::REQUEST, "me",
                                        absl::Minutes(5), absl::Hours(1)));
  v1::ListRepositoriesResponse page;
  for (int i = 0; i < 1203; ++i) {
    v1::CatalogRepository& repository = *page.add_repositories();
    repository.set_forge_id(absl::StrCat(i));
    repository.set_repository_id(absl::StrCat("forge/", i));
  }
  ASSERT_THAT(Run(listings.WritePages(listing, {page}, true, absl::Minutes(5))),
              IsOk());
  Put("main", "7");
  const HookKey key = {.connection = "mine", .repository = Put("mine", "8")};
  ASSERT_THAT(Run(hooks_->Attach(key, "x", false)), IsOk());

  EXPECT_THAT(Run(connections_->Delete("main", true)),
              StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(Run(connections_->Delete("mine", false)),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("1 repo")));
  EXPECT_EQ(*Run(connections_->Delete("mine", true)), 1202);
  EXPECT_THAT(Run(hooks_->Get(key)), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(Names(), ElementsAre("main"));
  EXPECT_THAT(*Run(connections_->CountRepositories()),
              ElementsAre(Pair("main", 1)));
  // The listing that was under way writes no more.
  EXPECT_THAT(Run(listings.WritePages(listing, {page}, true, absl::Minutes(5))),
              StatusIs(StatusCode::kAborted));
  EXPECT_THAT(Run(connections_->Delete("mine", true)),
              StatusIs(StatusCode::kNotFound));
}

}  // namespace
}  // namespace lamplighter::reposync
