// Deliveries that failed, asked for again from a GitLab.

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
#include "services/provider/redelivery_sweep.h"
#include "tests/forges/provider_on_forge.h"
#include "tests/forges/scripted_gitlab.h"

namespace lamplighter::provider {
namespace {

using ::absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int kNoAnswer = 0;

class RedeliveryOnGitLabTest : public ::testing::Test {
 protected:
  template <typename Do>
  auto OnForge(Do&& what) {
    return provider_.loop().Do(what);
  }

  RedeliveryOnGitLabTest() {
    OnForge([&] { forge_.AddRepositories(5); });
  }

  // A webhook of ours on a project that the user maintains.
  std::string AddHook(int project) {
    return OnForge([&] {
      ScriptedGitLab::Hook hook;
      hook.fields["project"] = absl::StrCat("group-0/sub/project-", project);
      hook.fields["url"] = ProviderOnForge::kHook;
      const int64_t id = 1000 + project;
      forge_.hooks()[id] = std::move(hook);
      return absl::StrCat(id);
    });
  }
  std::vector<std::string> Deliver(const std::string& webhook, int count,
                                   int code) {
    return OnForge([&] {
      forge_.deliveries().SetAnswer(code);
      std::vector<std::string> guids;
      for (int i = 0; i < count; ++i) {
        guids.push_back(forge_.deliveries().Deliver(webhook));
      }
      return guids;
    });
  }
  RedeliverySweep::Report Sweep(int answer = 202) {
    OnForge([&] { forge_.deliveries().SetAnswer(answer); });
    return provider_.loop().Run(sweep_.Sweep());
  }
  std::vector<int> CodesOf(const std::string& webhook,
                           const std::string& guid) {
    return OnForge([&] { return forge_.deliveries().CodesOf(webhook, guid); });
  }
  size_t CallsTo(const std::string& path) {
    return OnForge([&] {
      size_t count = 0;
      for (const ScriptedCall& call : forge_.calls()) {
        count += absl::EndsWith(call.path, path) ? 1 : 0;
      }
      return count;
    });
  }

  FakeClock clock_;
  FakeSleeper sleeper_;
  ScriptedGitLab forge_{{.token = "t0ken"}, clock_};
  ProviderOnForge provider_{"gitlab",
                            forge_,
                            {"/group-0/sub/project-3", ""},
                            {{"token", "t0ken"}},
                            ForgeJobs::Options(),
                            clock_};
  RedeliverySweep sweep_{{.connection = "account"},
                         provider_.jobs(),
                         clock_,
                         sleeper_,
                         provider_.metrics()};
};

TEST_F(RedeliveryOnGitLabTest, AllThatFailedInAnOutageIsDeliveredOnceMore) {
  const std::string hook = AddHook(3);
  Deliver(hook, 30, 202);
  const auto lost = Deliver(hook, 2, kNoAnswer);
  const auto refused = Deliver(hook, 2, 503);
  const auto after = Deliver(hook, 30, 200);
  const auto report = Sweep();
  EXPECT_THAT(report.status, IsOk());
  EXPECT_EQ(report.change.found, 4);
  EXPECT_EQ(report.redelivered, 4);
  EXPECT_EQ(CallsTo("/events"), 4) << "pages of twenty";
  EXPECT_THAT(CodesOf(hook, lost[1]), ElementsAre(kNoAnswer, 202));
  EXPECT_THAT(CodesOf(hook, refused[0]), ElementsAre(503, 202));
  EXPECT_THAT(CodesOf(hook, after[0]), ElementsAre(200));
  EXPECT_EQ(Sweep().tries, 0);
  EXPECT_EQ(CallsTo("/events"), 5) << "what was read is not read again";
}

TEST_F(RedeliveryOnGitLabTest, WhatSucceededSinceIsLeftAlone) {
  const std::string hook = AddHook(3);
  const auto lost = Deliver(hook, 1, kNoAnswer);
  OnForge([&] {
    forge_.deliveries().SetAnswer(200);
    forge_.deliveries().DeliverAgain(hook, 1, absl::Hours(1));
  });
  EXPECT_EQ(Sweep().tries, 0);
}

TEST_F(RedeliveryOnGitLabTest, WhatGitLabForgotIsNotAskedFor) {
  const std::string hook = AddHook(3);
  OnForge([&] {
    forge_.deliveries().SetAnswer(kNoAnswer);
    forge_.deliveries().Deliver(hook, absl::Hours(7 * 24 + 1));
    forge_.deliveries().Deliver(hook, absl::Hours(7 * 24 - 1));
  });
  EXPECT_EQ(Sweep().redelivered, 1);
}

// Five a minute and project: that says nothing about the credential, nor about
// the other projects.
TEST_F(RedeliveryOnGitLabTest, GoesOnNextTimeWhereGitLabMakesNoMore) {
  const std::string hook = AddHook(3);
  const std::string other = AddHook(4);
  const auto lost = Deliver(hook, 8, kNoAnswer);
  Deliver(other, 2, kNoAnswer);
  const auto report = Sweep();
  EXPECT_THAT(report.status, StatusIs(StatusCode::kFailedPrecondition,
                                      HasSubstr("too many times")));
  EXPECT_EQ(report.redelivered, 5 + 2);
  EXPECT_EQ(report.change.failed_again, 0);
  EXPECT_THAT(CodesOf(hook, lost[4]), ElementsAre(kNoAnswer, 202));
  EXPECT_THAT(CodesOf(hook, lost[5]), ElementsAre(kNoAnswer));
  EXPECT_THAT(provider_.Set(v1::SUCCESS), IsOk());
  clock_.Advance(absl::Minutes(5));
  EXPECT_EQ(Sweep().redelivered, 3);
}

TEST_F(RedeliveryOnGitLabTest, AWebhookThatGitLabHasDisabledWaits) {
  const std::string hook = AddHook(3);
  Deliver(hook, 4, kNoAnswer);
  OnForge([&] { forge_.DisableHook(1003, "temporarily_disabled"); });
  for (int i = 0; i < 12; ++i) {
    EXPECT_THAT(Sweep().status, StatusIs(StatusCode::kFailedPrecondition,
                                         HasSubstr("Hook disabled")));
    clock_.Advance(absl::Minutes(5));
  }
  OnForge([&] { forge_.DisableHook(1003, "executable"); });
  const auto report = Sweep();
  EXPECT_THAT(report.status, IsOk());
  EXPECT_EQ(report.redelivered, 4) << "none was given up meanwhile";
}

TEST_F(RedeliveryOnGitLabTest, WhatFailsAgainIsTriedLater) {
  const std::string hook = AddHook(3);
  const auto lost = Deliver(hook, 1, kNoAnswer);
  const auto refused = Deliver(hook, 1, 500);
  const auto first = Sweep(kNoAnswer);
  EXPECT_THAT(first.status, StatusIs(StatusCode::kInvalidArgument,
                                     HasSubstr("execution expired")));
  EXPECT_EQ(first.change.failed_again, 2);
  clock_.Advance(absl::Minutes(5));
  EXPECT_EQ(Sweep(500).tries, 0);
  clock_.Advance(absl::Minutes(5));
  EXPECT_EQ(Sweep(500).redelivered, 2);
  clock_.Advance(absl::Minutes(5));
  EXPECT_EQ(Sweep().change.failed_again, 2);
  clock_.Advance(absl::Minutes(15));
  EXPECT_EQ(Sweep().redelivered, 2);
  EXPECT_THAT(CodesOf(hook, lost[0]), ElementsAre(0, 0, 500, 202));
  EXPECT_THAT(CodesOf(hook, refused[0]), ElementsAre(500, 0, 500, 202));
}

TEST_F(RedeliveryOnGitLabTest, ProjectsOfOthersAreNotLookedInto) {
  AddHook(3);
  Sweep();
  // Of five the user maintains 3, 4 and 5; of 2 GitLab does not say.
  EXPECT_EQ(CallsTo("/hooks"), 4);
}

}  // namespace
}  // namespace lamplighter::provider
