// The provider worker on a scripted Gitea, over the wire.

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/v1/catalog.pb.h"
#include "proto/lamplighter/v1/provider.pb.h"
#include "tests/forges/provider_on_forge.h"
#include "tests/forges/scripted_gitea.h"

namespace lamplighter::provider {
namespace {

using ::absl::StatusCode;
using ::testing::HasSubstr;
using Repository = v1::CatalogRepository;
using Verdicts = v1::CheckCredentialResponse;

constexpr char kToken[] = "t0ken";
constexpr char kRepository[] = "org/repo";

class ProviderOnGiteaTest : public ::testing::Test {
 protected:
  explicit ProviderOnGiteaTest(
      ScriptedGitea::Options options = {.token = kToken})
      : forge_(std::move(options), Clock::System()) {}

  // Puts a webhook there by hand.
  void AddHook(const std::string& url,
               const std::string& repository = kRepository) {
    provider_.loop().Do([&] {
      ScriptedGitea::Hook hook;
      hook.repository = repository;
      hook.type = "gitea";
      hook.url = url;
      hook.content_type = "json";
      hook.events = {"push"};
      const int64_t id = 1000 + static_cast<int64_t>(forge_.hooks().size());
      forge_.hooks()[id] = std::move(hook);
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

  ScriptedGitea forge_;
  ProviderOnForge provider_{
      "gitea", forge_, {"/org/repo", ""}, {{"token", kToken}}};
};

TEST_F(ProviderOnGiteaTest, SetsAStatusOnce) {
  const auto first = provider_.Set(v1::SUCCESS);
  ASSERT_THAT(first, IsOk());
  EXPECT_TRUE(first->written());
  const auto second = provider_.Set(v1::SUCCESS);
  EXPECT_FALSE(second->written());
  EXPECT_EQ(second->forge_id(), first->forge_id());
  EXPECT_TRUE(provider_.Set(v1::FAILURE)->written());
  EXPECT_TRUE(provider_.Set(v1::SUCCESS, "Kustomization/App")->written());
  EXPECT_EQ(provider_.List()->statuses_size(), 2);
}

TEST_F(ProviderOnGiteaTest, ListsStatusesOfManyPages) {
  for (int i = 0; i < 130; ++i) {
    ASSERT_THAT(provider_.Set(v1::SUCCESS, absl::StrCat("context-", i), "x",
                              /*known_different=*/true),
                IsOk());
  }
  EXPECT_EQ(provider_.List()->statuses_size(), 130);
  EXPECT_FALSE(provider_.Set(v1::SUCCESS, "context-99", "x")->written());
}

TEST_F(ProviderOnGiteaTest, ListsAllRepositoriesPageByPage) {
  provider_.loop().Do([&] { forge_.AddRepositories(120); });
  const auto listing = provider_.ListRepositories();
  ASSERT_THAT(listing.status, IsOk());
  EXPECT_EQ(listing.count(), 120);
  ASSERT_EQ(listing.pages.size(), 3);
  EXPECT_EQ(listing.pages[0].total(), 120);
  EXPECT_EQ(listing.pages[1].page_token(), "2");
  const Repository& first = listing.pages[0].repositories(0);
  EXPECT_EQ(first.repository_id(),
            absl::StrCat(provider_.host(), "/owner-0/repo-1"));
  EXPECT_EQ(first.path(), "owner-0/Repo-1");
  EXPECT_EQ(first.access(), Repository::ADMIN);
  EXPECT_EQ(listing.pages[0].repositories(2).visibility(), Repository::PRIVATE);
  EXPECT_EQ(listing.pages[0].repositories(6).access(), Repository::READ);
}

TEST_F(ProviderOnGiteaTest, GoesOnWhereAListingBrokeOff) {
  provider_.loop().Do([&] { forge_.AddRepositories(100'000); });
  v1::ListRepositoriesRequest request;
  request.set_page_token("1999");
  const auto listing = provider_.ListRepositories(request);
  ASSERT_THAT(listing.status, IsOk());
  EXPECT_EQ(listing.count(), 100);
  request.set_page_token("1999&sudo=root");
  EXPECT_THAT(provider_.ListRepositories(request).status,
              StatusIs(StatusCode::kInvalidArgument));
}

TEST_F(ProviderOnGiteaTest, MakesAWebhookOnce) {
  EXPECT_EQ(Ensure(), v1::Webhook::CREATED);
  EXPECT_EQ(Ensure(), v1::Webhook::UNCHANGED);
  provider_.loop().Do([&] {
    const ScriptedGitea::Hook& hook = forge_.hooks().begin()->second;
    EXPECT_TRUE(hook.active);
    EXPECT_EQ(hook.secret, "webhook-s3cret");
  });
}

TEST_F(ProviderOnGiteaTest, WritesTheSecretAnew) {
  AddHook(ProviderOnForge::kHook);
  EXPECT_EQ(Ensure(), v1::Webhook::REPAIRED);
  EXPECT_EQ(HookCount(), 1);
  provider_.loop().Do([&] {
    ScriptedGitea::Hook& hook = forge_.hooks().begin()->second;
    EXPECT_EQ(hook.secret, "webhook-s3cret");
    hook.secret = "another's";
  });
  EXPECT_EQ(Ensure(), v1::Webhook::UNCHANGED);
  EXPECT_EQ(Ensure(/*rewrite=*/true), v1::Webhook::REPAIRED);
  provider_.loop().Do([&] {
    EXPECT_EQ(forge_.hooks().begin()->second.secret, "webhook-s3cret");
  });
  EXPECT_EQ(HookCount(), 1);
}

TEST_F(ProviderOnGiteaTest, TakesOffDoublesAndFormerUrlsAndNoOthers) {
  EXPECT_EQ(Ensure(), v1::Webhook::CREATED);
  AddHook(ProviderOnForge::kHook);
  AddHook(ProviderOnForge::kFormerHook);
  AddHook("https://others.example.com/x");
  AddHook(ProviderOnForge::kHook, "org/other");
  EXPECT_EQ(provider_.EnsureWebhooks(kRepository)->webhooks_size(), 3);
  EXPECT_EQ(HookCount(), 3);
}

TEST_F(ProviderOnGiteaTest, FindsItsWebhookBeyondTheFirstPage) {
  for (int i = 0; i < 60; ++i) AddHook(absl::StrCat("https://x.example/", i));
  AddHook(ProviderOnForge::kHook);
  EXPECT_EQ(Ensure(), v1::Webhook::REPAIRED);
  EXPECT_EQ(HookCount(), 61);
}

TEST_F(ProviderOnGiteaTest, RemovesItsOwnWebhooksAlone) {
  EXPECT_EQ(Ensure(), v1::Webhook::CREATED);
  AddHook(ProviderOnForge::kFormerHook);
  AddHook("https://others.example.com/x");
  EXPECT_EQ(provider_.RemoveWebhooks(kRepository)->webhooks_size(), 2);
  EXPECT_EQ(HookCount(), 1);
  EXPECT_EQ(provider_.RemoveWebhooks(kRepository)->webhooks_size(), 0);
}

TEST_F(ProviderOnGiteaTest, ChecksTheCredentialAndKnowsOfNoQuota) {
  const auto said = provider_.CheckCredential();
  ASSERT_THAT(said, IsOk());
  EXPECT_EQ(said->login(), "sandbox");
  EXPECT_EQ(said->forge_version(), "1.25.4");
  EXPECT_EQ(said->can_list_repositories(), Verdicts::YES);
  EXPECT_EQ(said->can_set_statuses(), Verdicts::VERDICT_UNSPECIFIED);
  EXPECT_FALSE(provider_.GetRateLimits()->has_rate_limit());
}

TEST_F(ProviderOnGiteaTest, AWrongTokenIsRefusedEverywhere) {
  ScriptedGitea forge({.token = "another"}, Clock::System());
  ProviderOnForge provider("gitea", forge, {"/org/repo", ""},
                           {{"token", kToken}});
  const StatusCode refused = StatusCode::kUnauthenticated;
  EXPECT_THAT(provider.Set(v1::SUCCESS), StatusIs(refused));
  EXPECT_THAT(provider.ListRepositories().status, StatusIs(refused));
  EXPECT_THAT(provider.EnsureWebhooks(kRepository), StatusIs(refused));
  EXPECT_THAT(provider.CheckCredential(), StatusIs(refused));
}

class ProviderOnSmallGiteaTest : public ProviderOnGiteaTest {
 protected:
  ProviderOnSmallGiteaTest()
      : ProviderOnGiteaTest({.token = kToken, .max_response_items = 7}) {}
};

TEST_F(ProviderOnSmallGiteaTest, ShortPagesAreNotTheLast) {
  provider_.loop().Do([&] { forge_.AddRepositories(30); });
  EXPECT_EQ(provider_.ListRepositories().count(), 30);
  for (int i = 0; i < 20; ++i) {
    AddHook(absl::StrCat("https://x.example/", i));
    ASSERT_THAT(provider_.Set(v1::SUCCESS, absl::StrCat("context-", i)),
                IsOk());
  }
  EXPECT_EQ(provider_.List()->statuses_size(), 20);
  AddHook(ProviderOnForge::kHook);
  EXPECT_EQ(Ensure(), v1::Webhook::REPAIRED);
}

class ProviderAsReaderTest : public ProviderOnGiteaTest {
 protected:
  ProviderAsReaderTest()
      : ProviderOnGiteaTest({.token = kToken, .is_admin = false}) {}
};

TEST_F(ProviderAsReaderTest, MayDoNeither) {
  EXPECT_THAT(provider_.Set(v1::SUCCESS),
              StatusIs(StatusCode::kPermissionDenied,
                       HasSubstr("should have a permission")));
  EXPECT_THAT(provider_.EnsureWebhooks(kRepository),
              StatusIs(StatusCode::kPermissionDenied));
}

}  // namespace
}  // namespace lamplighter::provider
