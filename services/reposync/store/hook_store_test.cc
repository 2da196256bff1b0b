#include "services/reposync/store/hook_store.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/proto_time.h"
#include "services/reposync/store/catalog_store.h"
#include "services/reposync/store/connection_store.h"
#include "services/reposync/store/testing/store_test_fixture.h"

namespace lamplighter::reposync {
namespace {

using ::absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;
using v1::Hook;

constexpr absl::Duration kLease = absl::Minutes(2);

class HookStoreTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    if (IsSkipped()) return;
    catalog_.emplace(*database_, clock_);
    hooks_.emplace(*database_, clock_);
    ConnectionStore connections(*database_, *catalog_, clock_);
    std::vector<v1::ConnectionInfo> infos;
    for (const char* name : {"main", "other"}) {
      v1::ConnectionInfo& info = infos.emplace_back();
      info.set_name(name);
      info.set_type("github");
      info.set_instance("github.com");
    }
    ASSERT_THAT(Run(connections.SetConfigured(infos, {"github"})), IsOk());
    fleet_ = {.connection = "main", .repository = Put("1", "acme/fleet")};
    shop_ = {.connection = "main", .repository = Put("2", "acme/shop")};
  }

  int64_t Put(const std::string& forge_id, const std::string& path) {
    v1::CatalogRepository repository;
    repository.set_forge_id(forge_id);
    repository.set_path(path);
    repository.set_repository_id(absl::StrCat("github.com/", path));
    EXPECT_THAT(Run(catalog_->Put("main", repository)), IsOk());
    return Run(catalog_->GetByForgeId("github.com", forge_id))->id();
  }
  Hook Attach(const HookKey& key, const std::string& attachment = "a") {
    return Run(hooks_->Attach(key, attachment, false)).value();
  }
  std::vector<LeasedHook> TakeDue(int32_t limit = 10,
                                  std::vector<std::string> busy = {}) {
    return Run(hooks_->TakeDue("one", kLease, limit, busy)).value();
  }
  absl::Status SettlePresent(LeasedHook leased) {
    leased.hook.set_state(Hook::PRESENT);
    leased.hook.add_forge_ids("77");
    *leased.hook.mutable_next_at() = ToProto(clock_.Now() + absl::Hours(24));
    return Run(hooks_->Settle(std::move(leased)));
  }

  absl::optional<CatalogStore> catalog_;
  absl::optional<HookStore> hooks_;
  HookKey fleet_;
  HookKey shop_;
};
LAMPLIGHTER_ON_BOTH_DATABASES(HookStoreTest);

TEST_P(HookStoreTest, AnAttachmentMadeTwiceCountsOnce) {
  EXPECT_EQ(Attach(fleet_, "a").state(), Hook::WANTED);
  Attach(fleet_, "a");
  const Hook hook = Attach(fleet_, "b");
  EXPECT_THAT(hook.attachments(), ElementsAre("a", "b"));
  EXPECT_EQ(hook.repository_id(), "github.com/acme/fleet");
  EXPECT_EQ(Run(hooks_->Detach(fleet_, "a")).value()->state(), Hook::WANTED);
  EXPECT_EQ(Run(hooks_->Detach(fleet_, "c")).value()->state(), Hook::WANTED);
  EXPECT_EQ(Run(hooks_->Detach(fleet_, "b")).value()->state(), Hook::REMOVING);
}

TEST_P(HookStoreTest, ARepositoryThatIsNotThereIsNotAttached) {
  EXPECT_THAT(Run(hooks_->Attach({"main", 999}, "a", false)),
              StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(Run(hooks_->Get(fleet_)), StatusIs(StatusCode::kNotFound));
  EXPECT_FALSE(Run(hooks_->Detach(fleet_, "a"))->has_value());
}

TEST_P(HookStoreTest, AnUnmanagedHookIsNeverDueAndGoesWithItsLastAttachment) {
  EXPECT_EQ(Run(hooks_->Attach(fleet_, "a", true))->state(), Hook::UNMANAGED);
  EXPECT_THAT(TakeDue(), IsEmpty());
  EXPECT_EQ(*Run(hooks_->NextDue({})), absl::InfiniteFuture());
  EXPECT_EQ(*Run(hooks_->MakeDue("", "", false)), 0);
  EXPECT_FALSE(Run(hooks_->Detach(fleet_, "a"))->has_value());
  EXPECT_THAT(Run(hooks_->Get(fleet_)), StatusIs(StatusCode::kNotFound));
}

TEST_P(HookStoreTest, LeasesWhatIsDueToOneAtATimeLongestDueFirst) {
  Attach(fleet_);
  clock_.Advance(absl::Seconds(1));
  Attach(shop_);
  const auto first = TakeDue(1);
  ASSERT_THAT(first, SizeIs(1));
  EXPECT_EQ(first[0].hook.repository(), fleet_.repository);
  EXPECT_THAT(first[0].hook.attachments(), ElementsAre("a"));
  EXPECT_THAT(Run(hooks_->Take(fleet_, "two", kLease)),
              StatusIs(StatusCode::kAborted));
  EXPECT_THAT(TakeDue(10, {"main"}), IsEmpty());
  EXPECT_THAT(TakeDue(), SizeIs(1));
  EXPECT_THAT(TakeDue(), IsEmpty());
  EXPECT_EQ(*Run(hooks_->NextDue({})), clock_.Now() + kLease);
  EXPECT_EQ(*Run(hooks_->NextDue({"main"})), absl::InfiniteFuture());
  clock_.Advance(kLease);
  EXPECT_THAT(TakeDue(), SizeIs(2));
}

TEST_P(HookStoreTest, WhoLostItsLeaseSettlesNothing) {
  Attach(fleet_);
  const LeasedHook lost = *Run(hooks_->Take(fleet_, "one", kLease));
  clock_.Advance(kLease);
  const LeasedHook taken = *Run(hooks_->Take(fleet_, "two", kLease));
  EXPECT_THAT(SettlePresent(lost), StatusIs(StatusCode::kAborted));
  EXPECT_THAT(Run(hooks_->SettleRemoved(lost)), StatusIs(StatusCode::kAborted));
  EXPECT_THAT(SettlePresent(taken), IsOk());
  EXPECT_EQ(Run(hooks_->Get(fleet_))->state(), Hook::PRESENT);
  EXPECT_THAT(Run(hooks_->Get(fleet_))->forge_ids(), ElementsAre("77"));
  EXPECT_THAT(TakeDue(), IsEmpty());
  clock_.Advance(absl::Hours(24));
  EXPECT_THAT(TakeDue(), SizeIs(1));
}

TEST_P(HookStoreTest, WhatIsAskedForMeanwhileIsNotLost) {
  Attach(fleet_);
  const LeasedHook putting = *Run(hooks_->Take(fleet_, "one", kLease));
  ASSERT_THAT(Run(hooks_->Detach(fleet_, "a")), IsOk());
  EXPECT_THAT(SettlePresent(putting), IsOk());
  const Hook hook = *Run(hooks_->Get(fleet_));
  EXPECT_EQ(hook.state(), Hook::REMOVING);
  EXPECT_THAT(hook.forge_ids(), ElementsAre("77"));

  const LeasedHook removing = TakeDue()[0];
  Attach(fleet_);
  EXPECT_THAT(Run(hooks_->SettleRemoved(removing)), IsOk());
  const Hook again = *Run(hooks_->Get(fleet_));
  EXPECT_EQ(again.state(), Hook::WANTED);
  EXPECT_THAT(again.forge_ids(), IsEmpty());
  EXPECT_THAT(TakeDue(), SizeIs(1));
}

TEST_P(HookStoreTest, WhatIsRemovedIsGone) {
  Attach(fleet_);
  ASSERT_THAT(SettlePresent(TakeDue()[0]), IsOk());
  ASSERT_THAT(Run(hooks_->Detach(fleet_, "a")), IsOk());
  ASSERT_THAT(Run(hooks_->SettleRemoved(TakeDue()[0])), IsOk());
  EXPECT_THAT(Run(hooks_->Get(fleet_)), StatusIs(StatusCode::kNotFound));
}

TEST_P(HookStoreTest, RewritingIsAskedForUntilItIsDone) {
  Attach(fleet_);
  Attach(shop_);
  for (const LeasedHook& leased : TakeDue()) {
    ASSERT_THAT(SettlePresent(leased), IsOk());
  }
  EXPECT_EQ(*Run(hooks_->MakeDue("main", "github.com/acme/fleet", true)), 1);
  LeasedHook leased = TakeDue()[0];
  EXPECT_TRUE(leased.rewrite);
  leased.hook.set_state(Hook::FAILING);
  ASSERT_THAT(Run(hooks_->Settle(leased)), IsOk());
  leased = *Run(hooks_->Take(fleet_, "one", kLease));
  EXPECT_TRUE(leased.rewrite);
  ASSERT_THAT(SettlePresent(leased), IsOk());
  EXPECT_THAT(Run(hooks_->Take(fleet_, "one", kLease)),
              StatusIs(StatusCode::kAborted));
  clock_.Advance(absl::Hours(24));
  EXPECT_FALSE(Run(hooks_->Take(fleet_, "one", kLease))->rewrite);
}

TEST_P(HookStoreTest, ANewCredentialRevivesWhatIsOrphanedOrFails) {
  Attach(fleet_);
  Attach(shop_);
  ASSERT_THAT(Run(hooks_->Detach(fleet_, "a")), IsOk());
  for (LeasedHook& leased : TakeDue()) {
    const bool wanted = leased.hook.attachments_size() > 0;
    leased.hook.set_state(wanted ? Hook::FAILING : Hook::ORPHANED);
    leased.hook.set_failures(3);
    leased.hook.set_error("bad credentials");
    *leased.hook.mutable_next_at() = ToProto(clock_.Now() + absl::Hours(9));
    ASSERT_THAT(Run(hooks_->Settle(leased)), IsOk());
  }
  EXPECT_THAT(*Run(hooks_->CountStates()),
              ElementsAre(Pair(Hook::FAILING, 1), Pair(Hook::ORPHANED, 1)));
  EXPECT_EQ(*Run(hooks_->Revive("other")), 0);
  EXPECT_EQ(*Run(hooks_->Revive("main")), 2);
  EXPECT_EQ(Run(hooks_->Get(fleet_))->state(), Hook::REMOVING);
  EXPECT_THAT(TakeDue(), SizeIs(2));
}

TEST_P(HookStoreTest, IsFoundByTheNameNowAndTheOneItWasAttachedBy) {
  Attach(fleet_);
  Put("1", "acme/navy");
  EXPECT_EQ(Run(hooks_->Get(fleet_))->repository_id(), "github.com/acme/navy");
  EXPECT_THAT(*Run(hooks_->OfRepository("github.com/acme/navy")), SizeIs(1));
  EXPECT_THAT(*Run(hooks_->OfRepository("github.com/acme/fleet")), SizeIs(1));
  EXPECT_THAT(*Run(hooks_->OfRepository("github.com/acme/shop")), IsEmpty());
  EXPECT_EQ(TakeDue()[0].hook.repository_id(), "github.com/acme/navy");
}

TEST_P(HookStoreTest, IsListedPageByPage) {
  Attach(fleet_);
  Attach({"other", fleet_.repository}, "b");
  Attach(shop_, "c");
  v1::ListHooksRequest request;
  request.set_page_size(2);
  const auto first = *Run(hooks_->List(request));
  ASSERT_THAT(first.hooks(), SizeIs(2));
  EXPECT_THAT(first.hooks(1).attachments(), ElementsAre("b"));
  request.set_page_token(first.next_page_token());
  const auto second = *Run(hooks_->List(request));
  ASSERT_THAT(second.hooks(), SizeIs(1));
  EXPECT_THAT(second.hooks(0).attachments(), ElementsAre("c"));
  EXPECT_THAT(second.next_page_token(), IsEmpty());
  v1::ListHooksRequest filtered;
  filtered.set_connection("main");
  filtered.set_repository_id("github.com/acme/shop");
  filtered.add_states(Hook::WANTED);
  EXPECT_THAT(Run(hooks_->List(filtered))->hooks(), SizeIs(1));
  filtered.set_page_token("x");
  EXPECT_THAT(Run(hooks_->List(filtered)),
              StatusIs(StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace lamplighter::reposync
