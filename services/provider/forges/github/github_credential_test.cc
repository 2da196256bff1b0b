#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/http/testing/fake_http_client.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/provider/forges/github/github.h"
#include "services/provider/forges/github/testing/app_key.h"
#include "services/provider/forges/testing/forge_fixture.h"

namespace lamplighter::provider {
namespace {

using ::absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Response = v1::CheckCredentialResponse;

constexpr char kAll[] = "https://github.com";
using Headers = std::vector<std::pair<std::string, std::string>>;

class GitHubCredentialTest : public ForgeFixture {
 protected:
  GitHubCredentialTest() : ForgeFixture("github") {
    http_.When("GET", HasSubstr("/user/repos")).Return(Reply(200, "[]"));
    User({});
  }

  void User(const Headers& headers) {
    http_.When("GET", EndsWith("/user"))
        .Return(Reply(200, R"({"login":"octocat","id":1})", headers));
  }

  absl::StatusOr<Response> Check() {
    ForgeCall call = MakeAccountCall(kAll);
    return RunSync(github_->CheckCredential(call));
  }
  absl::StatusOr<Response> CheckOnRepository() {
    ForgeCall call = MakeCall("https://github.com/org/repo");
    return RunSync(github_->CheckCredential(call));
  }
  absl::StatusOr<absl::optional<ForgeRateLimit>> Quota() {
    ForgeCall call = MakeAccountCall(kAll);
    return RunSync(github_->ReadQuota(call));
  }

  void BeAnApp(const std::string& permissions) {
    static const auto* const key = new std::string(MakeAppKey());
    token_ = "";
    credential_.app.app_id = "123";
    credential_.app.private_key = *key;
    http_.When("GET", EndsWith("/app"))
        .Return(
            Reply(200, absl::StrCat(R"({"slug":"lamplighter","permissions":{)",
                                    permissions, "}}")));
    http_.When("POST", EndsWith("/access_tokens"))
        .Return(Reply(
            201, absl::StrCat(R"({"token":"ghs_x","expires_at":")",
                              absl::FormatTime(clock_.Now() + absl::Hours(1)),
                              R"(","permissions":{)", permissions, "}}")));
  }

  std::unique_ptr<Forge> github_ = MakeGitHub();
};

TEST_F(GitHubCredentialTest, AClassicTokenTellsItsScopesAndItsEnd) {
  User({{"X-OAuth-Scopes", "admin:repo_hook, repo"},
        {"GitHub-Authentication-Token-Expiration", "2026-12-31 23:59:59 UTC"},
        {"X-GitHub-Enterprise-Version", "3.17.2"}});
  const auto got = Check();
  ASSERT_THAT(got, IsOk());
  EXPECT_EQ(got->login(), "octocat");
  EXPECT_EQ(got->kind(), "personal access token (classic)");
  EXPECT_THAT(got->scopes(), ElementsAre("admin:repo_hook", "repo"));
  EXPECT_EQ(got->expires_at().seconds(), 1798761599);
  EXPECT_EQ(got->can_list_repositories(), Response::YES);
  EXPECT_EQ(got->can_set_statuses(), Response::YES);
  EXPECT_EQ(got->can_manage_webhooks(), Response::YES);
  EXPECT_EQ(got->forge_version(), "3.17.2");
  EXPECT_THAT(got->problems(), IsEmpty());
}

TEST_F(GitHubCredentialTest, KnowsBothFormsOfTheEnd) {
  User({{"GitHub-Authentication-Token-Expiration",
         "2026-12-31 23:59:59 +0100"}});
  EXPECT_EQ(Check()->expires_at().seconds(), 1798757999);
  User({});
  EXPECT_FALSE(Check()->has_expires_at());
}

TEST_F(GitHubCredentialTest, SaysWhichScopesAreMissing) {
  User({{"X-OAuth-Scopes", "repo:status"}});
  auto got = Check();
  ASSERT_THAT(got, IsOk());
  EXPECT_EQ(got->can_set_statuses(), Response::YES);
  EXPECT_EQ(got->can_manage_webhooks(), Response::NO);
  EXPECT_THAT(got->problems(), ElementsAre(HasSubstr("the scope repo."),
                                           HasSubstr("admin:repo_hook")));
  User({{"X-OAuth-Scopes", ""}});
  got = Check();
  ASSERT_THAT(got, IsOk());
  EXPECT_EQ(got->can_set_statuses(), Response::NO);
  EXPECT_THAT(got->problems(), ElementsAre(HasSubstr("the scope repo."),
                                           HasSubstr("repo:status"),
                                           HasSubstr("admin:repo_hook")));
  User({{"X-OAuth-Scopes", "public_repo, repository"}});
  EXPECT_EQ(Check()->can_set_statuses(), Response::VERDICT_UNSPECIFIED);
}

TEST_F(GitHubCredentialTest, AFineGrainedTokenDoesNotTell) {
  const auto got = Check();
  ASSERT_THAT(got, IsOk());
  EXPECT_EQ(got->kind(), "fine-grained personal access token");
  EXPECT_THAT(got->scopes(), IsEmpty());
  EXPECT_EQ(got->can_list_repositories(), Response::YES);
  EXPECT_EQ(got->can_set_statuses(), Response::VERDICT_UNSPECIFIED);
  EXPECT_EQ(got->can_manage_webhooks(), Response::VERDICT_UNSPECIFIED);
  EXPECT_THAT(got->problems(), IsEmpty());
}

TEST_F(GitHubCredentialTest, SaysThatOrganizationsAreLeftOut) {
  http_.When("GET", HasSubstr("/user/repos"))
      .Return(Reply(200, "[]",
                    {{"X-GitHub-SSO", "partial-results; organizations=1"}}));
  EXPECT_THAT(Check()->problems(), ElementsAre(HasSubstr("Configure SSO")));
  http_.When("GET", HasSubstr("/user/repos"))
      .Return(Reply(403, R"({"message":"Resource not accessible"})"));
  EXPECT_EQ(Check()->can_list_repositories(), Response::NO);
}

TEST_F(GitHubCredentialTest, NoTokenMayDoMoreThanItsUser) {
  User({{"X-OAuth-Scopes", "repo"}});
  http_.When("GET", EndsWith("/repos/org/repo"))
      .Return(Reply(200, R"({"archived":false,"permissions":{"pull":true}})"));
  auto got = CheckOnRepository();
  ASSERT_THAT(got, IsOk());
  EXPECT_EQ(got->can_set_statuses(), Response::NO);
  EXPECT_EQ(got->can_manage_webhooks(), Response::NO);
  EXPECT_THAT(got->problems(),
              ElementsAre(HasSubstr("role Write"), HasSubstr("role Admin")));
  http_.When("GET", EndsWith("/repos/org/repo"))
      .Return(Reply(200, R"({"archived":true,"permissions":{"admin":true,)"
                         R"("push":true}})"));
  got = CheckOnRepository();
  ASSERT_THAT(got, IsOk());
  EXPECT_EQ(got->can_manage_webhooks(), Response::YES);
  EXPECT_THAT(got->problems(), ElementsAre(HasSubstr("archived")));
  http_.When("GET", EndsWith("/repos/org/repo")).Return(404);
  EXPECT_THAT(CheckOnRepository()->problems(),
              ElementsAre(HasSubstr("does not see org/repo")));
}

TEST_F(GitHubCredentialTest, WhatGitHubRefusesIsAnError) {
  http_.When("GET", EndsWith("/user"))
      .Return(Reply(401, R"({"message":"Bad credentials"})"));
  EXPECT_THAT(Check(), StatusIs(StatusCode::kUnauthenticated));
  http_.When("GET", EndsWith("/user")).Return(Reply(200, "<html>"));
  EXPECT_THAT(Check(), StatusIs(StatusCode::kUnavailable));
}

TEST_F(GitHubCredentialTest, AnAppMayDoWhatItsInstallationGrants) {
  BeAnApp(R"("metadata":"read","statuses":"write")");
  credential_.app.installation_id = "77";
  const auto got = Check();
  ASSERT_THAT(got, IsOk());
  EXPECT_EQ(got->login(), "lamplighter[bot]");
  EXPECT_EQ(got->kind(), "GitHub App");
  EXPECT_THAT(got->scopes(), ElementsAre("metadata:read", "statuses:write"));
  EXPECT_EQ(got->can_list_repositories(), Response::YES);
  EXPECT_EQ(got->can_set_statuses(), Response::YES);
  EXPECT_EQ(got->can_manage_webhooks(), Response::NO);
  EXPECT_THAT(got->problems(), ElementsAre(HasSubstr("Webhooks: Read and")));
}

TEST_F(GitHubCredentialTest, AnAppSaysThatARepositoryIsNotItsOwn) {
  BeAnApp(R"("statuses":"write","repository_hooks":"write")");
  credential_.app.installation_id = "77";
  http_.When("GET", EndsWith("/repos/org/repo")).Return(404);
  EXPECT_THAT(CheckOnRepository()->problems(),
              ElementsAre(HasSubstr("does not see org/repo")));
}

TEST_F(GitHubCredentialTest, AWholeAppSaysWhereItIsSuspended) {
  BeAnApp(R"("statuses":"write","repository_hooks":"write")");
  http_.When("GET", HasSubstr("/app/installations?"))
      .Return(Reply(200, R"([{"id":1,"account":{"login":"a"}},)"
                         R"({"id":2,"account":{"login":"b"},)"
                         R"("suspended_at":"2026-01-01T00:00:00Z"}])"));
  auto got = Check();
  ASSERT_THAT(got, IsOk());
  EXPECT_EQ(got->can_list_repositories(), Response::YES);
  EXPECT_THAT(got->problems(), ElementsAre(HasSubstr("suspended on b")));
  http_.When("GET", HasSubstr("/app/installations?")).Return(Reply(200, "[]"));
  got = Check();
  ASSERT_THAT(got, IsOk());
  EXPECT_EQ(got->can_list_repositories(), Response::NO);
}

TEST_F(GitHubCredentialTest, ReadsTheQuotaWhereThereIsOne) {
  http_.When("GET", "https://api.github.com/rate_limit")
      .Return(Reply(200, R"({"resources":{"core":{"limit":5000,"used":1,)"
                         R"("remaining":4999,"reset":1700000900}},)"
                         R"("rate":{"limit":1}})"));
  const auto quota = Quota();
  ASSERT_THAT(quota, IsOk());
  EXPECT_EQ((*quota)->limit, 5000);
  EXPECT_EQ((*quota)->remaining, 4999);
  EXPECT_EQ((*quota)->resets_at, absl::FromUnixSeconds(1700000900));
  http_.When("GET", "https://api.github.com/rate_limit")
      .Return(Reply(404, R"({"message":"Rate limiting is not enabled."})"));
  EXPECT_FALSE(Quota().value().has_value());
  http_.When("GET", "https://api.github.com/rate_limit")
      .Return(Reply(200, "{}"));
  EXPECT_THAT(Quota(), StatusIs(StatusCode::kUnavailable));
}

TEST_F(GitHubCredentialTest, AWholeAppHasNoQuotaOfItsOwn) {
  BeAnApp("");
  EXPECT_FALSE(Quota().value().has_value());
  EXPECT_TRUE(http_.calls().empty());
}

}  // namespace
}  // namespace lamplighter::provider
