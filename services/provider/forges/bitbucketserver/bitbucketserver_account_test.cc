// Repositories, webhooks and credentials of Bitbucket Data Center.

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/async/testing/run_sync.h"
#include "common/http/testing/fake_http_client.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/v1/catalog.pb.h"
#include "proto/lamplighter/v1/provider.pb.h"
#include "services/provider/forges/bitbucketserver/bitbucketserver.h"
#include "services/provider/forges/testing/forge_fixture.h"

namespace lamplighter::provider {
namespace {

using ::absl::StatusCode;
using ::testing::_;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using Access = v1::CatalogRepository;
using Verdict = v1::CheckCredentialResponse;

constexpr char kSite[] = "https://git.example.com/ctx";
constexpr char kApi[] = "https://git.example.com/ctx/rest/api/latest";
constexpr char kRepository[] = "https://git.example.com/ctx/scm/PRJ/fleet.git";
constexpr char kHooks[] =
    "https://git.example.com/ctx/rest/api/latest/projects/PRJ/repos/fleet/"
    "webhooks";
constexpr char kHookUrl[] = "https://hooks.example.com/bitbucketserver";

std::string Repository(const std::string& slug, const std::string& more = "") {
  return absl::StrCat(R"({"id":7,"slug":")", slug,
                      R"(","project":{"key":"PRJ","id":3})", more, "}");
}

std::string Page(const std::string& values, int next = 0) {
  return absl::StrCat(
      R"({"size":1,"limit":100,"isLastPage":)", next == 0 ? "true" : "false",
      R"(,"start":0,)", R"("nextPageStart":)",
      next == 0 ? "null" : absl::StrCat(next), R"(,"values":[)", values, "]}");
}

std::string Hook(const std::string& more = R"(,"configuration":{})",
                 const std::string& active = "true") {
  return absl::StrCat(
      R"({"id":10,"name":"x","url":")", kHookUrl, R"(","active":)", active,
      R"(,"events":["repo:refs_changed","pr:opened","pr:from_ref_updated",)"
      R"("pr:merged","pr:declined","pr:deleted"])",
      more, "}");
}

class BitbucketServerAccountTest : public ForgeFixture {
 protected:
  BitbucketServerAccountTest() : ForgeFixture("bitbucketserver") {}

  absl::StatusOr<RepositoryPage> ListPage(const std::string& token) {
    ForgeCall call = MakeAccountCall(kSite);
    return RunSync(bitbucket_->ListRepositories(call, token, ""));
  }

  void Shows(const std::string& permission, int start,
             const std::string& body) {
    http_
        .When("GET", absl::StrCat(kApi, "/repos?permission=", permission,
                                  "&state=AVAILABLE&archived=ALL&start=", start,
                                  "&limit=100"))
        .Return(Reply(200, body));
  }

  static WantedWebhook Wanted() {
    WantedWebhook wanted;
    wanted.url = kHookUrl;
    wanted.secret = "hook-s3cret";
    return wanted;
  }

  absl::StatusOr<std::vector<ForgeWebhook>> Webhooks() {
    ForgeCall call = MakeCall(kRepository);
    return RunSync(bitbucket_->ListWebhooks(call, Wanted(), {}));
  }

  absl::StatusOr<std::string> WriteWebhook(const std::string& id) {
    ForgeCall call = MakeCall(kRepository);
    return RunSync(bitbucket_->WriteWebhook(call, Wanted(), "", id));
  }

  // What is wrong with the one webhook that is shown.
  std::string DifferenceOf(const std::string& hook) {
    http_.When("GET", kHooks).Return(Reply(200, Page(hook)));
    const auto webhooks = Webhooks();
    EXPECT_THAT(webhooks, IsOk());
    return webhooks.ok() && webhooks->size() == 1 ? webhooks->at(0).difference
                                                  : "not one webhook";
  }

  absl::StatusOr<v1::CheckCredentialResponse> Check() {
    ForgeCall call = MakeAccountCall(kSite);
    return RunSync(bitbucket_->CheckCredential(call));
  }

  void ShowsProperties(const std::string& user = "bot") {
    http_.When("GET", absl::StrCat(kApi, "/application-properties"))
        .Return(Reply(200, R"({"version":"9.2.0","displayName":"Bitbucket"})",
                      {{"X-AUSERNAME", user}}));
  }

  std::unique_ptr<Forge> bitbucket_ = MakeBitbucketServer();
};

TEST_F(BitbucketServerAccountTest, ListsOnceForEachLevelOfAccess) {
  Shows("REPO_ADMIN", 0, Page(Repository("a"), 130));
  Shows("REPO_ADMIN", 130, Page(Repository("b")));
  Shows("REPO_WRITE", 0, Page(Repository("a") + "," + Repository("c")));
  Shows("REPO_READ", 0, Page(Repository("d")));
  std::vector<std::string> listed;
  std::string token;
  do {
    const auto page = ListPage(token);
    ASSERT_THAT(page, IsOk());
    for (const v1::CatalogRepository& repository : page->repositories) {
      listed.push_back(absl::StrCat(Access::Access_Name(repository.access()),
                                    " ", repository.path()));
    }
    token = page->next;
  } while (!token.empty());
  EXPECT_THAT(listed, ElementsAre("ADMIN PRJ/a", "ADMIN PRJ/b", "WRITE PRJ/a",
                                  "WRITE PRJ/c", "READ PRJ/d"));
}

TEST_F(BitbucketServerAccountTest, SaysAllThatTheListSaysOfARepository) {
  Shows("REPO_ADMIN", 0, Page(R"({
    "slug":"fleet-infra","id":42,"name":"Fleet Infra","description":"All of it",
    "hierarchyId":"e3c9","scmId":"git","state":"AVAILABLE","forkable":true,
    "origin":{"slug":"fleet","id":41,"project":{"key":"PRJ"}},
    "project":{"key":"~Jane","id":9,"type":"PERSONAL","name":"Jane"},
    "public":false,"archived":true,
    "links":{"clone":[{"href":"ssh://git@git.example.com:7999/x","name":"ssh"},
      {"href":"https://jane@git.example.com/ctx/scm/~jane/fleet-infra.git",
       "name":"http"}],
      "self":[{"href":"https://git.example.com/ctx/users/jane/repos/x/browse"}]
    }})"));
  const auto page = ListPage("");
  ASSERT_THAT(page, IsOk());
  ASSERT_EQ(page->repositories.size(), 1);
  const v1::CatalogRepository& repository = page->repositories[0];
  EXPECT_EQ(repository.repository_id(),
            "git.example.com/ctx/~jane/fleet-infra");
  EXPECT_EQ(repository.forge_id(), "42");
  EXPECT_EQ(repository.path(), "~Jane/fleet-infra");
  EXPECT_EQ(repository.name(), "Fleet Infra");
  EXPECT_EQ(repository.group(), "~Jane");
  EXPECT_EQ(repository.group_forge_id(), "9");
  EXPECT_EQ(repository.description(), "All of it");
  EXPECT_EQ(repository.web_url(),
            "https://git.example.com/ctx/users/jane/repos/x/browse");
  EXPECT_EQ(repository.clone_url(),
            "https://git.example.com/ctx/scm/~jane/fleet-infra.git");
  EXPECT_EQ(repository.visibility(), v1::CatalogRepository::PRIVATE);
  EXPECT_TRUE(repository.archived());
  EXPECT_TRUE(repository.fork());
  EXPECT_EQ(repository.access(), v1::CatalogRepository::ADMIN);
}

TEST_F(BitbucketServerAccountTest, AnOlderServerSaysLess) {
  Shows("REPO_ADMIN", 0,
        Page(R"({"slug":"x","id":1,"project":{"key":"P","public":true}})"));
  const auto page = ListPage("");
  ASSERT_THAT(page, IsOk());
  const v1::CatalogRepository& repository = page->repositories.at(0);
  EXPECT_EQ(repository.name(), "x");
  EXPECT_FALSE(repository.archived());
  EXPECT_EQ(repository.visibility(), v1::CatalogRepository::PUBLIC);
  EXPECT_EQ(repository.clone_url(), "");
}

TEST_F(BitbucketServerAccountTest, LeavesOutWhatIsStillBeingMade) {
  Shows("REPO_ADMIN", 0,
        Page(Repository("a", R"(,"state":"INITIALISING")") + "," +
             Repository("b", R"(,"state":"AVAILABLE")")));
  const auto page = ListPage("");
  ASSERT_THAT(page, IsOk());
  ASSERT_EQ(page->repositories.size(), 1);
  EXPECT_EQ(page->repositories[0].path(), "PRJ/b");
}

TEST_F(BitbucketServerAccountTest, WhatIsNoListIsAnErrorAndNeverEmpty) {
  for (const std::string& body : std::vector<std::string>{
           "", "<html>", "[]", "{}", R"({"values":[]})",
           R"({"values":{},"isLastPage":true})", Page("{}"), Page("7"),
           Page(R"({"id":1,"slug":"x"})"),
           R"({"values":[],"isLastPage":false})",
           R"({"values":[],"isLastPage":false,"nextPageStart":null})",
           R"({"values":[],"isLastPage":false,"nextPageStart":0})"}) {
    Shows("REPO_ADMIN", 0, body);
    EXPECT_THAT(ListPage("").status(), StatusIs(StatusCode::kUnavailable))
        << body;
  }
}

TEST_F(BitbucketServerAccountTest, APageNeverLeadsBack) {
  Shows("REPO_READ", 300, Page(Repository("a"), 200));
  EXPECT_THAT(ListPage("REPO_READ 300").status(),
              StatusIs(StatusCode::kUnavailable));
}

TEST_F(BitbucketServerAccountTest, RefusesTokensThatLeadOutOfTheList) {
  for (const char* token :
       {"x", "300", "REPO_READ", "REPO_READ ", "REPO_READ x", "REPO_READ -1",
        "REPO_READ 1&limit=9", "SYS_ADMIN 0",
        "REPO_READ 99999999999999999999"}) {
    EXPECT_THAT(ListPage(token).status(), StatusIs(StatusCode::kInvalidArgument,
                                                   StartsWith("page_token: ")))
        << token;
  }
  EXPECT_TRUE(http_.calls().empty());
}

TEST_F(BitbucketServerAccountTest, KnowsWhatIsWrongWithItsWebhook) {
  EXPECT_EQ(DifferenceOf(Hook()), "");
  EXPECT_EQ(DifferenceOf(Hook("")), "");
  EXPECT_EQ(DifferenceOf(Hook(R"(,"sslVerificationRequired":true)")), "");
  EXPECT_EQ(DifferenceOf(Hook(R"(,"sslVerificationRequired":false)", "false")),
            "is not active; does not verify certificates");
  EXPECT_EQ(DifferenceOf(Hook(R"(,"configuration":{"secret":"hook-s3cret"})")),
            "");
  EXPECT_EQ(DifferenceOf(Hook(R"(,"configuration":{"secret":"*****"})")), "");
  EXPECT_EQ(DifferenceOf(Hook(R"(,"configuration":{"secret":"other"})")),
            "has another secret");
  EXPECT_EQ(DifferenceOf(
                absl::StrCat(R"({"id":1,"url":"https://x","active":true,)",
                             R"("events":["repo:refs_changed","pr:opened"]})")),
            "does not send pr:from_ref_updated, pr:merged, pr:declined, "
            "pr:deleted");
}

TEST_F(BitbucketServerAccountTest, ListsTheRepositorysOwnWebhooksOnAllPages) {
  http_.When("GET", kHooks)
      .Return(Reply(200, Page(Hook(R"(,"scopeType":"repository")") + "," +
                                  Hook(R"(,"scopeType":"project")"),
                              25)));
  http_.When("GET", absl::StrCat(kHooks, "?start=25"))
      .Return(Reply(200, Page(Hook())));
  const auto webhooks = Webhooks();
  ASSERT_THAT(webhooks, IsOk());
  ASSERT_EQ(webhooks->size(), 2);
  EXPECT_EQ(webhooks->at(0).id, "10");
  EXPECT_EQ(webhooks->at(0).url, kHookUrl);
  http_.When("GET", absl::StrCat(kHooks, "?start=25"))
      .Return(Reply(200, Page("{}")));
  EXPECT_THAT(Webhooks(), StatusIs(StatusCode::kUnavailable));
}

TEST_F(BitbucketServerAccountTest, CreatesAndMendsWebhooks) {
  for (const int status : {200, 201}) {
    http_.When("POST", kHooks).Return(Reply(status, Hook()));
    EXPECT_EQ(WriteWebhook("").value(), "10");
  }
  const std::string body = http_.calls().back().body;
  EXPECT_EQ(body,
            absl::StrCat(R"({"url":")", kHookUrl,
                         R"(","active":true,"events":["repo:refs_changed",)"
                         R"("pr:opened","pr:from_ref_updated","pr:merged",)"
                         R"("pr:declined","pr:deleted"],)"
                         R"("name":"Lamplighter","configuration":)"
                         R"({"secret":"hook-s3cret"},)"
                         R"("sslVerificationRequired":true})"));
  http_.When("PUT", absl::StrCat(kHooks, "/10")).Return(Reply(200, Hook()));
  EXPECT_EQ(WriteWebhook("10").value(), "10");
  EXPECT_EQ(http_.calls().back().body, body);
  http_.When("POST", kHooks).Return(Reply(200, "<html>"));
  EXPECT_THAT(WriteWebhook(""), StatusIs(StatusCode::kUnavailable));
  http_.When("POST", kHooks)
      .Return(Reply(401, R"({"errors":[{"message":"not permitted"}]})",
                    {{"X-AUSERNAME", "bot"}}));
  EXPECT_THAT(WriteWebhook(""), StatusIs(StatusCode::kPermissionDenied,
                                         HasSubstr("not permitted")));
}

TEST_F(BitbucketServerAccountTest, AWebhookThatIsNotThereIsTakenOff) {
  ForgeCall call = MakeCall(kRepository);
  const auto remove = [&](int status) {
    http_.When("DELETE", absl::StrCat(kHooks, "/10")).Return(status);
    return RunSync(bitbucket_->DeleteWebhook(call, "10"));
  };
  EXPECT_THAT(remove(204), IsOk());
  EXPECT_THAT(remove(404), IsOk());
  EXPECT_THAT(remove(500), StatusIs(StatusCode::kUnavailable));
}

TEST_F(BitbucketServerAccountTest, TellsWhatTheCredentialSees) {
  ShowsProperties();
  http_.When("GET", HasSubstr("/repos?permission="))
      .Return(Reply(200, Page(Repository("a"))));
  const auto checked = Check();
  ASSERT_THAT(checked, IsOk());
  EXPECT_EQ(checked->login(), "bot");
  EXPECT_EQ(checked->kind(), "HTTP access token");
  EXPECT_EQ(checked->forge_version(), "9.2.0");
  EXPECT_EQ(checked->can_list_repositories(), Verdict::YES);
  EXPECT_EQ(checked->can_set_statuses(), Verdict::YES);
  EXPECT_EQ(checked->can_manage_webhooks(), Verdict::YES);
  EXPECT_THAT(checked->problems(), IsEmpty());
}

TEST_F(BitbucketServerAccountTest, SaysWhatItMayNotDo) {
  ShowsProperties();
  http_.When("GET", HasSubstr("permission=REPO_READ"))
      .Return(Reply(200, Page(Repository("a"))));
  http_.When("GET", HasSubstr("permission=REPO_ADMIN"))
      .Return(Reply(200, Page("")));
  const auto reader = Check();
  ASSERT_THAT(reader, IsOk());
  EXPECT_EQ(reader->can_set_statuses(), Verdict::YES);
  EXPECT_EQ(reader->can_manage_webhooks(), Verdict::NO);
  EXPECT_THAT(reader->problems(), ElementsAre(HasSubstr("permission admin")));
}

TEST_F(BitbucketServerAccountTest, LooksAtTheRepositoryWhereThereIsOne) {
  ShowsProperties();
  http_.When("GET", HasSubstr("permission=")).Return(Reply(200, Page("")));
  http_.When("GET", EndsWith("/repos/fleet"))
      .Return(Reply(200, Repository("fleet")));
  http_.When("GET", kHooks).Return(Reply(401, "", {{"X-AUSERNAME", "bot"}}));
  ForgeCall call = MakeCall(kRepository);
  const auto checked = RunSync(bitbucket_->CheckCredential(call));
  ASSERT_THAT(checked, IsOk());
  EXPECT_EQ(checked->can_set_statuses(), Verdict::YES);
  EXPECT_EQ(checked->can_manage_webhooks(), Verdict::NO);
  EXPECT_THAT(checked->problems(), ElementsAre(HasSubstr("PRJ/fleet")));
}

TEST_F(BitbucketServerAccountTest, ACredentialThatIsNobodysIsAnError) {
  ShowsProperties("anonymous");
  EXPECT_THAT(Check(), StatusIs(StatusCode::kUnauthenticated));
  http_.When("GET", _).Return(401);
  EXPECT_THAT(Check(), StatusIs(StatusCode::kUnauthenticated));
  http_.When("GET", _).Return(Reply(200, "<html>"));
  EXPECT_THAT(Check(), StatusIs(StatusCode::kUnavailable));
}

}  // namespace
}  // namespace lamplighter::provider
