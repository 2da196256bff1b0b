// The provider worker on a scripted GitLab, over the wire.

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/grpc/retry_info.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/v1/catalog.pb.h"
#include "proto/lamplighter/v1/provider.pb.h"
#include "tests/forges/provider_on_forge.h"
#include "tests/forges/scripted_gitlab.h"

namespace lamplighter::provider {
namespace {

using ::absl::StatusCode;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Repository = v1::CatalogRepository;
using Verdicts = v1::CheckCredentialResponse;

constexpr char kToken[] = "t0ken";
constexpr char kRepository[] = "group/sub/proj";

class ProviderOnGitLabTest : public ::testing::Test {
 protected:
  explicit ProviderOnGitLabTest(
      ScriptedGitLab::Options options = {.token = kToken})
      : forge_(std::move(options), Clock::System()) {}

  // Puts a webhook there by hand, and tells its id.
  int64_t AddHook(const std::string& url,
                  const std::string& project = kRepository) {
    return provider_.loop().Do([&] {
      ScriptedGitLab::Hook hook;
      hook.fields["project"] = project;
      hook.fields["url"] = url;
      hook.fields["push_events"] = true;
      const int64_t id = 1000 + static_cast<int64_t>(forge_.hooks().size());
      forge_.hooks()[id] = std::move(hook);
      return id;
    });
  }

  size_t HookCount() {
    return provider_.loop().Do([&] { return forge_.hooks().size(); });
  }

  // The action of the only webhook that is answered.
  v1::Webhook::Action Ensure(bool rewrite = false) {
    const auto response = provider_.EnsureWebhooks(kRepository, rewrite);
    EXPECT_THAT(response, IsOk());
    if (!response.ok() || response->webhooks_size() != 1) {
      return v1::Webhook::ACTION_UNSPECIFIED;
    }
    return response->webhooks(0).action();
  }

  ScriptedGitLab forge_;
  ProviderOnForge provider_{
      "gitlab", forge_, {"/group/sub/proj", ""}, {{"token", kToken}}};
};

TEST_F(ProviderOnGitLabTest, AStatusGoesThroughItsStates) {
  for (const v1::CommitState state :
       {v1::PENDING, v1::RUNNING, v1::SUCCESS, v1::FAILURE, v1::SUCCESS}) {
    const auto written = provider_.Set(state);
    ASSERT_THAT(written, IsOk());
    EXPECT_TRUE(written->written());
    const auto again = provider_.Set(state);
    ASSERT_THAT(again, IsOk());
    EXPECT_FALSE(again->written());
    EXPECT_EQ(again->forge_id(), written->forge_id());
  }
  const auto listed = provider_.List();
  ASSERT_EQ(listed->statuses_size(), 1);
  EXPECT_EQ(listed->statuses(0).state(), v1::SUCCESS);
}

TEST_F(ProviderOnGitLabTest, WhatGitLabWillNotChangeIsNotWritten) {
  EXPECT_TRUE(provider_.Set(v1::RUNNING)->written());
  const auto same = provider_.Set(v1::RUNNING, "kustomization/app", "other",
                                  /*known_different=*/true);
  ASSERT_THAT(same, IsOk());
  EXPECT_FALSE(same->written());
  const auto back = provider_.Set(v1::PENDING);
  ASSERT_THAT(back, IsOk());
  EXPECT_FALSE(back->written());
  EXPECT_EQ(provider_.List()->statuses(0).forge_state(), "running");
}

TEST_F(ProviderOnGitLabTest, AJobsNameCannotBeAStatuss) {
  provider_.loop().Do([&] { forge_.AddJob("build"); });
  EXPECT_THAT(provider_.Set(v1::SUCCESS, "build"),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("has already been taken")));
}

TEST_F(ProviderOnGitLabTest, ListsStatusesOfManyPages) {
  for (int i = 0; i < 130; ++i) {
    ASSERT_THAT(provider_.Set(v1::SUCCESS, absl::StrCat("context-", i), "x",
                              /*known_different=*/true),
                IsOk());
  }
  EXPECT_EQ(provider_.List()->statuses_size(), 130);
}

TEST_F(ProviderOnGitLabTest, ListsAllProjectsPageByPage) {
  provider_.loop().Do([&] { forge_.AddRepositories(300); });
  const auto listing = provider_.ListRepositories();
  ASSERT_THAT(listing.status, IsOk());
  EXPECT_EQ(listing.count(), 300);
  // The last of three full pages cannot know that it is.
  ASSERT_EQ(listing.pages.size(), 4);
  EXPECT_EQ(listing.pages[1].page_token(), "id_after=100");
  const Repository& first = listing.pages[0].repositories(0);
  EXPECT_EQ(first.repository_id(),
            absl::StrCat(provider_.host(), "/group-0/sub/project-1"));
  EXPECT_EQ(first.access(), Repository::READ);
  EXPECT_EQ(listing.pages[0].repositories(1).access(),
            Repository::ACCESS_UNSPECIFIED);
  EXPECT_EQ(listing.pages[0].repositories(2).access(), Repository::ADMIN);
  EXPECT_EQ(listing.pages[0].repositories(9).access(), Repository::WRITE);
}

TEST_F(ProviderOnGitLabTest, GoesOnWhereAListingBrokeOff) {
  provider_.loop().Do([&] { forge_.AddRepositories(250); });
  v1::ListRepositoriesRequest request;
  request.set_page_token("id_after=100");
  const auto listing = provider_.ListRepositories(request);
  ASSERT_THAT(listing.status, IsOk());
  EXPECT_EQ(listing.count(), 150);
  EXPECT_EQ(listing.pages[0].repositories(0).forge_id(), "101");
  request.set_page_token("id_after=1&sudo=root");
  EXPECT_THAT(provider_.ListRepositories(request).status,
              StatusIs(StatusCode::kInvalidArgument));
}

TEST_F(ProviderOnGitLabTest, AHundredThousandProjectsAreNoMatter) {
  provider_.loop().Do([&] { forge_.AddRepositories(100'000); });
  v1::ListRepositoriesRequest request;
  request.set_page_token("id_after=99900");
  const auto listing = provider_.ListRepositories(request);
  EXPECT_EQ(listing.count(), 100);
}

TEST_F(ProviderOnGitLabTest, MakesAWebhookOnce) {
  EXPECT_EQ(Ensure(), v1::Webhook::CREATED);
  EXPECT_EQ(Ensure(), v1::Webhook::UNCHANGED);
  EXPECT_EQ(Ensure(/*rewrite=*/true), v1::Webhook::REPAIRED);
  ASSERT_EQ(HookCount(), 1);
  provider_.loop().Do([&] {
    const ScriptedGitLab::Hook& hook = forge_.hooks().begin()->second;
    EXPECT_EQ(hook.token, "webhook-s3cret");
    EXPECT_EQ(hook.signing_token, "");
    EXPECT_EQ(hook.fields.at("url"), ProviderOnForge::kHook);
    EXPECT_TRUE(hook.fields.at("merge_requests_events").as_bool());
  });
}

TEST_F(ProviderOnGitLabTest, MendsAWebhookThatSomebodyElseMade) {
  AddHook(ProviderOnForge::kHook);
  const auto response = provider_.EnsureWebhooks(kRepository);
  ASSERT_EQ(response->webhooks_size(), 1);
  EXPECT_EQ(response->webhooks(0).action(), v1::Webhook::REPAIRED);
  EXPECT_THAT(response->webhooks(0).difference(),
              HasSubstr("does not send tag_push_events"));
  EXPECT_EQ(Ensure(), v1::Webhook::UNCHANGED);
}

TEST_F(ProviderOnGitLabTest, EnablesAWebhookThatGitLabHasDisabled) {
  EXPECT_EQ(Ensure(), v1::Webhook::CREATED);
  provider_.loop().Do(
      [&] { forge_.DisableHook(forge_.hooks().begin()->first, "disabled"); });
  EXPECT_EQ(Ensure(), v1::Webhook::REPAIRED);
  EXPECT_EQ(Ensure(), v1::Webhook::UNCHANGED);
  EXPECT_EQ(HookCount(), 1);
}

TEST_F(ProviderOnGitLabTest, TakesOffDoublesAndFormerUrlsAndNoOthers) {
  AddHook(ProviderOnForge::kHook);
  AddHook(ProviderOnForge::kHook);
  AddHook(ProviderOnForge::kFormerHook);
  AddHook("https://others.example.com/x");
  AddHook(ProviderOnForge::kHook, "group/other");
  EXPECT_EQ(provider_.EnsureWebhooks(kRepository)->webhooks_size(), 3);
  EXPECT_EQ(HookCount(), 3);
}

// GitLab takes a second webhook with the same URL.
TEST_F(ProviderOnGitLabTest, WhatARaceDoublesTheNextCallMends) {
  EXPECT_EQ(Ensure(), v1::Webhook::CREATED);
  AddHook(ProviderOnForge::kHook);
  const auto response = provider_.EnsureWebhooks(kRepository);
  ASSERT_EQ(response->webhooks_size(), 2);
  EXPECT_EQ(response->webhooks(0).action(), v1::Webhook::UNCHANGED);
  EXPECT_EQ(response->webhooks(1).action(), v1::Webhook::REMOVED);
}

TEST_F(ProviderOnGitLabTest, RemovesItsOwnWebhooksAlone) {
  EXPECT_EQ(Ensure(), v1::Webhook::CREATED);
  AddHook(ProviderOnForge::kFormerHook);
  AddHook("https://others.example.com/x");
  EXPECT_EQ(provider_.RemoveWebhooks(kRepository)->webhooks_size(), 2);
  EXPECT_EQ(HookCount(), 1);
  EXPECT_EQ(provider_.RemoveWebhooks(kRepository)->webhooks_size(), 0);
}

TEST_F(ProviderOnGitLabTest, AHundredWebhooksAreAllThatGitLabTakes) {
  for (int i = 0; i < 100; ++i) AddHook(absl::StrCat("https://x.example/", i));
  EXPECT_THAT(provider_.EnsureWebhooks(kRepository),
              StatusIs(StatusCode::kFailedPrecondition,
                       HasSubstr("Maximum number of project hooks")));
}

TEST_F(ProviderOnGitLabTest, ChecksTheCredential) {
  provider_.loop().Do([&] { forge_.AddRepositories(10); });
  const auto said = provider_.CheckCredential();
  ASSERT_THAT(said, IsOk());
  EXPECT_EQ(said->login(), "sandbox");
  EXPECT_EQ(said->forge_version(), "19.1.0-ee");
  EXPECT_EQ(said->can_manage_webhooks(), Verdicts::YES);
  EXPECT_THAT(said->problems(), IsEmpty());
}

TEST_F(ProviderOnGitLabTest, AWrongTokenIsRefusedEverywhere) {
  ScriptedGitLab forge({.token = "another"}, Clock::System());
  ProviderOnForge provider("gitlab", forge, {"/group/sub/proj", ""},
                           {{"token", kToken}});
  const StatusCode refused = StatusCode::kUnauthenticated;
  EXPECT_THAT(provider.Set(v1::SUCCESS), StatusIs(refused));
  EXPECT_THAT(provider.ListRepositories().status, StatusIs(refused));
  EXPECT_THAT(provider.EnsureWebhooks(kRepository), StatusIs(refused));
  EXPECT_THAT(provider.CheckCredential(), StatusIs(refused));
}

class ProviderOnBusyGitLabTest : public ProviderOnGitLabTest {
 protected:
  ProviderOnBusyGitLabTest()
      : ProviderOnGitLabTest({.token = kToken, .rate_limit = 4}) {}
};

TEST_F(ProviderOnBusyGitLabTest, KnowsItsQuotaAndWaits) {
  EXPECT_FALSE(provider_.GetRateLimits()->has_rate_limit());
  EXPECT_EQ(provider_.Set(v1::SUCCESS)->rate_limit().remaining(), 2);
  EXPECT_EQ(provider_.GetRateLimits()->rate_limit().limit(), 4);
  EXPECT_THAT(provider_.Set(v1::FAILURE), IsOk());
  const absl::Status limited = provider_.Set(v1::SUCCESS).status();
  EXPECT_THAT(limited, StatusIs(StatusCode::kResourceExhausted));
  EXPECT_GT(RetryAfter(limited).value_or(absl::ZeroDuration()),
            absl::ZeroDuration());
  EXPECT_TRUE(provider_.GetRateLimits()->has_limited_until());
}

class ProviderOnOldGitLabTest : public ProviderOnGitLabTest {
 protected:
  ProviderOnOldGitLabTest()
      : ProviderOnGitLabTest({.token = kToken, .knows_signing_tokens = false}) {
  }
};

TEST_F(ProviderOnOldGitLabTest, MakesAWebhookThatTellsNothingOfItsSecret) {
  EXPECT_EQ(Ensure(), v1::Webhook::CREATED);
  EXPECT_EQ(Ensure(), v1::Webhook::UNCHANGED);
}

class ProviderAsDeveloperTest : public ProviderOnGitLabTest {
 protected:
  ProviderAsDeveloperTest()
      : ProviderOnGitLabTest({.token = kToken, .access_level = 30}) {}
};

TEST_F(ProviderAsDeveloperTest, MaySetStatusesAndNoWebhooks) {
  EXPECT_THAT(provider_.Set(v1::SUCCESS), IsOk());
  EXPECT_THAT(provider_.EnsureWebhooks(kRepository),
              StatusIs(StatusCode::kPermissionDenied));
  EXPECT_THAT(provider_.RemoveWebhooks(kRepository),
              StatusIs(StatusCode::kPermissionDenied));
}

}  // namespace
}  // namespace lamplighter::provider
