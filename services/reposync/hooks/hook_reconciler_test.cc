#include "services/reposync/hooks/hook_reconciler.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/grpc/retry_info.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/proto_time.h"
#include "services/reposync/hooks/testing/fake_hook_worker.h"
#include "services/reposync/hooks/testing/hook_process.h"
#include "services/reposync/store/testing/store_test_fixture.h"

namespace lamplighter::reposync {
namespace {

using ::absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using v1::Hook;

class HookReconcilerTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    one_ = MakeProcess("one");
    ASSERT_THAT(Run(one_->connections.SetConfigured(
                    {Info("main"), Info("other")}, {"github"})),
                IsOk());
  }
  void TearDown() override {
    if (two_ != nullptr) Run(Stop(*two_));
    Run(Stop(*one_));
  }

  static v1::ConnectionInfo Info(const std::string& name) {
    v1::ConnectionInfo info;
    info.set_name(name);
    info.set_type("github");
    info.set_instance("github.com");
    info.set_webhook_url("https://hooks");
    info.add_webhook_events("push");
    return info;
  }
  std::unique_ptr<Process> MakeProcess(std::string owner) {
    return std::make_unique<Process>(Open(), std::move(owner), loop_, worker_,
                                     clock_);
  }
  static boost::asio::awaitable<bool> Stop(Process& process) {
    co_await process.reconciler.Drain(absl::Seconds(5));
    co_await process.tasks.Drain(absl::Seconds(5));
    co_return true;
  }
  static boost::asio::awaitable<bool> ReconcileOn(Process& process,
                                                  HookKey key) {
    co_await process.reconciler.Reconcile(std::move(key));
    co_return true;
  }

  // In the catalog as `connection` reaches it, and on the forge.
  HookKey Put(const std::string& path, const std::string& connection = "main",
              std::string forge_id = "") {
    v1::CatalogRepository repository;
    repository.set_forge_id(forge_id.empty() ? path : forge_id);
    repository.set_path(path);
    repository.set_repository_id(absl::StrCat("github.com/", path));
    EXPECT_THAT(Run(one_->catalog.Put(connection, repository)), IsOk());
    worker_.repositories[repository.repository_id()];
    return {connection,
            Run(one_->catalog.GetByForgeId("github.com", repository.forge_id()))
                ->id()};
  }
  void Attach(const HookKey& key) {
    ASSERT_THAT(Run(one_->hooks.Attach(key, "a", false)), IsOk());
    Run(ReconcileOn(*one_, key));
  }
  void Detach(const HookKey& key) {
    ASSERT_THAT(Run(one_->hooks.Detach(key, "a")), IsOk());
    Run(ReconcileOn(*one_, key));
  }
  absl::StatusOr<Hook> Get(const HookKey& key) {
    return Run(one_->hooks.Get(key));
  }
  Hook::State StateOf(const HookKey& key) { return Get(key)->state(); }
  std::vector<FakeHookWorker::Webhook>& OnForge(const std::string& path) {
    return worker_.repositories[absl::StrCat("github.com/", path)];
  }
  // Whatever is due by then is done.
  void Pass(absl::Duration time) {
    clock_.Advance(time);
    Settle(*one_);
  }
  void Settle(Process& process) {
    process.reconciler.Wake();
    // What is worked on stays due until that is written.
    const auto is_idle = [&] {
      v1::ListHooksRequest all;
      all.set_page_size(1000);
      const auto hooks = Run(process.hooks.List(all));
      return absl::c_all_of(hooks->hooks(), [&](const Hook& hook) {
        return FromProto(hook.next_at()) > clock_.Now();
      });
    };
    EXPECT_TRUE(Until(is_idle));
  }
  bool Until(const std::function<bool()>& condition) {
    boost::asio::steady_timer limit(loop_, std::chrono::seconds(10));
    bool late = false;
    limit.async_wait(
        [&late](boost::system::error_code error) { late |= !error; });
    bool met = condition();
    while (!met && !late) {
      loop_.restart();
      loop_.run_one_for(std::chrono::milliseconds(10));
      met = condition();
    }
    limit.cancel();
    loop_.restart();
    loop_.poll();  // ends the wait, which refers to `late`
    return met;
  }

  FakeHookWorker worker_;
  std::unique_ptr<Process> one_;
  std::unique_ptr<Process> two_;
};
INSTANTIATE_TEST_SUITE_P(, HookReconcilerTest,
                         testing::Values(Dialect::kSqlite), NameOfDialect);

TEST_P(HookReconcilerTest, PutsAWebhookOnAndTakesItOff) {
  const HookKey key = Put("acme/fleet");
  Attach(key);
  const Hook hook = *Get(key);
  EXPECT_EQ(hook.state(), Hook::PRESENT);
  EXPECT_EQ(hook.url(), "https://hooks");
  EXPECT_THAT(hook.events(), ElementsAre("push"));
  EXPECT_THAT(hook.forge_ids(), ElementsAre(OnForge("acme/fleet")[0].id));
  EXPECT_EQ(FromProto(hook.checked_at()), clock_.Now());
  Detach(key);
  EXPECT_THAT(Get(key), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(OnForge("acme/fleet"), SizeIs(0));
}

TEST_P(HookReconcilerTest, LooksAtItNowAndThenAndMendsIt) {
  const HookKey key = Put("acme/fleet");
  Attach(key);
  Pass(absl::Hours(20));
  EXPECT_EQ(worker_.calls, 1);
  Pass(absl::Hours(7));
  EXPECT_EQ(worker_.calls, 2);
  EXPECT_EQ(Get(key)->repairs(), 0);
  OnForge("acme/fleet").clear();  // by hand
  Pass(absl::Hours(27));
  EXPECT_THAT(OnForge("acme/fleet"), SizeIs(1));
  EXPECT_EQ(Get(key)->repairs(), 1);
  OnForge("acme/fleet")[0].difference = "it was inactive";
  Pass(absl::Hours(27));
  EXPECT_EQ(Get(key)->repairs(), 2);
  EXPECT_EQ(OnForge("acme/fleet")[0].difference, "");
  EXPECT_THAT(one_->metrics.Text(),
              AllOf(HasSubstr("hook_repairs_total{kind=\"deleted\"} 1"),
                    HasSubstr("hook_repairs_total{kind=\"repaired\"} 1")));
}

TEST_P(HookReconcilerTest, RewritesTheSecretWithoutCallingItARepair) {
  const HookKey key = Put("acme/fleet");
  Attach(key);
  ASSERT_EQ(*Run(one_->hooks.MakeDue("", "", true)), 1);
  Settle(*one_);
  EXPECT_TRUE(Until([&] { return worker_.rewritten == 1; }));
  EXPECT_EQ(Get(key)->repairs(), 0);
}

TEST_P(HookReconcilerTest, TheTwentyFirstFailsWithTheForgesWordsAndSlowly) {
  const HookKey key = Put("acme/fleet");
  OnForge("acme/fleet").resize(20);
  Attach(key);
  EXPECT_EQ(StateOf(key), Hook::FAILING);
  EXPECT_THAT(Get(key)->error(), HasSubstr("as many webhooks as it may"));
  Pass(absl::Minutes(29));
  EXPECT_EQ(worker_.calls, 1);
  OnForge("acme/fleet").pop_back();
  Pass(absl::Minutes(32));
  EXPECT_EQ(StateOf(key), Hook::PRESENT);
  EXPECT_EQ(Get(key)->error(), "");
}

TEST_P(HookReconcilerTest, WhatMayWorkNextTimeIsTriedSoon) {
  const HookKey key = Put("acme/fleet");
  worker_.errors["main"] = absl::UnavailableError("502");
  Attach(key);
  EXPECT_EQ(StateOf(key), Hook::FAILING);
  worker_.errors.clear();
  Pass(absl::Seconds(6));
  EXPECT_TRUE(Until([&] { return StateOf(key) == Hook::PRESENT; }));
}

TEST_P(HookReconcilerTest, AdoptsWhatAProcessThatDiedHadPutOn) {
  const HookKey key = Put("acme/fleet");
  ASSERT_THAT(Run(one_->hooks.Attach(key, "a", false)), IsOk());
  ASSERT_THAT(Run(one_->hooks.Take(key, "dead", absl::Minutes(2))), IsOk());
  v1::EnsureWebhooksRequest request;
  request.set_connection("main");
  request.set_repository_id("github.com/acme/fleet");
  ASSERT_THAT(Run(worker_.Ensure("github", request)), IsOk());
  one_->reconciler.Wake();
  clock_.Advance(absl::Seconds(119));
  Run(ReconcileOn(*one_, Put("acme/shop")));
  EXPECT_EQ(StateOf(key), Hook::WANTED);
  EXPECT_EQ(worker_.calls, 1);
  Pass(absl::Seconds(1));
  EXPECT_EQ(StateOf(key), Hook::PRESENT);
  EXPECT_THAT(OnForge("acme/fleet"), SizeIs(1));
  EXPECT_EQ(Get(key)->repairs(), 0);
}

TEST_P(HookReconcilerTest, OfTwoReplicasOneCallsAndBothAnswer) {
  two_ = MakeProcess("two");
  const HookKey key = Put("acme/fleet");
  ASSERT_THAT(Run(one_->hooks.Attach(key, "a", false)), IsOk());
  ASSERT_THAT(Run(two_->hooks.Attach(key, "b", false)), IsOk());
  int answered = 0;
  for (Process* process : {one_.get(), two_.get()}) {
    boost::asio::co_spawn(
        loop_, ReconcileOn(*process, key),
        [&answered](std::exception_ptr, bool) { ++answered; });
  }
  EXPECT_TRUE(Until([&] { return answered == 2; }));
  EXPECT_EQ(worker_.calls, 1);
  EXPECT_EQ(StateOf(key), Hook::PRESENT);
  EXPECT_THAT(Get(key)->attachments(), ElementsAre("a", "b"));
  EXPECT_THAT(OnForge("acme/fleet"), SizeIs(1));
}

TEST_P(HookReconcilerTest, ARevokedTokenLeavesAnOrphanUntilThereIsANewOne) {
  const HookKey key = Put("acme/fleet");
  Attach(key);
  worker_.errors["main"] = absl::UnauthenticatedError("bad credentials");
  Detach(key);
  EXPECT_EQ(StateOf(key), Hook::ORPHANED);
  EXPECT_EQ(Get(key)->error(), "bad credentials");
  EXPECT_EQ(worker_.calls, 2);
  Pass(absl::Minutes(29));
  EXPECT_EQ(worker_.calls, 2);
  worker_.errors.clear();
  ASSERT_EQ(*Run(one_->hooks.Revive("main")), 1);
  one_->reconciler.Forgive("main");
  EXPECT_TRUE(Until([&] { return !Get(key).ok(); }));
  EXPECT_THAT(OnForge("acme/fleet"), SizeIs(0));
}

TEST_P(HookReconcilerTest, WhoMayNotTakeItOffAnyMoreLeavesAnOrphan) {
  const HookKey key = Put("acme/fleet");
  Attach(key);
  worker_.repository_errors["github.com/acme/fleet"] =
      absl::PermissionDeniedError("must have admin rights");
  Detach(key);
  EXPECT_EQ(StateOf(key), Hook::ORPHANED);
  worker_.repository_errors.clear();
  Pass(absl::Minutes(61));
  EXPECT_THAT(Get(key), StatusIs(StatusCode::kNotFound));
}

TEST_P(HookReconcilerTest, WhatTheCatalogStillHasIsNotTakenForGone) {
  const HookKey key = Put("acme/fleet");
  Attach(key);
  worker_.repository_errors["github.com/acme/fleet"] =
      absl::NotFoundError("404");
  Detach(key);
  EXPECT_EQ(StateOf(key), Hook::ORPHANED);
}

TEST_P(HookReconcilerTest, AWebhookGoesWithItsRepository) {
  const HookKey key = Put("acme/fleet");
  Attach(key);
  worker_.repositories.erase("github.com/acme/fleet");
  ASSERT_THAT(Run(one_->catalog.Forget("main", "github.com", "acme/fleet")),
              IsOk());
  Detach(key);
  EXPECT_THAT(Get(key), StatusIs(StatusCode::kNotFound));
}

TEST_P(HookReconcilerTest, AConnectionThatItsWorkerDoesNotKnowLeavesAnOrphan) {
  const HookKey key = Put("acme/fleet");
  Attach(key);
  ASSERT_THAT(Run(one_->catalog.Forget("main", "github.com", "acme/fleet")),
              IsOk());
  worker_.errors["main"] = absl::NotFoundError("there is no connection main");
  Detach(key);
  EXPECT_EQ(StateOf(key), Hook::ORPHANED);
}

TEST_P(HookReconcilerTest, AHookWithoutItsConnectionIsAnOrphan) {
  const HookKey key = Put("acme/fleet");
  Attach(key);
  ASSERT_THAT(Run(one_->connections.SetConfigured({Info("other")}, {"github"})),
              IsOk());
  EXPECT_EQ(StateOf(key), Hook::ORPHANED);
  Detach(key);
  EXPECT_EQ(StateOf(key), Hook::ORPHANED);
  EXPECT_EQ(worker_.calls, 1);
}

TEST_P(HookReconcilerTest, ALimitedConnectionWaitsAsAWholeAndNoOther) {
  worker_.errors["main"] = WithRetryAfter(
      absl::ResourceExhaustedError("rate limited"), absl::Minutes(20));
  std::vector<HookKey> keys;
  for (int i = 0; i < 30; ++i) {
    keys.push_back(Put(absl::StrCat("acme/r", i)));
    ASSERT_THAT(Run(one_->hooks.Attach(keys.back(), "a", false)), IsOk());
  }
  const HookKey other = Put("acme/fleet", "other");
  Attach(other);
  EXPECT_TRUE(Until([&] { return StateOf(other) == Hook::PRESENT; }));
  // All that was begun before the first answer is written.
  EXPECT_TRUE(Until([&] {
    const auto failing = absl::c_count_if(keys, [&](const HookKey& key) {
      return StateOf(key) == Hook::FAILING;
    });
    return failing > 0 && failing == worker_.calls - 1;
  }));
  const int calls = worker_.calls - 1;
  EXPECT_LE(calls, 8);
  clock_.Advance(absl::Minutes(19));
  Run(ReconcileOn(*one_, keys[0]));  // answers at once
  EXPECT_EQ(worker_.calls - 1, calls);
  worker_.errors.clear();
  worker_.most_running = 0;
  Pass(absl::Minutes(2));
  EXPECT_TRUE(Until([&] { return StateOf(keys[29]) == Hook::PRESENT; }));
  Settle(*one_);
  for (const HookKey& key : keys) EXPECT_EQ(StateOf(key), Hook::PRESENT);
  EXPECT_LE(worker_.most_running, 8);
}

TEST_P(HookReconcilerTest, FollowsARepositoryThatIsRenamed) {
  const HookKey key = Put("acme/fleet", "main", "17");
  Attach(key);
  const std::string id = OnForge("acme/fleet")[0].id;
  worker_.repositories["github.com/acme/navy"] = OnForge("acme/fleet");
  worker_.repositories.erase("github.com/acme/fleet");
  // Looked at before the catalog knows.
  Pass(absl::Hours(27));
  EXPECT_EQ(StateOf(key), Hook::FAILING);
  v1::CatalogRepository renamed;
  renamed.set_forge_id("17");
  renamed.set_path("acme/navy");
  renamed.set_repository_id("github.com/acme/navy");
  ASSERT_THAT(Run(one_->catalog.Put("main", renamed)), IsOk());
  Pass(absl::Hours(1));
  EXPECT_EQ(StateOf(key), Hook::PRESENT);
  EXPECT_THAT(Get(key)->forge_ids(), ElementsAre(id));
  EXPECT_THAT(OnForge("acme/navy"), SizeIs(1));
  Detach(key);
  EXPECT_THAT(OnForge("acme/navy"), SizeIs(0));
}

TEST_P(HookReconcilerTest, ShowsHowManyAreInEachState) {
  Attach(Put("acme/fleet"));
  clock_.Advance(absl::Seconds(11));
  one_->reconciler.Wake();
  EXPECT_TRUE(Until([&] {
    return absl::StrContains(one_->metrics.Text(),
                             "reposync_hooks{state=\"present\"} 1");
  }));
  worker_.errors["main"] = absl::UnavailableError("502");
  Attach(Put("acme/shop"));
  EXPECT_THAT(one_->metrics.Text(),
              HasSubstr("hook_errors_total{code=\"unavailable\"} 1"));
}

}  // namespace
}  // namespace lamplighter::reposync
