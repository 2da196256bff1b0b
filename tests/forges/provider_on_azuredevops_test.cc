// The provider worker on Azure DevOps, as it really goes over the wire.

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "boost/json/object.hpp"
#include "common/status/testing/status_matchers.h"
#include "common/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/v1/provider.pb.h"
#include "tests/forges/fault.h"
#include "tests/forges/provider_on_forge.h"
#include "tests/forges/scripted_azuredevops.h"
#include "tests/forges/scripted_azuredevops_json.h"

namespace lamplighter::provider {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

constexpr char kToken[] = "t0ken-of-the-test";
constexpr char kRepository[] = "org/proj/repo";

class ProviderOnAzureDevOpsTest : public ::testing::Test {
 protected:
  ProviderOnAzureDevOpsTest() { Start({.token = kToken}); }

  void Start(const ScriptedAzureDevOps::Options& options,
             const std::string& site = "/org") {
    provider_.reset();
    forge_ = std::make_unique<ScriptedAzureDevOps>(options, Clock::System());
    provider_ = std::make_unique<ProviderOnForge>(
        "azuredevops", *forge_,
        ProviderOnForge::Addresses{absl::StrCat(site, "/proj/_git/repo"), site},
        std::map<std::string, std::string>{{"token", kToken}});
  }

  template <typename F>
  auto OnLoop(F function) {
    return provider_->loop().Do(function);
  }

  void Fail(const std::string& fault) {
    OnLoop([&] {
      forge_->AddFault(Fault::Parse(fault, Clock::System().Now()).value());
    });
  }

  size_t Calls() {
    return OnLoop([&] { return forge_->calls().size(); });
  }

  // A subscription that somebody made; returns its id.
  std::string Subscribe(const std::string& url,
                        const std::string& event = "git.push",
                        const std::string& repository = "repo") {
    boost::json::object publisher = {
        {"projectId", azuredevops::ProjectId("proj")},
        {"repository", azuredevops::RepositoryId("proj", repository)},
        {"branch", ""}};
    if (event == "git.pullrequest.updated") {
      publisher["notificationType"] = "PushNotification";
    }
    boost::json::object subscription = {
        {"publisherId", "tfs"},
        {"eventType", event},
        {"resourceVersion", "1.0"},
        {"consumerId", "webHooks"},
        {"consumerActionId", "httpRequest"},
        {"publisherInputs", publisher},
        {"consumerInputs",
         boost::json::object{{"url", url},
                             {"basicAuthUsername", "hook-user"},
                             {"basicAuthPassword", "hook-passw0rd"}}}};
    return OnLoop([&] {
      const auto added = forge_->hooks().Add(subscription);
      return std::string(added->at("id").as_string());
    });
  }

  std::vector<std::string> SubscriptionIds() {
    return OnLoop([&] {
      std::vector<std::string> ids;
      for (const auto& [id, hook] : forge_->hooks().all()) ids.push_back(id);
      return ids;
    });
  }

  // What was done, in order.
  static std::vector<v1::Webhook::Action> Actions(
      const absl::StatusOr<v1::EnsureWebhooksResponse>& response) {
    std::vector<v1::Webhook::Action> actions;
    if (!response.ok()) return actions;
    for (const v1::Webhook& hook : response->webhooks()) {
      actions.push_back(hook.action());
    }
    return actions;
  }

  std::unique_ptr<ScriptedAzureDevOps> forge_;
  std::unique_ptr<ProviderOnForge> provider_;
};

TEST_F(ProviderOnAzureDevOpsTest, TheNewestStatusOfAContextIsWhatItShows) {
  EXPECT_TRUE(provider_->Set(v1::PENDING)->written());
  EXPECT_TRUE(provider_->Set(v1::SUCCESS)->written());
  EXPECT_TRUE(provider_->Set(v1::SUCCESS, "another")->written());
  EXPECT_FALSE(provider_->Set(v1::SUCCESS)->written());
  EXPECT_EQ(OnLoop([&] { return forge_->statuses().statuses(); }), 3);
  const auto listed = provider_->List();
  ASSERT_THAT(listed, IsOk());
  std::set<std::string> contexts;
  for (const v1::CommitStatus& status : listed->statuses()) {
    contexts.insert(status.context());
    EXPECT_EQ(status.state(), v1::SUCCESS);
    EXPECT_EQ(status.forge_state(), "succeeded");
    EXPECT_TRUE(status.has_updated_at());
  }
  EXPECT_THAT(contexts, UnorderedElementsAre("fluxcd/kustomization/app",
                                             "fluxcd/another"));
}

TEST_F(ProviderOnAzureDevOpsTest, ListsEveryRepositoryOfEveryProjectOnce) {
  OnLoop([&] { forge_->AddRepositories(1234); });
  const auto listing = provider_->ListRepositories();
  ASSERT_THAT(listing.status, IsOk());
  EXPECT_EQ(listing.count(), 1234);
  EXPECT_THAT(listing.pages, SizeIs(13));
  std::set<std::string> ids;
  int archived = 0;
  int forks = 0;
  for (const auto& page : listing.pages) {
    for (const v1::CatalogRepository& repository : page.repositories()) {
      ids.insert(repository.repository_id());
      archived += repository.archived();
      forks += repository.fork();
    }
  }
  EXPECT_THAT(ids, SizeIs(1234));
  EXPECT_TRUE(ids.contains(
      absl::StrCat(provider_->host(), "/org/project 123/repo-1233")));
  EXPECT_EQ(archived, 123);
  EXPECT_EQ(forks, 123);
}

TEST_F(ProviderOnAzureDevOpsTest, CloneUrlsHaveNoUser) {
  OnLoop([&] { forge_->AddRepositories(1); });
  const auto listing = provider_->ListRepositories();
  ASSERT_EQ(listing.count(), 1);
  EXPECT_EQ(listing.pages[0].repositories(0).clone_url(),
            absl::StrCat(provider_->site(), "/org/Project%200/_git/repo-0"));
}

TEST_F(ProviderOnAzureDevOpsTest, AListingGoesOnInTheMiddle) {
  OnLoop([&] { forge_->AddRepositories(350); });
  const auto whole = provider_->ListRepositories();
  ASSERT_THAT(whole.pages, SizeIs(4));
  v1::ListRepositoriesRequest request;
  request.set_page_token(whole.pages[1].next_page_token());
  const auto rest = provider_->ListRepositories(request);
  ASSERT_THAT(rest.status, IsOk());
  ASSERT_THAT(rest.pages, SizeIs(2));
  EXPECT_EQ(rest.count(), 150);
  EXPECT_EQ(rest.pages[0].page_token(), whole.pages[2].page_token());
  EXPECT_EQ(rest.pages[0].repositories(0).repository_id(),
            whole.pages[2].repositories(0).repository_id());
}

TEST_F(ProviderOnAzureDevOpsTest, AServerMayGiveShorterPagesThanItIsAskedFor) {
  Start({.token = kToken, .max_projects = 3});
  OnLoop([&] { forge_->AddRepositories(105); });
  const auto listing = provider_->ListRepositories();
  ASSERT_THAT(listing.status, IsOk());
  EXPECT_EQ(listing.count(), 105);
}

TEST_F(ProviderOnAzureDevOpsTest, AProjectThatGoesMeanwhileIsNoticed) {
  OnLoop([&] { forge_->AddRepositories(350); });
  const auto whole = provider_->ListRepositories();
  v1::ListRepositoriesRequest request;
  request.set_page_token(whole.pages[1].next_page_token());
  OnLoop([&] { forge_->RemoveProject(3); });
  EXPECT_THAT(
      provider_->ListRepositories(request).status,
      StatusIs(StatusCode::kInvalidArgument, StartsWith("page_token: ")));
  const auto again = provider_->ListRepositories();
  ASSERT_THAT(again.status, IsOk());
  EXPECT_EQ(again.count(), 340);
}

TEST_F(ProviderOnAzureDevOpsTest, APauseThatIsAskedForEndsTheListingForNow) {
  OnLoop([&] {
    forge_->AddRepositories(350);
    forge_->Delay(absl::Seconds(30), 1);
  });
  const auto listing = provider_->ListRepositories();
  EXPECT_THAT(listing.status, StatusIs(StatusCode::kResourceExhausted));
  ASSERT_THAT(listing.pages, SizeIs(1));
  EXPECT_EQ(listing.count(), 10) << "of the project that came all the same";
  EXPECT_NE(listing.pages[0].next_page_token(), "");
}

TEST_F(ProviderOnAzureDevOpsTest, MakesExactlyThreeSubscriptions) {
  const auto made = provider_->EnsureWebhooks(kRepository);
  ASSERT_THAT(made, IsOk());
  EXPECT_THAT(Actions(made),
              ElementsAre(v1::Webhook::CREATED, v1::Webhook::CREATED,
                          v1::Webhook::CREATED));
  std::set<std::string> kinds;
  for (const v1::Webhook& hook : made->webhooks()) kinds.insert(hook.kind());
  EXPECT_THAT(kinds, UnorderedElementsAre("git.push", "git.pullrequest.created",
                                          "git.pullrequest.updated"));
  EXPECT_THAT(SubscriptionIds(), SizeIs(3));
  OnLoop([&] {
    for (const auto& [id, hook] : forge_->hooks().all()) {
      EXPECT_EQ(hook.at("consumerInputs").at("basicAuthPassword"),
                "hook-passw0rd");
    }
  });
  const auto again = provider_->EnsureWebhooks(kRepository);
  EXPECT_THAT(Actions(again), AllOf(SizeIs(3), Each(v1::Webhook::UNCHANGED)));
  EXPECT_THAT(SubscriptionIds(), SizeIs(3));
}

TEST_F(ProviderOnAzureDevOpsTest, MendsWhatTheForgeDisabled) {
  const auto made = provider_->EnsureWebhooks(kRepository);
  ASSERT_THAT(made, IsOk());
  const std::vector<std::string> ids = SubscriptionIds();
  OnLoop([&] {
    forge_->hooks().SetStatus(made->webhooks(0).forge_id(), "disabledBySystem");
  });
  const auto mended = provider_->EnsureWebhooks(kRepository);
  EXPECT_THAT(Actions(mended),
              ElementsAre(v1::Webhook::REPAIRED, v1::Webhook::UNCHANGED,
                          v1::Webhook::UNCHANGED));
  EXPECT_THAT(mended->webhooks(0).difference(), HasSubstr("disabledBySystem"));
  EXPECT_EQ(SubscriptionIds(), ids) << "in place";
  EXPECT_THAT(Actions(provider_->EnsureWebhooks(kRepository)),
              Each(v1::Webhook::UNCHANGED));
}

TEST_F(ProviderOnAzureDevOpsTest, ReplacesWhatNobodyCanEnable) {
  const auto made = provider_->EnsureWebhooks(kRepository);
  ASSERT_THAT(made, IsOk());
  const std::string old_id = made->webhooks(0).forge_id();
  OnLoop(
      [&] { forge_->hooks().SetStatus(old_id, "disabledByInactiveIdentity"); });
  const auto mended = provider_->EnsureWebhooks(kRepository);
  ASSERT_THAT(mended, IsOk());
  EXPECT_EQ(mended->webhooks(0).action(), v1::Webhook::REPAIRED);
  EXPECT_NE(mended->webhooks(0).forge_id(), old_id);
  EXPECT_THAT(SubscriptionIds(), SizeIs(3));
}

TEST_F(ProviderOnAzureDevOpsTest, WritesAPasswordAgainWhenAsked) {
  Subscribe(ProviderOnForge::kHook);
  const auto ensured = provider_->EnsureWebhooks(kRepository, /*rewrite=*/true);
  EXPECT_THAT(Actions(ensured),
              ElementsAre(v1::Webhook::REPAIRED, v1::Webhook::CREATED,
                          v1::Webhook::CREATED));
}

TEST_F(ProviderOnAzureDevOpsTest, TakesOffDoublesAndThoseToFormerUrls) {
  const std::string kept = Subscribe(ProviderOnForge::kHook);
  Subscribe(ProviderOnForge::kHook);
  Subscribe(ProviderOnForge::kHook, "git.pullrequest.merged");
  Subscribe(ProviderOnForge::kFormerHook);
  const auto ensured = provider_->EnsureWebhooks(kRepository);
  EXPECT_THAT(Actions(ensured),
              ElementsAre(v1::Webhook::UNCHANGED, v1::Webhook::CREATED,
                          v1::Webhook::CREATED, v1::Webhook::REMOVED,
                          v1::Webhook::REMOVED, v1::Webhook::REMOVED));
  EXPECT_EQ(ensured->webhooks(0).forge_id(), kept);
  EXPECT_THAT(SubscriptionIds(), SizeIs(3));
}

TEST_F(ProviderOnAzureDevOpsTest, LeavesAloneWhatIsOfOthers) {
  const std::string elsewhere = Subscribe("https://ci.example.com/push");
  const std::string of_another =
      Subscribe(ProviderOnForge::kHook, "git.push", "another");
  ASSERT_THAT(provider_->EnsureWebhooks(kRepository), IsOk());
  EXPECT_THAT(SubscriptionIds(), SizeIs(5));
  const auto removed = provider_->RemoveWebhooks(kRepository);
  ASSERT_THAT(removed, IsOk());
  EXPECT_EQ(removed->webhooks_size(), 3);
  EXPECT_THAT(SubscriptionIds(), UnorderedElementsAre(elsewhere, of_another));
  EXPECT_EQ(provider_->RemoveWebhooks(kRepository)->webhooks_size(), 0);
}

TEST_F(ProviderOnAzureDevOpsTest, AllThreeOrNone) {
  // The query and two of three.
  Fail(R"({"latency_ms":1,"method":"POST","times":3})");
  Fail(R"({"status":500,"method":"POST","times":1})");
  EXPECT_THAT(provider_->EnsureWebhooks(kRepository),
              StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(SubscriptionIds(), IsEmpty());
  EXPECT_THAT(provider_->EnsureWebhooks(kRepository), IsOk());
  EXPECT_THAT(SubscriptionIds(), SizeIs(3));
}

TEST_F(ProviderOnAzureDevOpsTest, SaysWhichPermissionIsMissing) {
  Start({.token = kToken, .can_edit_subscriptions = false});
  EXPECT_THAT(provider_->EnsureWebhooks(kRepository),
              StatusIs(StatusCode::kPermissionDenied,
                       AllOf(HasSubstr("EditSubscriptions"),
                             HasSubstr("the token's owner needs"))));
}

TEST_F(ProviderOnAzureDevOpsTest, ChecksTheCredential) {
  OnLoop([&] { forge_->AddRepositories(1); });
  const auto checked = provider_->CheckCredential();
  ASSERT_THAT(checked, IsOk());
  EXPECT_EQ(checked->login(), "ada@example.com");
  EXPECT_EQ(checked->can_list_repositories(), v1::CheckCredentialResponse::YES);
  EXPECT_THAT(checked->problems(), IsEmpty());
}

TEST_F(ProviderOnAzureDevOpsTest, EveryFormOfSigningInIsARefusal) {
  for (const int sign_in : {203, 302, 401}) {
    Start({.token = "another", .sign_in = sign_in});
    const auto is_refused = StatusIs(StatusCode::kUnauthenticated);
    EXPECT_THAT(provider_->Set(v1::SUCCESS), is_refused) << sign_in;
    EXPECT_THAT(provider_->ListRepositories().status, is_refused) << sign_in;
    EXPECT_THAT(provider_->EnsureWebhooks(kRepository), is_refused) << sign_in;
    EXPECT_THAT(provider_->RemoveWebhooks(kRepository), is_refused) << sign_in;
    EXPECT_THAT(provider_->CheckCredential(), is_refused) << sign_in;
  }
}

TEST_F(ProviderOnAzureDevOpsTest, ADelayedAnswerMakesTheCredentialWait) {
  EXPECT_FALSE(provider_->GetRateLimits()->has_limited_until());
  OnLoop([&] { forge_->Delay(absl::Seconds(30), 1); });
  const auto set = provider_->Set(v1::SUCCESS);
  ASSERT_THAT(set, IsOk());
  EXPECT_TRUE(set->written());
  const size_t calls = Calls();
  EXPECT_THAT(provider_->Set(v1::FAILURE),
              StatusIs(StatusCode::kResourceExhausted));
  EXPECT_TRUE(provider_->GetRateLimits()->has_limited_until());
  EXPECT_EQ(Calls(), calls);
}

TEST_F(ProviderOnAzureDevOpsTest, AServerOf2019IsEnough) {
  Start({.token = kToken, .newest_version = 5.0}, "/tfs/Coll");
  OnLoop([&] { forge_->AddRepositories(15); });
  EXPECT_TRUE(provider_->Set(v1::SUCCESS)->written());
  EXPECT_EQ(provider_->List()->statuses_size(), 1);
  EXPECT_EQ(provider_->ListRepositories().count(), 15);
  EXPECT_THAT(Actions(provider_->EnsureWebhooks("tfs/coll/proj/repo")),
              AllOf(SizeIs(3), Each(v1::Webhook::CREATED)));
  EXPECT_THAT(provider_->CheckCredential(), IsOk());
}

}  // namespace
}  // namespace lamplighter::provider
