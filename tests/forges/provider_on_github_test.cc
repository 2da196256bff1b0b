// What ProviderService's calls come to on a GitHub, as a user and as an App.

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/clock.h"
#include "gmock/gmock.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/v1/provider.pb.h"
#include "services/provider/forges/github/testing/app_key.h"
#include "tests/forges/provider_on_forge.h"
#include "tests/forges/scripted_github.h"

namespace lamplighter::provider {
namespace {

using ::absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr char kToken[] = "t0ken-of-the-test";

class ProviderOnGitHubTest : public ::testing::Test {
 protected:
  static const std::string& AppKey() {
    static const auto* const key = new std::string(MakeAppKey());
    return *key;
  }

  static ScriptedGitHub::Options Options() {
    ScriptedGitHub::Options options;
    options.token = kToken;
    options.app_id = "123";
    options.app_key = AppKey();
    return options;
  }

  // As whom the worker works; the account's path is "", "/org".
  ProviderOnForge& Be(const std::map<std::string, std::string>& secret,
                      const std::string& account = "") {
    provider_ = std::make_unique<ProviderOnForge>(
        "github", forge_,
        ProviderOnForge::Addresses{"/org/repo-000001", account}, secret);
    return *provider_;
  }
  ProviderOnForge& BeUser(const std::string& account = "") {
    return Be({{"token", kToken}}, account);
  }
  ProviderOnForge& BeApp(const std::string& account = "") {
    forge_.app().installations()[7].account = "org";
    forge_.app().installations()[20].account = "other";
    return Be({{"githubAppID", "123"}, {"githubAppPrivateKey", AppKey()}},
              account);
  }

  template <typename Do>
  void OnLoop(Do&& what) {
    provider_->loop().Do(what);
  }
  size_t Calls() {
    return provider_->loop().Do([&] { return forge_.calls().size(); });
  }
  // How many of the calls that GitHub answered so.
  size_t CallsWith(int status) {
    return provider_->loop().Do([&] {
      size_t count = 0;
      for (const ScriptedCall& call : forge_.calls()) {
        count += call.status == status ? 1 : 0;
      }
      return count;
    });
  }

  ScriptedGitHub forge_{Options(), Clock::System()};
  std::unique_ptr<ProviderOnForge> provider_;
};

std::vector<v1::Webhook::Action> ActionsOf(
    const google::protobuf::RepeatedPtrField<v1::Webhook>& webhooks) {
  std::vector<v1::Webhook::Action> actions;
  for (const v1::Webhook& webhook : webhooks) {
    actions.push_back(webhook.action());
  }
  return actions;
}

TEST_F(ProviderOnGitHubTest, WhatIsUnchangedIsReadForFree) {
  ProviderOnForge& provider = BeUser();
  ASSERT_THAT(provider.Set(v1::SUCCESS), IsOk());
  ASSERT_THAT(provider.Set(v1::SUCCESS), IsOk());
  const auto again = provider.Set(v1::SUCCESS);
  ASSERT_THAT(again, IsOk());
  EXPECT_FALSE(again->written());
  EXPECT_EQ(CallsWith(304), 1);
}

TEST_F(ProviderOnGitHubTest, AnArchivedRepositoryTakesNoStatus) {
  ProviderOnForge& provider = BeUser();
  OnLoop([&] { forge_.Archive("org/repo-000001"); });
  EXPECT_THAT(provider.Set(v1::SUCCESS),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("archived")));
}

TEST_F(ProviderOnGitHubTest, FollowsARenamedRepository) {
  ProviderOnForge& provider = BeUser();
  OnLoop([&] { forge_.Rename("org/repo-000001", "org/renamed"); });
  ASSERT_THAT(provider.Set(v1::SUCCESS), IsOk());
  const auto listed = provider.List();
  ASSERT_THAT(listed, IsOk());
  EXPECT_THAT(listed->statuses(), SizeIs(1));
  EXPECT_THAT(forge_.statuses().History(
                  absl::StrCat("org/renamed@", ProviderOnForge::kSha)),
              SizeIs(1));
}

TEST_F(ProviderOnGitHubTest, ListsAUsersRepositoriesPageByPage) {
  ProviderOnForge& provider = BeUser();
  OnLoop([&] {
    forge_.AddRepositories(120, "org");
    forge_.AddRepositories(130, "other");
  });
  const auto all = provider.ListRepositories();
  ASSERT_THAT(all.status, IsOk());
  ASSERT_THAT(all.pages, SizeIs(3));
  EXPECT_EQ(all.count(), 250);
  std::set<std::string> ids;
  for (const auto& page : all.pages) {
    for (const auto& repository : page.repositories()) {
      ids.insert(repository.repository_id());
      EXPECT_THAT(repository.clone_url(), StartsWith(provider.site()));
    }
  }
  EXPECT_EQ(ids.size(), 250);
  EXPECT_TRUE(ids.contains(absl::StrCat(provider.host(), "/org/repo-000001")));

  v1::ListRepositoriesRequest rest;
  rest.set_page_token(all.pages[1].next_page_token());
  EXPECT_EQ(provider.ListRepositories(rest).count(), 50);
}

TEST_F(ProviderOnGitHubTest, UnchangedPagesCostNothing) {
  ProviderOnForge& provider = BeUser();
  OnLoop([&] { forge_.AddRepositories(250); });
  const auto first = provider.ListRepositories();
  ASSERT_THAT(first.status, IsOk());
  v1::ListRepositoriesRequest again;
  for (const auto& page : first.pages) {
    v1::KnownPage& known = *again.add_known_pages();
    known.set_page_token(page.page_token());
    known.set_etag(page.etag());
    known.set_next_page_token(page.next_page_token());
  }
  const auto second = provider.ListRepositories(again);
  ASSERT_THAT(second.status, IsOk());
  ASSERT_THAT(second.pages, SizeIs(3));
  EXPECT_EQ(second.count(), 0);
  for (const auto& page : second.pages) EXPECT_TRUE(page.not_modified());
  EXPECT_EQ(CallsWith(304), 3);
  EXPECT_EQ(second.pages[2].rate_limit().remaining(),
            first.pages[2].rate_limit().remaining());

  OnLoop([&] { forge_.AddRepositories(1); });
  const auto third = provider.ListRepositories(again);
  ASSERT_THAT(third.status, IsOk());
  EXPECT_TRUE(third.pages[0].not_modified());
  EXPECT_EQ(third.count(), 51);
}

TEST_F(ProviderOnGitHubTest, AConnectionOfAnOwnerListsItsAlone) {
  ProviderOnForge& provider = BeUser("/other");
  OnLoop([&] {
    forge_.AddRepositories(120, "org");
    forge_.AddRepositories(30, "other");
  });
  EXPECT_EQ(provider.ListRepositories().count(), 30);
}

TEST_F(ProviderOnGitHubTest, AnAppListsAllItsInstallations) {
  ProviderOnForge& provider = BeApp();
  OnLoop([&] {
    forge_.AddRepositories(120, "org");
    forge_.AddRepositories(30, "other");
    forge_.AddRepositories(5, "elsewhere");
  });
  const auto all = provider.ListRepositories();
  ASSERT_THAT(all.status, IsOk());
  EXPECT_EQ(all.count(), 150);
  EXPECT_EQ(all.pages[0].repositories(0).access(),
            v1::CatalogRepository::ADMIN);
  EXPECT_EQ(forge_.app().tokens_made(), 2);
  v1::ListRepositoriesRequest rest;
  rest.set_page_token(all.pages[1].page_token());
  EXPECT_EQ(provider.ListRepositories(rest).count(), 50);
}

TEST_F(ProviderOnGitHubTest, AnAppOfAnOwnerListsItsInstallation) {
  ProviderOnForge& provider = BeApp("/org");
  OnLoop([&] {
    forge_.AddRepositories(3, "org");
    forge_.AddRepositories(30, "other");
  });
  const auto all = provider.ListRepositories();
  ASSERT_THAT(all.status, IsOk());
  EXPECT_EQ(all.count(), 3);
  EXPECT_EQ(all.pages[0].total(), 3);
}

TEST_F(ProviderOnGitHubTest, AnAppSetsStatusesWithOneToken) {
  ProviderOnForge& provider = BeApp();
  for (const char* context : {"a", "b", "c"}) {
    ASSERT_THAT(provider.Set(v1::SUCCESS, context), IsOk());
  }
  EXPECT_EQ(forge_.app().tokens_made(), 1);
  OnLoop([&] { forge_.app().RevokeTokens(); });
  EXPECT_THAT(provider.Set(v1::FAILURE, "a"), IsOk());
  EXPECT_EQ(forge_.app().tokens_made(), 2);
}

TEST_F(ProviderOnGitHubTest, AnAppSaysWhyItMayNot) {
  ProviderOnForge& provider = BeApp();
  OnLoop([&] { forge_.app().installations()[7].permissions.clear(); });
  EXPECT_THAT(provider.Set(v1::SUCCESS),
              StatusIs(StatusCode::kPermissionDenied));
  OnLoop([&] { forge_.app().installations()[7].is_suspended = true; });
  EXPECT_THAT(provider.Set(v1::SUCCESS),
              StatusIs(StatusCode::kPermissionDenied, HasSubstr("unsuspend")));
  OnLoop([&] { forge_.app().installations().erase(7); });
  EXPECT_THAT(provider.Set(v1::SUCCESS), StatusIs(StatusCode::kPermissionDenied,
                                                  HasSubstr("not installed")));
  provider.SetSecret(
      {{"githubAppID", "321"}, {"githubAppPrivateKey", AppKey()}});
  EXPECT_THAT(provider.Set(v1::SUCCESS),
              StatusIs(StatusCode::kUnauthenticated, HasSubstr("githubAppID")));
  provider.SetSecret(
      {{"githubAppID", "123"}, {"githubAppPrivateKey", MakeAppKey()}});
  EXPECT_THAT(provider.Set(v1::SUCCESS),
              StatusIs(StatusCode::kUnauthenticated, HasSubstr("same App")));
}

TEST_F(ProviderOnGitHubTest, AWebhookIsCreatedOnceAndRepaired) {
  for (const bool is_app : {false, true}) {
    ProviderOnForge& provider = is_app ? BeApp() : BeUser();
    OnLoop([&] { forge_.hooks().Clear(); });
    auto got = provider.EnsureWebhooks("org/repo");
    ASSERT_THAT(got, IsOk());
    EXPECT_THAT(ActionsOf(got->webhooks()), ElementsAre(v1::Webhook::CREATED));
    got = provider.EnsureWebhooks("org/repo");
    ASSERT_THAT(got, IsOk());
    EXPECT_THAT(ActionsOf(got->webhooks()),
                ElementsAre(v1::Webhook::UNCHANGED));
    OnLoop([&] { forge_.hooks().of("org/repo")[0].active = false; });
    got = provider.EnsureWebhooks("org/repo");
    ASSERT_THAT(got, IsOk());
    EXPECT_THAT(ActionsOf(got->webhooks()), ElementsAre(v1::Webhook::REPAIRED));
    EXPECT_EQ(got->webhooks(0).difference(), "is not active");
    const ScriptedHook& hook = forge_.hooks().of("org/repo")[0];
    EXPECT_TRUE(hook.active);
    EXPECT_EQ(hook.secret, "webhook-s3cret");
    EXPECT_EQ(hook.content_type, "json");
  }
}

TEST_F(ProviderOnGitHubTest, ARaceForAWebhookEndsWithOne) {
  ProviderOnForge& provider = BeUser();
  OnLoop([&] { forge_.hooks().RaceOnce(); });
  const auto got = provider.EnsureWebhooks("org/repo");
  ASSERT_THAT(got, IsOk());
  EXPECT_THAT(ActionsOf(got->webhooks()), ElementsAre(v1::Webhook::REPAIRED));
  EXPECT_THAT(forge_.hooks().of("org/repo"), SizeIs(1));
}

TEST_F(ProviderOnGitHubTest, OursReplaceFormerOnesAndForeignOnesStay) {
  ProviderOnForge& provider = BeUser();
  OnLoop([&] {
    auto& hooks = forge_.hooks().of("org/repo");
    hooks.push_back({.id = 101, .url = "https://ci.example.com/hook"});
    hooks.push_back({.id = 102, .url = ProviderOnForge::kFormerHook});
    // GitHub takes a double with other events.
    hooks.push_back({.id = 103, .url = ProviderOnForge::kHook});
    hooks.push_back(
        {.id = 104, .events = {"release"}, .url = ProviderOnForge::kHook});
  });
  const auto got = provider.EnsureWebhooks("org/repo");
  ASSERT_THAT(got, IsOk());
  EXPECT_THAT(ActionsOf(got->webhooks()),
              ElementsAre(v1::Webhook::REPAIRED, v1::Webhook::REMOVED,
                          v1::Webhook::REMOVED));
  ASSERT_THAT(forge_.hooks().of("org/repo"), SizeIs(2));
  EXPECT_EQ(forge_.hooks().of("org/repo")[0].id, 101);
  EXPECT_EQ(forge_.hooks().of("org/repo")[1].id, 103);

  const auto removed = provider.RemoveWebhooks("org/repo");
  ASSERT_THAT(removed, IsOk());
  EXPECT_THAT(removed->webhooks(), SizeIs(1));
  ASSERT_THAT(forge_.hooks().of("org/repo"), SizeIs(1));
  EXPECT_EQ(forge_.hooks().of("org/repo")[0].id, 101);
  EXPECT_THAT(provider.RemoveWebhooks("org/repo")->webhooks(), IsEmpty());
}

TEST_F(ProviderOnGitHubTest, TheTwentyFirstWebhookIsNotTaken) {
  ProviderOnForge& provider = BeUser();
  OnLoop([&] {
    for (int i = 0; i < 20; ++i) {
      forge_.hooks()
          .of("org/repo")
          .push_back({.id = 200 + i,
                      .url = absl::StrCat("https://ci.example.com/", i)});
    }
  });
  EXPECT_THAT(provider.EnsureWebhooks("org/repo"),
              StatusIs(StatusCode::kFailedPrecondition,
                       HasSubstr("more than 20 hooks")));
}

TEST_F(ProviderOnGitHubTest, ChecksAUsersCredential) {
  const auto got = BeUser().CheckCredential();
  ASSERT_THAT(got, IsOk());
  EXPECT_EQ(got->login(), "sandbox");
  EXPECT_THAT(got->scopes(), ElementsAre("admin:repo_hook", "repo"));
  EXPECT_EQ(got->can_set_statuses(), v1::CheckCredentialResponse::YES);
  EXPECT_THAT(got->problems(), IsEmpty());
}

TEST_F(ProviderOnGitHubTest, ChecksAnAppsCredential) {
  auto got = BeApp("/org").CheckCredential();
  ASSERT_THAT(got, IsOk());
  EXPECT_EQ(got->login(), "lamplighter[bot]");
  EXPECT_THAT(got->problems(), IsEmpty());
  got = BeApp().CheckCredential();
  ASSERT_THAT(got, IsOk());
  EXPECT_EQ(got->can_manage_webhooks(), v1::CheckCredentialResponse::YES);
}

TEST_F(ProviderOnGitHubTest, AWrongTokenIsRefusedEverywhere) {
  ProviderOnForge& provider = Be({{"token", "wr0ng-token"}});
  for (const absl::Status& status :
       {provider.Set(v1::SUCCESS).status(), provider.List().status(),
        provider.ListRepositories().status,
        provider.EnsureWebhooks("org/repo").status(),
        provider.CheckCredential().status()}) {
    EXPECT_THAT(status, StatusIs(StatusCode::kUnauthenticated,
                                 Not(HasSubstr("wr0ng-token"))));
  }
}

TEST_F(ProviderOnGitHubTest, AsksForTheQuotaWithoutUsingIt) {
  ProviderOnForge& provider = BeUser();
  const auto first = provider.GetRateLimits();
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(first->rate_limit().limit(), 100'000'000);
  ASSERT_THAT(provider.GetRateLimits(), IsOk());
  EXPECT_EQ(provider.GetRateLimits()->rate_limit().remaining(),
            first->rate_limit().remaining());
  ASSERT_THAT(provider.List(), IsOk());
  EXPECT_EQ(provider.GetRateLimits()->rate_limit().remaining(),
            first->rate_limit().remaining() - 1);
  EXPECT_GE(Calls(), 5);
}

}  // namespace
}  // namespace lamplighter::provider
