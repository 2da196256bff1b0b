#include "services/provider/forges/azuredevops/azuredevops.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/grpc/retry_info.h"
#include "common/http/testing/fake_http_client.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/provider/forges/testing/forge_fixture.h"

namespace lamplighter::provider {
namespace {

using ::absl::StatusCode;
using ::testing::_;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

constexpr char kAddress[] = "https://dev.azure.com/org/proj/_git/repo";
constexpr char kName[] = "kustomization/app/0c9c2e41";

std::string Entry(int id, const std::string& genre, const std::string& name,
                  const std::string& state = "succeeded") {
  return absl::StrCat(R"({"id":)", id, R"(,"state":")", state,
                      R"(","description":"reconciliation succeeded",)",
                      R"("context":{"name":")", name, R"(","genre":)", genre,
                      R"(},"creationDate":"2026-11-21T09:00:00.1234567Z",)",
                      R"("targetUrl":"https://example.com/app"})");
}

HttpResult Page(const std::vector<std::string>& entries) {
  return Reply(200,
               absl::StrCat(R"({"count":)", entries.size(), R"(,"value":[)",
                            absl::StrJoin(entries, ","), "]}"));
}

class AzureDevOpsTest : public ForgeFixture {
 protected:
  AzureDevOpsTest() : ForgeFixture("azuredevops") {
    http_.When("GET", _).Return(Page({}));
    http_.When("POST", _).Return(Reply(200, R"({"id":7,"state":"succeeded"})"));
  }

  absl::StatusOr<SetStatusResult> Set(const v1::StatusIntent& intent,
                                      const std::string& address = kAddress) {
    return ForgeFixture::Set(*azure_, address, intent);
  }

  std::unique_ptr<Forge> azure_ = MakeAzureDevOps();
};

TEST_F(AzureDevOpsTest, SpeaksItsApi) {
  EXPECT_EQ(Set(SomeIntent())->forge_id, "7");
  ASSERT_EQ(http_.calls().size(), 2);
  const HttpCall& read = http_.calls()[0];
  EXPECT_EQ(
      read.url,
      absl::StrCat("https://dev.azure.com/org/proj/_apis/git/repositories/repo/"
                   "commits/",
                   kSha, "/statuses?latestOnly=true&top=1000"));
  const HttpCall& write = http_.calls()[1];
  EXPECT_EQ(
      write.url,
      absl::StrCat("https://dev.azure.com/org/proj/_apis/git/repositories/repo/"
                   "commits/",
                   kSha, "/statuses"));
  EXPECT_EQ(write.headers.Find("Content-Type"), "application/json");
  EXPECT_EQ(
      write.body,
      R"({"context":{"genre":"fluxcd","name":"kustomization/app/0c9c2e41"},)"
      R"("description":"reconciliation succeeded","state":"succeeded",)"
      R"("targetUrl":"https://example.com/app"})");
  for (const HttpCall& call : http_.calls()) {
    EXPECT_EQ(call.headers.Find("Accept"), "application/json;api-version=5.0");
    EXPECT_EQ(call.headers.Find("X-TFS-FedAuthRedirect"), "Suppress");
    EXPECT_EQ(
        call.headers.Find("Authorization"),
        absl::StrCat("Basic ", absl::Base64Escape(absl::StrCat(":", kToken))));
  }
}

TEST_F(AzureDevOpsTest, SetsWhatNotificationControllerSets) {
  v1::StatusIntent intent = SomeIntent();
  intent.set_summary("prod cluster");
  intent.clear_target_url();
  EXPECT_THAT(Set(intent, "https://dev.azure.com/org/my%20proj/_git/my%20repo"),
              IsOk());
  const HttpCall& write = http_.calls().back();
  EXPECT_EQ(write.url,
            absl::StrCat("https://dev.azure.com/org/my%20proj/_apis/git/"
                         "repositories/my%20repo/commits/",
                         kSha, "/statuses"));
  EXPECT_EQ(write.body,
            R"({"context":{"genre":"fluxcd:prod cluster",)"
            R"("name":"kustomization/app/0c9c2e41"},)"
            R"("description":"reconciliation succeeded","state":"succeeded"})");
}

TEST_F(AzureDevOpsTest, CallsAFailureAnErrorAsNotificationControllerDoes) {
  v1::StatusIntent intent = SomeIntent();
  intent.set_state(v1::FAILURE);
  EXPECT_THAT(Set(intent), IsOk());
  EXPECT_THAT(http_.calls().back().body, HasSubstr(R"("state":"error")"));
  EXPECT_EQ(azure_->StateOf("error"), v1::FAILURE);
}

TEST_F(AzureDevOpsTest, KnowsTheWordsOfOthersToo) {
  EXPECT_EQ(azure_->StateOf("failed"), v1::FAILURE);
  EXPECT_EQ(azure_->StateOf("notApplicable"), v1::SUCCESS);
  EXPECT_EQ(azure_->StateOf("notSet"), v1::COMMIT_STATE_UNSPECIFIED);
}

TEST_F(AzureDevOpsTest, AServerHasCollectionsMaybeBelowAPath) {
  EXPECT_THAT(
      Set(SomeIntent(), "https://tfs.example.com/tfs/Coll/proj/_git/repo"),
      IsOk());
  EXPECT_THAT(http_.calls().back().url,
              StartsWith("https://tfs.example.com/tfs/Coll/proj/_apis/git/"
                         "repositories/repo/commits/"));
}

TEST_F(AzureDevOpsTest, AProjectsOwnRepositoryMayGoByItsNameAlone) {
  EXPECT_THAT(Set(SomeIntent(), "https://dev.azure.com/org/_git/proj"), IsOk());
  EXPECT_THAT(http_.calls().back().url,
              HasSubstr("/org/proj/_apis/git/repositories/proj/commits/"));
}

TEST_F(AzureDevOpsTest, TheSameNameInAnotherGenreIsAnotherStatus) {
  http_.When("GET", _).Return(
      Page({Entry(1, R"("fluxcd:prod")", kName), Entry(2, R"("ci")", kName),
            Entry(3, "null", kName)}));
  EXPECT_TRUE(Set(SomeIntent())->written);
  v1::StatusIntent intent = SomeIntent();
  intent.set_summary("prod");
  const auto result = Set(intent);
  EXPECT_FALSE(result->written);
  EXPECT_EQ(result->forge_id, "1");
}

TEST_F(AzureDevOpsTest, ASlashInTheSummaryStaysInTheGenre) {
  v1::StatusIntent intent = SomeIntent();
  intent.set_summary("eu/prod");
  EXPECT_THAT(Set(intent), IsOk());
  EXPECT_THAT(http_.calls().back().body,
              StartsWith(R"({"context":{"genre":"fluxcd:eu/prod",)"
                         R"("name":"kustomization/app/0c9c2e41"})"));
  // Shown alike, but not the same.
  http_.When("GET", _).Return(
      Page({Entry(1, R"("fluxcd:eu")", absl::StrCat("prod/", kName))}));
  EXPECT_TRUE(Set(intent)->written);
}

TEST_F(AzureDevOpsTest, TheGreatestIdIsTheNewest) {
  http_.When("GET", _).Return(Page({Entry(9, R"("fluxcd")", kName, "error"),
                                    Entry(10, R"("fluxcd")", kName),
                                    Entry(8, R"("fluxcd")", kName, "error")}));
  const auto result = Set(SomeIntent());
  EXPECT_FALSE(result->written);
  EXPECT_EQ(result->forge_id, "10");
}

TEST_F(AzureDevOpsTest, ReadsOnWhileAPageIsFull) {
  std::vector<std::string> others;
  for (int i = 0; i < 1000; ++i) {
    others.push_back(Entry(i, R"("ci")", absl::StrCat("build-", i)));
  }
  http_.When("GET", EndsWith("&top=1000")).Return(Page(others));
  http_.When("GET", EndsWith("&top=1000&skip=1000"))
      .Return(Page({Entry(2000, R"("fluxcd")", kName)}));
  EXPECT_FALSE(Set(SomeIntent())->written);
  EXPECT_EQ(http_.calls().size(), 2);
}

TEST_F(AzureDevOpsTest, ListsContextsAsTheyAreShownThere) {
  http_.When("GET", _).Return(
      Page({Entry(1, R"("fluxcd")", kName), Entry(2, R"("ci")", "build"),
            Entry(3, "null", "bare")}));
  const auto listed = List(*azure_, kAddress);
  ASSERT_THAT(listed, IsOk());
  std::vector<std::string> contexts;
  for (const ForgeStatus& status : *listed) contexts.push_back(status.context);
  EXPECT_THAT(contexts, UnorderedElementsAre(absl::StrCat("fluxcd/", kName),
                                             "ci/build", "bare"));
  EXPECT_EQ((*listed)[0].updated_at,
            absl::FromUnixSeconds(1795251600) + absl::Nanoseconds(123'456'700));
}

TEST_F(AzureDevOpsTest, ASignInPageIsABadTokenNotAnAnswer) {
  const HttpResult page =
      Reply(203, "<html>Sign In</html>", {{"Content-Type", "text/html"}});
  const HttpResult redirect =
      Reply(302, "", {{"Location", "https://spsprod.example.com/_signin"}});
  for (const char* method : {"GET", "POST"}) {
    for (const HttpResult& answer : {page, redirect}) {
      http_.When("GET", _).Return(Page({}));
      http_.When(method, _).Return(answer);
      EXPECT_THAT(Set(SomeIntent()),
                  StatusIs(StatusCode::kUnauthenticated, HasSubstr("sign in")));
    }
  }
}

TEST_F(AzureDevOpsTest, ASignInPageOfTheSameHostIsFollowedToAndKnown) {
  http_.When("GET", _).Return(
      Reply(200, "\r\n<!DOCTYPE html><html><title>Sign In</title></html>"));
  EXPECT_THAT(Set(SomeIntent()),
              StatusIs(StatusCode::kUnauthenticated, HasSubstr("sign in")));
  http_.When("GET", _).Return(Page({Entry(1, R"("<html>")", "Sign In")}));
  EXPECT_THAT(Set(SomeIntent()), IsOk()) << "no page, only its words";
}

TEST_F(AzureDevOpsTest, ADelayedRequestHasWorkedAndTheNextHasToWait) {
  http_.When("POST", _).Return(Reply(200, R"({"id":7})",
                                     {{"Retry-After", "20"},
                                      {"X-RateLimit-Delay", "1.5"},
                                      {"X-RateLimit-Limit", "200"},
                                      {"X-RateLimit-Remaining", "0"},
                                      {"X-RateLimit-Reset", "1700000900"}}));
  EXPECT_TRUE(Set(SomeIntent())->written);
  ASSERT_TRUE(rate_limit_);
  EXPECT_EQ(rate_limit_->limit, 0);  // theirs counts no requests
  EXPECT_EQ(rate_limit_->remaining, 0);
  EXPECT_EQ(rate_limit_->resets_at, clock_.Now() + absl::Seconds(20));
}

TEST_F(AzureDevOpsTest, ADelayedReadDoesNotHoldBackItsOwnWrite) {
  HttpResult delayed = Page({});
  delayed.headers.Add("Retry-After", "5");
  http_.When("GET", _).Return(delayed);
  EXPECT_TRUE(Set(SomeIntent())->written);
  EXPECT_EQ(rate_limit_->resets_at, clock_.Now() + absl::Seconds(5));
}

TEST_F(AzureDevOpsTest, NoClockOfTheirsMakesUsWaitForDays) {
  http_.When("POST", _).Return(
      Reply(200, R"({"id":7})", {{"Retry-After", "9000000000000000000"}}));
  EXPECT_TRUE(Set(SomeIntent())->written);
  EXPECT_EQ(rate_limit_->resets_at, clock_.Now() + absl::Hours(2));
}

TEST_F(AzureDevOpsTest, SaysNothingOfAQuotaThatIsNotUsedUp) {
  http_.When("POST", _).Return(
      Reply(200, R"({"id":7})", {{"X-RateLimit-Remaining", "50"}}));
  EXPECT_TRUE(Set(SomeIntent())->written);
  EXPECT_FALSE(rate_limit_);
}

TEST_F(AzureDevOpsTest, ABlockedRequestIsALimit) {
  http_.When("POST", _).Return(
      Reply(429,
            R"({"$id":"1","message":"TF400733: The request has been canceled",)"
            R"("typeKey":"RequestBlockedException"})",
            {{"Retry-After", "30"}}));
  const absl::Status status = Set(SomeIntent()).status();
  EXPECT_THAT(status,
              StatusIs(StatusCode::kResourceExhausted, HasSubstr("TF400733")));
  EXPECT_EQ(RetryAfter(status), absl::Seconds(30));
}

TEST_F(AzureDevOpsTest, AServerThatIsDownIsNoLimitOfTheCredential) {
  http_.When("GET", _).Return(Reply(503, "", {{"Retry-After", "30"}}));
  const absl::Status status = Set(SomeIntent()).status();
  EXPECT_THAT(status, StatusIs(StatusCode::kUnavailable));
  EXPECT_EQ(RetryAfter(status), absl::Seconds(30));
  EXPECT_FALSE(rate_limit_);
}

TEST_F(AzureDevOpsTest, ADisabledRepositoryIsNotFound) {
  http_.When("GET", _).Return(
      Reply(404, R"({"message":"TF401019: The Git repository is disabled."})"));
  EXPECT_THAT(Set(SomeIntent()),
              StatusIs(StatusCode::kNotFound, HasSubstr("TF401019")));
}

TEST_F(AzureDevOpsTest, TakesTheBareListOfTheDocumentationToo) {
  http_.When("GET", _).Return(
      Reply(200, absl::StrCat("[", Entry(1, R"("fluxcd")", kName), "]")));
  EXPECT_FALSE(Set(SomeIntent())->written);
}

TEST_F(AzureDevOpsTest, WhatHasNoListOrLessThanItCountsIsNoAnswer) {
  for (const char* body : {"", "7", "<html>", R"({"count":0})",
                           R"({"value":null})", R"({"count":1,"value":[]})"}) {
    http_.When("GET", _).Return(Reply(200, body));
    EXPECT_THAT(Set(SomeIntent()), StatusIs(StatusCode::kUnavailable)) << body;
  }
}

TEST_F(AzureDevOpsTest, WhatIsNotThereIsEmpty) {
  http_.When("GET", _).Return(
      Page({R"({"id":1,"state":"succeeded","description":null,)"
            R"("context":{"genre":"fluxcd","name":"kustomization/app/)"
            R"(0c9c2e41"}})",
            R"({"id":2,"state":"succeeded"})"}));
  v1::StatusIntent intent = SomeIntent();
  intent.clear_description();
  intent.clear_target_url();
  EXPECT_FALSE(Set(intent)->written);
}

TEST_F(AzureDevOpsTest, CutsTextsButNeverNames) {
  v1::StatusIntent intent = SomeIntent();
  intent.set_description(std::string(2000, 'd'));
  intent.set_summary(std::string(200, 's'));
  intent.set_context(std::string(128, 'c'));
  const auto rendered = azure_->Render(intent);
  ASSERT_THAT(rendered, IsOk());
  EXPECT_EQ(rendered->description, std::string(1023, 'd') + "…");
  EXPECT_EQ(rendered->genre, "fluxcd:" + std::string(120, 's') + "…");
  EXPECT_THAT(rendered->context, EndsWith("/" + std::string(128, 'c')));
  intent.set_context(std::string(129, 'c'));
  EXPECT_THAT(azure_->Render(intent), StatusIs(StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace lamplighter::provider
