#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "common/async/testing/run_sync.h"
#include "common/http/testing/fake_http_client.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/provider/forges/azuredevops/azuredevops.h"
#include "services/provider/forges/testing/forge_fixture.h"

namespace lamplighter::provider {
namespace {

using ::absl::StatusCode;
using ::testing::_;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kAddress[] = "https://dev.azure.com/org/proj/_git/repo";
constexpr char kProject[] = "6ce954b1-ce1f-45d1-b94d-e6bf2464ba2c";
constexpr char kRepository[] = "278d5cd2-584d-4b63-824a-2ba458937249";
constexpr char kUrl[] = "https://hooks.example.com/azure-devops";
constexpr char kFormerUrl[] = "https://old.example.com/azure-devops";

std::string Id(int number) {
  return absl::StrFormat("fd672255-8b6b-4769-9260-%012d", number);
}

// As the forge shows what was created as wanted.
std::string Subscription(int number, const std::string& event) {
  const bool is_update = event == "git.pullrequest.updated";
  return absl::StrCat(
      R"({"id":")", Id(number), R"(","status":"enabled","publisherId":"tfs",)",
      R"("eventType":")", event, R"(","resourceVersion":"1.0",)",
      R"("consumerId":"webHooks","consumerActionId":"httpRequest",)",
      R"("publisherInputs":{"branch":"","projectId":")", kProject,
      R"(","repository":")", kRepository, R"(","tfsSubscriptionId":"x")",
      is_update ? R"(,"notificationType":"PushNotification")" : "",
      R"(},"consumerInputs":{"url":")", kUrl,
      R"(","basicAuthUsername":"user","basicAuthPassword":"********",)",
      R"("resourceDetailsToSend":"all","acceptUntrustedCerts":"false"}})");
}

HttpResult Results(const std::vector<std::string>& subscriptions) {
  return Reply(200, absl::StrCat(R"({"publisherId":"tfs","results":[)",
                                 absl::StrJoin(subscriptions, ","), "]}"));
}

class AzureDevOpsWebhooksTest : public ForgeFixture {
 protected:
  AzureDevOpsWebhooksTest() : ForgeFixture("azuredevops") {
    http_.When("GET", EndsWith("/proj/_apis/git/repositories/repo"))
        .Return(Reply(200, absl::StrCat(R"({"id":")", kRepository,
                                        R"(","name":"repo","project":{"id":")",
                                        kProject, R"(","name":"proj"}})")));
    Shows({});
  }

  void Shows(const std::vector<std::string>& subscriptions) {
    http_
        .When("POST",
              "https://dev.azure.com/org/_apis/hooks/"
              "subscriptionsquery")
        .Return(Results(subscriptions));
  }

  static WantedWebhook Wanted() {
    WantedWebhook wanted;
    wanted.url = kUrl;
    wanted.username = "user";
    wanted.password = "hook-passw0rd";
    return wanted;
  }

  absl::StatusOr<std::vector<ForgeWebhook>> List() {
    return RunSync(azure_->ListWebhooks(call_, Wanted(), {kFormerUrl}));
  }

  // How the only one that there is differs.
  std::string DifferenceOf(const std::string& subscription) {
    Shows({subscription});
    const auto listed = List();
    return listed.ok() && listed->size() == 1 ? (*listed)[0].difference
                                              : "is not listed";
  }

  absl::StatusOr<std::string> Write(const std::string& kind,
                                    const std::string& id = "") {
    return RunSync(azure_->WriteWebhook(call_, Wanted(), kind, id));
  }

  std::unique_ptr<Forge> azure_ = MakeAzureDevOps();
  ForgeCall call_ = MakeCall(kAddress);
};

TEST_F(AzureDevOpsWebhooksTest, ARepositoryNeedsThreeSubscriptions) {
  EXPECT_THAT(azure_->WebhookKinds(),
              ElementsAre("git.push", "git.pullrequest.created",
                          "git.pullrequest.updated"));
}

TEST_F(AzureDevOpsWebhooksTest, CreatesThemForTheIdsOfTheRepository) {
  http_.When("POST", EndsWith("/_apis/hooks/subscriptions"))
      .Return(Reply(200, Subscription(1, "git.push")));
  EXPECT_EQ(Write("git.push").value_or(""), Id(1));
  EXPECT_THAT(Write("git.pullrequest.created"), IsOk());
  EXPECT_THAT(Write("git.pullrequest.updated"), IsOk());
  ASSERT_THAT(http_.calls(), SizeIs(4)) << "the ids are asked for once";
  const std::string push = absl::StrCat(
      R"({"publisherId":"tfs","eventType":"git.push","resourceVersion":"1.0",)",
      R"("consumerId":"webHooks","consumerActionId":"httpRequest",)",
      R"("publisherInputs":{"projectId":")", kProject, R"(","repository":")",
      kRepository, R"(","branch":""},"consumerInputs":{"url":")", kUrl,
      R"(","basicAuthUsername":"user","basicAuthPassword":"hook-passw0rd",)",
      R"("resourceDetailsToSend":"all","messagesToSend":"none",)",
      R"("detailedMessagesToSend":"none","acceptUntrustedCerts":"false"}})");
  EXPECT_EQ(http_.calls()[1].url,
            "https://dev.azure.com/org/_apis/hooks/subscriptions");
  EXPECT_EQ(http_.calls()[1].body, push);
  EXPECT_EQ(
      http_.calls()[2].body,
      absl::StrReplaceAll(push, {{"git.push", "git.pullrequest.created"}}));
  EXPECT_EQ(
      http_.calls()[3].body,
      absl::StrReplaceAll(
          push, {{"git.push", "git.pullrequest.updated"},
                 {R"("branch":"")",
                  R"("branch":"","notificationType":"PushNotification")"}}));
}

TEST_F(AzureDevOpsWebhooksTest, AsksForThoseOfTheRepository) {
  const auto listed = List();
  ASSERT_THAT(listed, IsOk());
  EXPECT_THAT(*listed, IsEmpty());
  ASSERT_THAT(http_.calls(), SizeIs(2));
  EXPECT_EQ(http_.calls()[1].body,
            absl::StrCat(
                R"({"publisherId":"tfs","consumerId":"webHooks",)",
                R"("publisherInputFilters":[{"conditions":[)",
                R"({"inputId":"projectId","operator":"equals","inputValue":")",
                kProject, R"("},{"inputId":"repository","operator":"equals",)",
                R"("inputValue":")", kRepository, R"("}]}]})"));
}

TEST_F(AzureDevOpsWebhooksTest, WhatWasCreatedAsWantedDoesNotDiffer) {
  Shows({Subscription(1, "git.push"),
         Subscription(2, "git.pullrequest.created"),
         Subscription(3, "git.pullrequest.updated")});
  const auto listed = List();
  ASSERT_THAT(listed, IsOk());
  ASSERT_THAT(*listed, SizeIs(3));
  for (const ForgeWebhook& webhook : *listed) {
    EXPECT_EQ(webhook.difference, "") << webhook.kind;
    EXPECT_EQ(webhook.url, kUrl);
  }
  EXPECT_EQ((*listed)[0].kind, "git.push");
  EXPECT_EQ((*listed)[0].id, Id(1));
}

TEST_F(AzureDevOpsWebhooksTest, SaysWhatIsNotAsWanted) {
  const struct {
    const char* event;
    const char* shown;
    const char* changed;
    const char* difference;
  } kCases[] = {
      {"git.push", R"("status":"enabled")", R"("status":"disabledBySystem")",
       "is disabledBySystem"},
      {"git.push", R"("status":"enabled")", R"("status":"onProbation")",
       "is onProbation"},
      {"git.push", "httpRequest", "other", "makes no HTTP request"},
      {"git.push", R"("1.0")", R"("2.0")", "events of another version"},
      {"git.push", R"("branch":"")", R"("branch":"main")",
       "is filtered by branch"},
      {"git.push", R"("branch":"")", R"("pushedBy":"x")",
       "is filtered by pushedBy"},
      {"git.pullrequest.updated", "PushNotification",
       "StatusUpdateNotification", "other updates than pushes"},
      {"git.pullrequest.updated", R"(,"notificationType":"PushNotification")",
       "", "other updates than pushes"},
      {"git.push", R"("basicAuthUsername":"user")",
       R"("basicAuthUsername":"me")", "another user"},
      {"git.push", R"("basicAuthPassword":"********",)", "", "no password"},
      {"git.push", R"("resourceDetailsToSend":"all")",
       R"("resourceDetailsToSend":"minimal")", "too few details"},
      {"git.push", R"("acceptUntrustedCerts":"false")",
       R"("acceptUntrustedCerts":"True")", "untrusted certificates"},
  };
  for (const auto& c : kCases) {
    const std::string as_wanted = Subscription(1, c.event);
    EXPECT_EQ(DifferenceOf(as_wanted), "");
    EXPECT_THAT(
        DifferenceOf(absl::StrReplaceAll(as_wanted, {{c.shown, c.changed}})),
        HasSubstr(c.difference))
        << c.changed;
  }
}

TEST_F(AzureDevOpsWebhooksTest, LeavesOutWhatIsOfOthers) {
  const std::string ours = Subscription(1, "git.push");
  const auto with = [&](const std::string& old, const std::string& fresh) {
    return absl::StrReplaceAll(ours, {{old, fresh}});
  };
  Shows({with(kRepository, Id(9)), with(kRepository, ""), with(kProject, Id(9)),
         with(kUrl, "https://other.example.com/"), with("webHooks", "slack"),
         with(kUrl, kFormerUrl),
         with(kRepository, "278D5CD2-584D-4B63-824A-2BA458937249")});
  const auto listed = List();
  ASSERT_THAT(listed, IsOk());
  ASSERT_THAT(*listed, SizeIs(2));
  EXPECT_EQ((*listed)[0].url, kFormerUrl);
  EXPECT_EQ((*listed)[1].url, kUrl);
}

TEST_F(AzureDevOpsWebhooksTest, WhatIsAsWantedComesFirstThenTheLeastId) {
  Shows({absl::StrReplaceAll(Subscription(1, "git.push"),
                             {{"enabled", "disabledByUser"}}),
         Subscription(3, "git.push"), Subscription(2, "git.push")});
  const auto listed = List();
  ASSERT_THAT(listed, IsOk());
  ASSERT_THAT(*listed, SizeIs(3));
  EXPECT_EQ((*listed)[0].id, Id(2));
  EXPECT_EQ((*listed)[1].id, Id(3));
  EXPECT_EQ((*listed)[2].id, Id(1));
}

TEST_F(AzureDevOpsWebhooksTest, MendsInPlaceAndEnables) {
  http_.When("PUT", EndsWith(absl::StrCat("/hooks/subscriptions/", Id(4))))
      .Return(Reply(200, Subscription(4, "git.push")));
  EXPECT_EQ(Write("git.push", Id(4)).value_or(""), Id(4));
  EXPECT_THAT(http_.calls().back().body,
              AllOf(HasSubstr(absl::StrCat(R"("id":")", Id(4), R"(")")),
                    HasSubstr(R"("status":"enabled")"),
                    HasSubstr(R"("basicAuthPassword":"hook-passw0rd")")));
}

TEST_F(AzureDevOpsWebhooksTest, ReplacesWhatStaysDisabled) {
  http_.When("PUT", _).Return(Reply(
      200, absl::StrReplaceAll(Subscription(4, "git.push"),
                               {{"enabled", "disabledByInactiveIdentity"}})));
  http_.When("POST", EndsWith("/hooks/subscriptions"))
      .Return(Reply(200, Subscription(5, "git.push")));
  http_.When("DELETE", EndsWith(Id(4))).Return(204);
  EXPECT_EQ(Write("git.push", Id(4)).value_or(""), Id(5));
  EXPECT_EQ(http_.calls().back().method, "DELETE");
}

TEST_F(AzureDevOpsWebhooksTest, OneThatIsGoneNeedsNoDeletion) {
  http_.When("DELETE", _).Return(204).Then(404).Then(500);
  EXPECT_THAT(RunSync(azure_->DeleteWebhook(call_, Id(1))), IsOk());
  EXPECT_EQ(http_.calls().back().url,
            absl::StrCat("https://dev.azure.com/org/_apis/hooks/subscriptions/",
                         Id(1)));
  EXPECT_THAT(RunSync(azure_->DeleteWebhook(call_, Id(1))), IsOk());
  EXPECT_THAT(RunSync(azure_->DeleteWebhook(call_, Id(1))),
              StatusIs(StatusCode::kUnavailable));
}

TEST_F(AzureDevOpsWebhooksTest, SaysWhichPermissionIsMissing) {
  http_.When("POST", _).Return(
      Reply(403, R"({"message":"TF50309: not allowed"})"));
  const auto names_both =
      StatusIs(StatusCode::kPermissionDenied,
               AllOf(HasSubstr("TF50309"), HasSubstr("Edit subscriptions")));
  EXPECT_THAT(List(), names_both);
  EXPECT_THAT(Write("git.push"), names_both);
}

TEST_F(AzureDevOpsWebhooksTest, ARefusedSubscriptionIsInTheForgesOwnWords) {
  http_.When("POST", EndsWith("/subscriptions"))
      .Return(Reply(400, R"({"message":"the URL of hook-passw0rd is local"})"));
  EXPECT_THAT(
      Write("git.push"),
      StatusIs(StatusCode::kInvalidArgument,
               AllOf(HasSubstr("is local"), Not(HasSubstr("hook-passw0rd")))));
}

TEST_F(AzureDevOpsWebhooksTest, WhatIsNoAnswerIsNoSubscription) {
  for (const char* body : {"", "[]", "{}", R"({"id":"1"})", R"({"id":)"}) {
    http_.When("POST", EndsWith("/subscriptions")).Return(Reply(200, body));
    EXPECT_THAT(Write("git.push"), StatusIs(StatusCode::kUnavailable)) << body;
  }
  for (const char* body :
       {"", "{}", R"({"results":null})", R"({"results":[{"id":"1"}]})",
        R"({"results":[7]})"}) {
    http_.When("POST", EndsWith("query")).Return(Reply(200, body));
    EXPECT_THAT(List(), StatusIs(StatusCode::kUnavailable)) << body;
  }
}

TEST_F(AzureDevOpsWebhooksTest, ARepositoryWithoutIdsHasNoSubscriptions) {
  http_.When("GET", _).Return(Reply(404, R"({"message":"TF401019: none"})"));
  EXPECT_THAT(List(), StatusIs(StatusCode::kNotFound, HasSubstr("TF401019")));
  http_.When("GET", _).Return(Reply(200, R"({"id":"repo","project":null})"));
  EXPECT_THAT(List(), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(Write("git.push"), StatusIs(StatusCode::kUnavailable));
}

}  // namespace
}  // namespace lamplighter::provider
