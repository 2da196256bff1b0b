#include "services/provider/forges/github/github.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
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
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kAddress[] = "https://github.com/My-Org/repo";
constexpr char kNone[] = R"({"state":"pending","statuses":[]})";

class GitHubTest : public ForgeFixture {
 protected:
  GitHubTest() : ForgeFixture("github") {
    http_.When("GET", _).Return(Reply(200, kNone));
    http_.When("POST", _).Return(Reply(201, R"({"id":12345678901})"));
  }

  absl::StatusOr<SetStatusResult> Set(const v1::StatusIntent& intent,
                                      const std::string& address = kAddress) {
    return ForgeFixture::Set(*github_, address, intent);
  }

  // Sets a status whose creation is answered so.
  absl::Status StatusOfWrite(HttpResult answer) {
    http_.When("POST", _).Return(std::move(answer));
    return Set(SomeIntent()).status();
  }

  std::unique_ptr<Forge> github_ = MakeGitHub();
};

TEST_F(GitHubTest, SpeaksItsApi) {
  const auto result = Set(SomeIntent());
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->forge_id, "12345678901");
  ASSERT_EQ(http_.calls().size(), 2);
  const HttpCall& read = http_.calls()[0];
  EXPECT_EQ(read.method, "GET");
  EXPECT_EQ(read.url,
            absl::StrCat("https://api.github.com/repos/My-Org/repo/commits/",
                         kSha, "/status?per_page=100"));
  EXPECT_EQ(read.headers.Find("Accept"), "application/vnd.github+json");
  EXPECT_EQ(read.headers.Find("X-GitHub-Api-Version"), "2022-11-28");
  EXPECT_EQ(read.headers.Find("Authorization"),
            absl::StrCat("Bearer ", kToken));
  const HttpCall& write = http_.calls()[1];
  EXPECT_EQ(write.method, "POST");
  EXPECT_EQ(
      write.url,
      absl::StrCat("https://api.github.com/repos/My-Org/repo/statuses/", kSha));
  EXPECT_EQ(write.headers.Find("Content-Type"), "application/json");
  EXPECT_EQ(write.body,
            R"({"state":"success","target_url":"https://example.com/app",)"
            R"("description":"reconciliation succeeded",)"
            R"("context":"kustomization/app/0c9c2e41"})");
}

TEST_F(GitHubTest, KnowsWhereEachKindOfHostHasItsApi) {
  EXPECT_THAT(Set(SomeIntent(), "git@ghe.example.com:o/r.git"), IsOk());
  EXPECT_THAT(http_.calls().back().url,
              StartsWith("https://ghe.example.com/api/v3/repos/o/r/"));
  EXPECT_THAT(Set(SomeIntent(), "http://127.0.0.1:8081/o/r"), IsOk());
  EXPECT_THAT(http_.calls().back().url,
              StartsWith("http://127.0.0.1:8081/api/v3/repos/o/r/"));
  EXPECT_THAT(Set(SomeIntent(), "https://acme.ghe.com/o/r"), IsOk());
  EXPECT_THAT(http_.calls().back().url,
              StartsWith("https://api.acme.ghe.com/repos/o/r/"));
}

TEST_F(GitHubTest, NamesThatUrlsCannotHoldAreEscaped) {
  EXPECT_THAT(Set(SomeIntent(), "https://github.com/o/a%3Fb%23c"), IsOk());
  EXPECT_THAT(http_.calls().back().url, HasSubstr("/repos/o/a%3Fb%23c/"));
}

TEST_F(GitHubTest, CutsDescriptionsAt140CharactersAndKnowsThemAgain) {
  v1::StatusIntent intent = SomeIntent();
  intent.set_description(std::string(100, 'x') + std::string(100, 'y'));
  const std::string cut = std::string(100, 'x') + std::string(39, 'y') + "…";
  EXPECT_THAT(Set(intent), IsOk());
  EXPECT_THAT(http_.calls().back().body,
              HasSubstr(absl::StrCat("\"", cut, "\"")));
  http_.When("GET", _).Return(Reply(
      200,
      absl::StrCat(R"({"statuses":[{"id":1,"state":"success","description":")",
                   cut, R"(","target_url":"https://example.com/app",)",
                   R"("context":"kustomization/app/0c9c2e41"}]})")));
  EXPECT_FALSE(Set(intent)->written);
}

TEST_F(GitHubTest, ContextsIgnoreCaseAndNullIsEmpty) {
  v1::StatusIntent intent = SomeIntent();
  intent.clear_target_url();
  intent.clear_description();
  http_.When("GET", _).Return(Reply(
      200, R"({"statuses":[{"id":1,"state":"success","description":null,)"
           R"("target_url":null,"context":"Kustomization/App/0C9C2E41"}]})"));
  EXPECT_FALSE(Set(intent)->written);
}

TEST_F(GitHubTest, RefusesContextsThatItWouldHaveToCut) {
  v1::StatusIntent intent = SomeIntent();
  intent.set_context(std::string(256, 'c'));
  EXPECT_THAT(Set(intent), StatusIs(StatusCode::kInvalidArgument));
}

TEST_F(GitHubTest, FollowsThePagesUntilItFindsTheContext) {
  const std::string other =
      R"({"statuses":[{"id":9,"state":"success","context":"other"}]})";
  const std::string ours =
      R"({"statuses":[{"id":4,"state":"success","context":)"
      R"("kustomization/app/0c9c2e41","description":"reconciliation succeeded",)"
      R"("target_url":"https://example.com/app"}]})";
  const std::vector<std::pair<std::string, std::string>> link = {
      {"Link", "<https://api.github.com/x?page=2>; rel=\"next\""}};
  http_.When("GET", HasSubstr("per_page=100")).Return(Reply(200, other, link));
  http_.When("GET", HasSubstr("&page=2")).Return(Reply(200, ours, link));
  EXPECT_FALSE(Set(SomeIntent())->written);
  EXPECT_EQ(http_.calls().size(), 2);
}

TEST_F(GitHubTest, PagesWithoutAnEndHaveOne) {
  http_.When("GET", _).Return(
      Reply(200, kNone, {{"Link", "<https://x>; rel=\"next\""}}));
  EXPECT_TRUE(Set(SomeIntent())->written);
  EXPECT_EQ(http_.calls().size(), 21);
}

TEST_F(GitHubTest, APrimaryLimitLastsUntilTheWindowEnds) {
  const absl::Status status = StatusOfWrite(
      Reply(403, R"({"message":"API rate limit exceeded for user ID 1."})",
            {{"X-RateLimit-Limit", "5000"},
             {"X-RateLimit-Remaining", "0"},
             {"X-RateLimit-Reset", "1700000900"}}));
  EXPECT_THAT(status, StatusIs(StatusCode::kResourceExhausted));
  EXPECT_EQ(RetryAfter(status), absl::Seconds(900));
  EXPECT_EQ(rate_limit_->remaining, 0);
}

TEST_F(GitHubTest, ASecondaryLimitLastsAsLongAsItSaysOrAMinute) {
  absl::Status status = StatusOfWrite(
      Reply(403, R"({"message":"You have exceeded a secondary rate limit."})",
            {{"Retry-After", "90"}}));
  EXPECT_THAT(status, StatusIs(StatusCode::kResourceExhausted));
  EXPECT_EQ(RetryAfter(status), absl::Seconds(90));
  status = StatusOfWrite(
      Reply(403, R"({"message":"You have exceeded a secondary rate limit."})",
            {{"X-RateLimit-Limit", "5000"},
             {"X-RateLimit-Remaining", "4000"},
             {"X-RateLimit-Reset", "1700000900"}}));
  EXPECT_THAT(status, StatusIs(StatusCode::kResourceExhausted));
  EXPECT_EQ(RetryAfter(status), absl::Seconds(60));
}

TEST_F(GitHubTest, AWindowThatSeemsOverIsWaitedForASecond) {
  const absl::Status status =
      StatusOfWrite(Reply(429, "",
                          {{"X-RateLimit-Limit", "5000"},
                           {"X-RateLimit-Remaining", "0"},
                           {"X-RateLimit-Reset", "1699999000"}}));
  EXPECT_EQ(RetryAfter(status), absl::Seconds(1));
}

TEST_F(GitHubTest, ARefusalIsNoLimit) {
  EXPECT_THAT(
      StatusOfWrite(
          Reply(403, R"({"message":"Resource not accessible by integration"})",
                {{"X-RateLimit-Limit", "5000"},
                 {"X-RateLimit-Remaining", "4999"},
                 {"X-RateLimit-Reset", "1700000900"}})),
      StatusIs(StatusCode::kPermissionDenied, HasSubstr("by integration")));
}

TEST_F(GitHubTest, AnArchivedRepositoryIsNotTheCredentialsFault) {
  EXPECT_THAT(
      StatusOfWrite(Reply(
          403, R"({"message":"Repository was archived so is read-only."})")),
      StatusIs(StatusCode::kFailedPrecondition, HasSubstr("archived")));
}

TEST_F(GitHubTest, TellsTheKindsOfUnprocessableApart) {
  EXPECT_THAT(
      StatusOfWrite(Reply(
          422, R"({"message":"Validation Failed","errors":[{"code":"custom",)"
               R"("message":"This SHA and context has reached the maximum )"
               R"(number of statuses."}]})")),
      StatusIs(StatusCode::kFailedPrecondition, HasSubstr("maximum number")));
  EXPECT_THAT(StatusOfWrite(Reply(
                  422, R"({"message":"No commit found for SHA: 5394cb7"})")),
              StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(StatusOfWrite(Reply(422, R"({"message":"Validation Failed",)"
                                       R"("errors":["url is too long"]})")),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("Validation Failed; url is too long")));
}

TEST_F(GitHubTest, RemembersTheQuotaThatItWasTold) {
  http_.When("POST", _).Return(Reply(201, R"({"id":1})",
                                     {{"X-RateLimit-Limit", "5000"},
                                      {"X-RateLimit-Remaining", "4321"},
                                      {"X-RateLimit-Reset", "1700000900"}}));
  EXPECT_THAT(Set(SomeIntent()), IsOk());
  EXPECT_EQ(rate_limit_->limit, 5000);
  EXPECT_EQ(rate_limit_->remaining, 4321);
  EXPECT_EQ(rate_limit_->resets_at, absl::FromUnixSeconds(1'700'000'900));
  EXPECT_THAT(registry_.Text(),
              HasSubstr("lamplighter_provider_budget_remaining{credential="
                        "\"flux-system/forge\",provider=\"github\"} 4321"));
}

TEST_F(GitHubTest, WhatIsUnchangedIsReadOnce) {
  http_.When("GET", _)
      .Return(Reply(200,
                    R"({"statuses":[{"id":4,"state":"success","context":)"
                    R"("kustomization/app/0c9c2e41","description":)"
                    R"("reconciliation succeeded","target_url":)"
                    R"("https://example.com/app"}]})",
                    {{"ETag", "W/\"1\""}}))
      .Then(Reply(304));
  EXPECT_FALSE(Set(SomeIntent())->written);
  EXPECT_FALSE(http_.calls()[0].headers.Find("If-None-Match"));
  token_ = "the next token";
  const auto again = Set(SomeIntent());
  ASSERT_THAT(again, IsOk());
  EXPECT_FALSE(again->written);
  EXPECT_EQ(again->forge_id, "4");
  EXPECT_EQ(http_.calls()[1].headers.Find("If-None-Match"), "W/\"1\"");
}

TEST_F(GitHubTest, WhatHasChangedIsReadAnew) {
  http_.When("GET", _)
      .Return(Reply(200, kNone, {{"ETag", "\"1\""}}))
      .Then(Reply(200, kNone, {{"ETag", "\"2\""}}))
      .Then(Reply(304));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(Set(SomeIntent())->written);
  EXPECT_EQ(http_.calls()[2].headers.Find("If-None-Match"), "\"1\"");
  EXPECT_EQ(http_.calls()[4].headers.Find("If-None-Match"), "\"2\"");
}

TEST_F(GitHubTest, WhatOneCredentialHasReadIsNotAnothers) {
  http_.When("GET", _).Return(Reply(200, kNone, {{"ETag", "\"1\""}}));
  EXPECT_THAT(Set(SomeIntent()), IsOk());
  ForgeCall::Target target = MakeCall(kAddress).target();
  target.access.credential_name = "other/secret";
  ForgeCall call(target, http_, clock_, metrics_);
  EXPECT_THAT(RunSync(github_->List(call, kSha)), IsOk());
  EXPECT_FALSE(http_.calls().back().headers.Find("If-None-Match"));
}

TEST_F(GitHubTest, AnEmptyRepositoryHasNoSuchCommit) {
  http_.When("GET", _).Return(
      Reply(409, R"({"message":"Git Repository is empty."})"));
  EXPECT_THAT(Set(SomeIntent()), StatusIs(StatusCode::kNotFound));
}

TEST_F(GitHubTest, AWriteToARenamedRepositorySaysSo) {
  EXPECT_THAT(StatusOfWrite(Reply(301, R"({"message":"Moved Permanently"})")),
              StatusIs(StatusCode::kNotFound, HasSubstr("new address")));
}

}  // namespace
}  // namespace lamplighter::provider
