// Webhooks on both Bitbuckets as they really go over the wire.

#include <cstdint>
#include <functional>
#include <future>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/v1/provider.pb.h"
#include "tests/forges/provider_on_forge.h"
#include "tests/forges/scripted_bitbucket.h"
#include "tests/forges/scripted_bitbucket_parts.h"
#include "tests/forges/scripted_bitbucketserver.h"

namespace lamplighter::provider {
namespace {

using ::absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Cloud {
  using Forge = ScriptedBitbucket;
  static constexpr char kType[] = "bitbucket";
  static constexpr char kAddress[] = "/acme/fleet";
};
struct DataCenter {
  using Forge = ScriptedBitbucketServer;
  static constexpr char kType[] = "bitbucketserver";
  static constexpr char kAddress[] = "/scm/acme/fleet.git";
};

template <typename Kind>
class ProviderOnBitbucketWebhooksTest : public ::testing::Test {
 protected:
  static constexpr char kRepository[] = "acme/fleet";

  // "CREATED https://..." of all that is reported.
  std::vector<std::string> Ensure(bool rewrite = false) {
    const auto response = provider_.EnsureWebhooks(kRepository, rewrite);
    EXPECT_THAT(response, IsOk());
    std::vector<std::string> actions;
    if (!response.ok()) return actions;
    for (const v1::Webhook& webhook : response->webhooks()) {
      actions.push_back(absl::StrCat(
          v1::Webhook::Action_Name(webhook.action()), " ", webhook.url(),
          webhook.difference().empty() ? "" : ": ", webhook.difference()));
    }
    return actions;
  }

  std::vector<BitbucketWebhook> Hooks() {
    return provider_.loop().Do(
        [&] { return forge_.webhooks().Of(kRepository); });
  }

  void AddHook(const std::string& url) {
    BitbucketWebhook webhook;
    webhook.url = url;
    webhook.events = {"repo:push"};
    provider_.loop().Do([&] { forge_.webhooks().Add(kRepository, webhook); });
  }

  // Has somebody change the first.
  void Meddle(const std::function<void(BitbucketWebhook&)>& change) {
    const int64_t id = Hooks().at(0).id;
    provider_.loop().Do(
        [&] { change(*forge_.webhooks().Find(kRepository, id)); });
  }

  static std::string Said(const std::string& action, const std::string& url) {
    return absl::StrCat(action, " ", url);
  }

  typename Kind::Forge forge_{{.token = "t0ken-of-the-test"}, Clock::System()};
  ProviderOnForge provider_{Kind::kType,
                            forge_,
                            {Kind::kAddress, ""},
                            {{"token", "t0ken-of-the-test"}}};
};

using Kinds = ::testing::Types<Cloud, DataCenter>;
TYPED_TEST_SUITE(ProviderOnBitbucketWebhooksTest, Kinds);

TYPED_TEST(ProviderOnBitbucketWebhooksTest, OneIsCreatedAndThenLeftAlone) {
  const std::string url = ProviderOnForge::kHook;
  EXPECT_THAT(this->Ensure(), ElementsAre(this->Said("CREATED", url)));
  EXPECT_THAT(this->Ensure(), ElementsAre(this->Said("UNCHANGED", url)));
  const std::vector<BitbucketWebhook> hooks = this->Hooks();
  ASSERT_EQ(hooks.size(), 1);
  EXPECT_TRUE(hooks[0].active);
  EXPECT_TRUE(hooks[0].verifies_tls);
  EXPECT_EQ(hooks[0].secret, "webhook-s3cret");
}

TYPED_TEST(ProviderOnBitbucketWebhooksTest, WhatDriftedIsMended) {
  this->Ensure();
  this->Meddle([](BitbucketWebhook& hook) { hook.active = false; });
  EXPECT_THAT(this->Ensure(),
              ElementsAre(absl::StrCat("REPAIRED ", ProviderOnForge::kHook,
                                       ": is not active")));
  EXPECT_TRUE(this->Hooks().at(0).active);
  EXPECT_EQ(this->Hooks().at(0).secret, "webhook-s3cret");
  EXPECT_EQ(this->Ensure(), std::vector<std::string>{this->Said(
                                "UNCHANGED", ProviderOnForge::kHook)});
}

TYPED_TEST(ProviderOnBitbucketWebhooksTest, ASecretIsWrittenAgainWhenAsked) {
  this->Ensure();
  this->Meddle([](BitbucketWebhook& hook) { hook.secret = "old"; });
  EXPECT_THAT(this->Ensure(),
              ElementsAre(this->Said("UNCHANGED", ProviderOnForge::kHook)));
  EXPECT_THAT(this->Ensure(/*rewrite=*/true),
              ElementsAre(this->Said("REPAIRED", ProviderOnForge::kHook)));
  EXPECT_EQ(this->Hooks().at(0).secret, "webhook-s3cret");
}

TYPED_TEST(ProviderOnBitbucketWebhooksTest, DoublesAndFormerOnesAreTakenOff) {
  this->Ensure();
  this->AddHook(ProviderOnForge::kHook);
  this->AddHook(ProviderOnForge::kFormerHook);
  this->AddHook("https://other.example.com/hook");
  EXPECT_THAT(this->Ensure(),
              ElementsAre(this->Said("UNCHANGED", ProviderOnForge::kHook),
                          this->Said("REMOVED", ProviderOnForge::kHook),
                          this->Said("REMOVED", ProviderOnForge::kFormerHook)));
  EXPECT_EQ(this->Hooks().size(), 2);
}

TYPED_TEST(ProviderOnBitbucketWebhooksTest, OursIsFoundOnALaterPage) {
  for (int i = 0; i < 40; ++i) {
    this->AddHook(absl::StrCat("https://other.example.com/", i));
  }
  this->Ensure();
  EXPECT_THAT(this->Ensure(),
              ElementsAre(this->Said("UNCHANGED", ProviderOnForge::kHook)));
}

TYPED_TEST(ProviderOnBitbucketWebhooksTest, OneIsLeftOfThoseMadeAtOnce) {
  const auto ensure = [this] {
    return this->provider_.EnsureWebhooks(this->kRepository).status();
  };
  std::vector<std::future<absl::Status>> calls;
  for (int i = 0; i < 4; ++i) {
    calls.push_back(std::async(std::launch::async, ensure));
  }
  for (std::future<absl::Status>& call : calls) EXPECT_THAT(call.get(), IsOk());
  this->Ensure();
  EXPECT_EQ(this->Hooks().size(), 1);
}

TYPED_TEST(ProviderOnBitbucketWebhooksTest, OthersAreLeftWhenOursAreTakenOff) {
  this->AddHook("https://other.example.com/hook");
  this->AddHook(ProviderOnForge::kFormerHook);
  this->Ensure();
  this->AddHook(ProviderOnForge::kFormerHook);
  const auto removed = this->provider_.RemoveWebhooks(this->kRepository);
  ASSERT_THAT(removed, IsOk());
  EXPECT_EQ(removed->webhooks_size(), 2);
  ASSERT_EQ(this->Hooks().size(), 1);
  EXPECT_EQ(this->Hooks()[0].url, "https://other.example.com/hook");
  EXPECT_THAT(this->provider_.RemoveWebhooks(this->kRepository)->webhooks(),
              IsEmpty());
}

TYPED_TEST(ProviderOnBitbucketWebhooksTest, WhoMayNotIsRefused) {
  EXPECT_THAT(this->provider_.EnsureWebhooks("acme/repo-2"),
              StatusIs(StatusCode::kPermissionDenied));
}

}  // namespace
}  // namespace lamplighter::provider
