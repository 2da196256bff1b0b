// Deliveries that failed, asked for again from a GitHub.

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/async/testing/fake_sleeper.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/testing/fake_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/provider/forges/github/testing/app_key.h"
#include "services/provider/redelivery_sweep.h"
#include "tests/forges/fault.h"
#include "tests/forges/provider_on_forge.h"
#include "tests/forges/scripted_github.h"

namespace lamplighter::provider {
namespace {

using ::absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kToken[] = "t0ken-of-the-test";
// The user administers this one, but not the next two.
constexpr char kRepository[] = "org/repo-000000";
constexpr int kNoAnswer = 0;
constexpr char kHook[] = "77";  // of kRepository, or the organization

class RedeliveryOnGitHubTest : public ::testing::Test {
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

  template <typename Do>
  auto OnForge(Do&& what) {
    return provider_->loop().Do(what);
  }
  // As whom the worker works.
  void Be(const std::map<std::string, std::string>& secret,
          const std::string& account, ScriptedGitHub::Options options) {
    forge_ = std::make_unique<ScriptedGitHub>(options, clock_);
    provider_ = std::make_unique<ProviderOnForge>(
        "github", *forge_,
        ProviderOnForge::Addresses{"/org/repo-000000", account}, secret,
        ForgeJobs::Options(), clock_);
    SetOptions({.connection = "account"});
    OnForge([&] {
      forge_->app().installations()[7].account = "org";
      forge_->app().installations()[20].account = "other";
      forge_->AddRepositories(3);
    });
  }
  void BeUser(const std::string& account = "",
              ScriptedGitHub::Options options = Options()) {
    Be({{"token", kToken}}, account, std::move(options));
  }
  void BeApp(const std::string& account) {
    Be({{"githubAppID", "123"}, {"githubAppPrivateKey", AppKey()}}, account,
       Options());
  }
  void SetOptions(RedeliverySweep::Options options) {
    sweep_ = std::make_unique<RedeliverySweep>(std::move(options),
                                               provider_->jobs(), clock_,
                                               sleeper_, provider_->metrics());
  }

  void AddHook(const std::string& owner, int64_t id = 77,
               const std::string& url = ProviderOnForge::kHook) {
    OnForge([&] {
      ScriptedHook hook;
      hook.id = id;
      hook.url = url;
      forge_->hooks().of(owner).push_back(std::move(hook));
    });
  }
  std::vector<std::string> Deliver(int count, int code,
                                   const std::string& webhook = kHook,
                                   int64_t installation = 0) {
    return OnForge([&] {
      forge_->deliveries().SetAnswer(code);
      std::vector<std::string> guids;
      for (int i = 0; i < count; ++i) {
        guids.push_back(forge_->deliveries().Deliver(
            webhook, absl::ZeroDuration(), installation));
      }
      return guids;
    });
  }
  RedeliverySweep::Report Sweep(int answer = 202) {
    OnForge([&] { forge_->deliveries().SetAnswer(answer); });
    return provider_->loop().Run(sweep_->Sweep());
  }
  std::vector<int> CodesOf(const std::string& guid,
                           const std::string& webhook = kHook) {
    return OnForge([&] { return forge_->deliveries().CodesOf(webhook, guid); });
  }
  size_t CallsTo(const std::string& path, const std::string& method = "GET") {
    return OnForge([&] {
      size_t count = 0;
      for (const ScriptedCall& call : forge_->calls()) {
        if (call.method == method && absl::StrContains(call.path, path)) {
          ++count;
        }
      }
      return count;
    });
  }

  FakeClock clock_;
  FakeSleeper sleeper_;
  std::unique_ptr<ScriptedGitHub> forge_;
  std::unique_ptr<ProviderOnForge> provider_;
  std::unique_ptr<RedeliverySweep> sweep_;
};

TEST_F(RedeliveryOnGitHubTest, AllThatFailedInAnOutageIsDeliveredOnceMore) {
  BeUser();
  AddHook(kRepository);
  const auto before = Deliver(30, 202);
  const auto lost = Deliver(80, kNoAnswer);
  const auto refused = Deliver(40, 503);
  const auto after = Deliver(90, 202);
  const auto report = Sweep();
  EXPECT_THAT(report.status, IsOk());
  EXPECT_EQ(report.change.found, 120);
  EXPECT_EQ(report.redelivered, 120);
  EXPECT_EQ(CallsTo("/deliveries"), 3) << "pages of a hundred";
  for (const auto& guid : lost) {
    EXPECT_THAT(CodesOf(guid), ElementsAre(kNoAnswer, 202));
  }
  for (const auto& guid : refused) {
    EXPECT_THAT(CodesOf(guid), ElementsAre(503, 202));
  }
  EXPECT_THAT(CodesOf(before[0]), ElementsAre(202));
  EXPECT_THAT(CodesOf(after[0]), ElementsAre(202));

  const auto again = Sweep();
  EXPECT_THAT(again.status, IsOk());
  EXPECT_EQ(again.change.found, 0);
  EXPECT_EQ(again.tries, 0);
  // What is new since takes two: a hundred and twenty came.
  EXPECT_EQ(CallsTo("/deliveries"), 5);
  Sweep();
  EXPECT_EQ(CallsTo("/deliveries"), 6) << "what was read is not read again";
}

TEST_F(RedeliveryOnGitHubTest, WhatSucceededSinceIsLeftAlone) {
  BeUser();
  AddHook(kRepository);
  const auto lost = Deliver(1, kNoAnswer);
  OnForge([&] {
    forge_->deliveries().SetAnswer(202);
    forge_->deliveries().DeliverAgain(kHook, 1, absl::Hours(72));
  });
  EXPECT_EQ(Sweep().tries, 0);
  EXPECT_THAT(CodesOf(lost[0]), ElementsAre(kNoAnswer, 202));
}

TEST_F(RedeliveryOnGitHubTest, WhatGitHubNoLongerDeliversIsNotAskedFor) {
  BeUser();
  AddHook(kRepository);
  OnForge([&] {
    forge_->deliveries().SetAnswer(kNoAnswer);
    for (int i = 0; i < 150; ++i) {
      forge_->deliveries().Deliver(kHook, absl::Hours(73));
    }
    forge_->deliveries().Deliver(kHook, absl::Hours(71));
  });
  const auto report = Sweep();
  EXPECT_EQ(report.change.found, 1);
  EXPECT_EQ(report.redelivered, 1);
  EXPECT_EQ(CallsTo("/deliveries"), 1) << "nor are its pages";
}

TEST_F(RedeliveryOnGitHubTest, AnOutageThatLastsIsAskedLessAndLess) {
  BeUser();
  AddHook(kRepository);
  const auto lost = Deliver(1, kNoAnswer);
  for (int i = 0; i < 25; ++i) {  // two hours
    Sweep(kNoAnswer);
    clock_.Advance(absl::Minutes(5));
  }
  EXPECT_THAT(CodesOf(lost[0]), ElementsAre(0, 0, 0, 0, 0));
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(Sweep().redelivered, 1);
  EXPECT_THAT(CodesOf(lost[0]), ElementsAre(0, 0, 0, 0, 0, 202));
  clock_.Advance(absl::Hours(24));
  EXPECT_EQ(Sweep().tries, 0);
}

TEST_F(RedeliveryOnGitHubTest, OneSweepAsksForSoManyAndTheNextForTheRest) {
  BeUser();
  SetOptions({.connection = "account", .max_redeliveries = 20});
  AddHook(kRepository);
  const auto lost = Deliver(30, kNoAnswer);
  EXPECT_EQ(Sweep().redelivered, 20);
  EXPECT_THAT(CodesOf(lost[19]), ElementsAre(kNoAnswer, 202));
  EXPECT_THAT(CodesOf(lost[20]), ElementsAre(kNoAnswer));
  EXPECT_THAT(sleeper_.Slept(), ::testing::Each(absl::Seconds(1)));
  EXPECT_EQ(sleeper_.Slept().size(), 19) << "spaced";
  EXPECT_EQ(Sweep().redelivered, 10);
  EXPECT_EQ(Sweep().redelivered, 0);
}

TEST_F(RedeliveryOnGitHubTest, GoesRoundManyRepositories) {
  BeUser();
  SetOptions(
      {.connection = "account", .max_repositories = 10, .max_webhooks = 10});
  // The user administers a third; the tenths of them are archived.
  OnForge([&] { forge_->AddRepositories(150, "more"); });
  int64_t redelivered = 0;
  for (int i = 0; i < 150; ++i) {
    const int64_t id = 1000 + i;
    AddHook(absl::StrCat("more/repo-", absl::Dec(i, absl::kZeroPad6)), id);
    Deliver(1, kNoAnswer, absl::StrCat(id));
  }
  for (int i = 0; i < 8; ++i) {
    const size_t calls = CallsTo("");
    const auto report = Sweep();
    EXPECT_THAT(report.status, IsOk());
    redelivered += report.redelivered;
    EXPECT_LE(CallsTo("") - calls, 10 + 10 + 2) << "requests that read";
  }
  EXPECT_EQ(redelivered, 45);
}

TEST_F(RedeliveryOnGitHubTest, WebhooksToOtherPlacesAreNotOurs) {
  BeUser();
  AddHook(kRepository, 5, "https://ci.example.com/");
  AddHook(kRepository, 6, ProviderOnForge::kFormerHook);
  Deliver(1, kNoAnswer, "5");
  Deliver(1, kNoAnswer, "6");
  EXPECT_EQ(Sweep().tries, 0);
  EXPECT_EQ(CallsTo("/deliveries"), 0);
}

TEST_F(RedeliveryOnGitHubTest, TheAppsOwnWebhookStandsForAllRepositories) {
  BeApp("/org");
  AddHook(kRepository);
  OnForge([&] { forge_->SetAppHook(ProviderOnForge::kHook); });
  const auto own = Deliver(120, kNoAnswer, ScriptedGitHub::kAppHook, 7);
  const auto others = Deliver(1, kNoAnswer, ScriptedGitHub::kAppHook, 20);
  const auto report = Sweep();
  EXPECT_THAT(report.status, IsOk());
  EXPECT_EQ(report.redelivered, 120);
  EXPECT_THAT(CodesOf(own[0], "app"), ElementsAre(kNoAnswer, 202));
  EXPECT_THAT(CodesOf(others[0], "app"), ElementsAre(kNoAnswer))
      << "of another installation, which has its own connection";
  EXPECT_EQ(CallsTo("/repos"), 0);
}

TEST_F(RedeliveryOnGitHubTest, AWholeAppsDeliveriesAreOfAllInstallations) {
  BeApp("");
  OnForge([&] { forge_->SetAppHook(ProviderOnForge::kHook); });
  Deliver(1, kNoAnswer, ScriptedGitHub::kAppHook, 7);
  Deliver(1, kNoAnswer, ScriptedGitHub::kAppHook, 20);
  EXPECT_EQ(Sweep().redelivered, 2);
}

TEST_F(RedeliveryOnGitHubTest, AnAppWhoseWebhookLeadsElsewhereHasRepositories) {
  BeApp("/org");
  OnForge([&] { forge_->SetAppHook("https://ci.example.com/"); });
  Deliver(1, kNoAnswer, ScriptedGitHub::kAppHook, 7);
  AddHook(kRepository);
  const auto lost = Deliver(1, kNoAnswer);
  EXPECT_EQ(Sweep().redelivered, 1);
  EXPECT_THAT(CodesOf(lost[0]), ElementsAre(kNoAnswer, 202));
}

TEST_F(RedeliveryOnGitHubTest, AnOrganizationsWebhookStandsForItsRepositories) {
  BeUser("/org");
  AddHook(ScriptedGitHub::OrganizationKey("org"));
  const auto lost = Deliver(1, 500);
  EXPECT_EQ(Sweep().redelivered, 1);
  EXPECT_THAT(CodesOf(lost[0]), ElementsAre(500, 202));
  EXPECT_EQ(CallsTo("/repos"), 0);
}

TEST_F(RedeliveryOnGitHubTest, LeavesTheReserveToStatusesAndGoesOnLater) {
  ScriptedGitHub::Options options = Options();
  options.rate_limit = 10;
  BeUser("", options);
  AddHook(kRepository);
  const auto lost = Deliver(1, kNoAnswer);
  Deliver(800, 202);
  const auto first = Sweep();
  EXPECT_THAT(first.status, StatusIs(StatusCode::kResourceExhausted,
                                     HasSubstr("reserved for statuses")));
  EXPECT_EQ(first.redelivered, 0);
  const size_t pages = CallsTo("/deliveries");
  EXPECT_EQ(pages, 6);
  EXPECT_THAT(provider_->Set(v1::SUCCESS), IsOk());

  EXPECT_THAT(Sweep().status, StatusIs(StatusCode::kResourceExhausted));
  EXPECT_EQ(CallsTo("/deliveries"), pages) << "asked within the window";
  clock_.Advance(absl::Minutes(61));
  const auto second = Sweep();
  EXPECT_THAT(second.status, IsOk());
  EXPECT_EQ(second.redelivered, 1);
  EXPECT_EQ(CallsTo("/deliveries"), 9) << "goes on where it was";
  EXPECT_THAT(CodesOf(lost[0]), ElementsAre(kNoAnswer, 202));
}

TEST_F(RedeliveryOnGitHubTest, ALimitEndsTheSweepAndNothingIsLost) {
  BeUser();
  AddHook(kRepository);
  Deliver(10, kNoAnswer);
  Fault limit;
  limit.rate_limit_until = clock_.Now() + absl::Minutes(4);
  limit.method = "POST";
  limit.times = 1;
  OnForge([&] { forge_->AddFault(limit); });
  const auto limited = Sweep();
  EXPECT_THAT(limited.status, StatusIs(StatusCode::kResourceExhausted));
  EXPECT_EQ(limited.redelivered, 0);
  EXPECT_EQ(CallsTo("/attempts", "POST"), 1);
  clock_.Advance(absl::Minutes(5));
  EXPECT_EQ(Sweep().redelivered, 10);
}

TEST_F(RedeliveryOnGitHubTest, AForgeThatIsAwayIsAskedAgainNextTime) {
  BeUser();
  AddHook(kRepository);
  Deliver(150, kNoAnswer);
  Fault away;
  away.status = 502;
  away.times = 1;
  OnForge([&] { forge_->AddFault(away); });
  EXPECT_THAT(Sweep().status, StatusIs(StatusCode::kUnavailable));
  const auto report = Sweep();
  EXPECT_THAT(report.status, IsOk());
  EXPECT_EQ(report.redelivered, 150);
}

TEST_F(RedeliveryOnGitHubTest, AWebhookThatIsGoneDelaysNoOther) {
  BeUser();
  SetOptions({.connection = "account", .max_repositories = 1});
  OnForge([&] { forge_->AddRepositories(1, "gone"); });
  AddHook("gone/repo-000000", 5);
  Deliver(1, 202, "5");
  EXPECT_THAT(Sweep().status, IsOk());
  OnForge([&] { forge_->hooks().of("gone/repo-000000").clear(); });
  AddHook(kRepository);
  Deliver(1, kNoAnswer);
  const auto report = Sweep();
  EXPECT_THAT(report.status, StatusIs(StatusCode::kNotFound));
  EXPECT_EQ(report.redelivered, 1);
  EXPECT_THAT(Sweep().status, IsOk());
}

}  // namespace
}  // namespace lamplighter::provider
