// Repositories and webhooks of Bitbucket Cloud.

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
#include "services/provider/forges/bitbucket/bitbucket.h"
#include "services/provider/forges/testing/forge_fixture.h"

namespace lamplighter::provider {
namespace {

using ::absl::StatusCode;
using ::testing::_;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;
using Access = v1::CatalogRepository;

constexpr char kApi[] = "https://api.bitbucket.org/2.0";
constexpr char kSite[] = "https://bitbucket.org";
constexpr char kWorkspace[] = "https://bitbucket.org/acme";
constexpr char kRepository[] = "https://bitbucket.org/acme/fleet";
constexpr char kHooks[] =
    "https://api.bitbucket.org/2.0/repositories/acme/fleet/hooks";
constexpr char kHookUrl[] = "https://hooks.example.com/bitbucket";
constexpr char kUser[] = "me@example.com:ATATT3xFfGF0";
constexpr char kAccessToken[] = "ATCTT3xFfGN0";

std::string Repository(const std::string& name) {
  return absl::StrCat(R"({"uuid":"{)", name, R"(-id}","full_name":"acme/)",
                      name, R"("})");
}

std::string Page(const std::vector<std::string>& values,
                 const std::string& next = "") {
  std::string list;
  for (const std::string& value : values) {
    absl::StrAppend(&list, list.empty() ? "" : ",", value);
  }
  return absl::StrCat(
      R"({"pagelen":100,"values":[)", list, "]",
      next.empty() ? "" : absl::StrCat(R"(,"next":")", next, R"(")"), "}");
}

std::string Workspace(const std::string& slug) {
  return absl::StrCat(R"({"administrator":false,"workspace":{"slug":")", slug,
                      R"("}})");
}

std::string Hook(const std::string& more = R"(,"secret_set":true)",
                 const std::string& active = "true") {
  return absl::StrCat(
      R"({"uuid":"{h-1}","url":")", kHookUrl, R"(","active":)", active,
      R"(,"events":["repo:push","pullrequest:created","pullrequest:updated",)"
      R"("pullrequest:fulfilled","pullrequest:rejected","repo:fork"])",
      more, "}");
}

class BitbucketAccountTest : public ForgeFixture {
 protected:
  BitbucketAccountTest() : ForgeFixture("bitbucket") { token_ = kUser; }

  absl::StatusOr<RepositoryPage> ListPage(const std::string& token,
                                          const std::string& account) {
    ForgeCall call = MakeAccountCall(account);
    return RunSync(bitbucket_->ListRepositories(call, token, ""));
  }

  // "admin fleet" of everything that is listed, page after page.
  std::vector<std::string> ListAll(const std::string& account) {
    std::vector<std::string> listed;
    std::string token;
    do {
      const auto page = ListPage(token, account);
      EXPECT_THAT(page, IsOk());
      if (!page.ok()) break;
      for (const v1::CatalogRepository& repository : page->repositories) {
        listed.push_back(absl::StrCat(Access::Access_Name(repository.access()),
                                      " ", repository.path()));
      }
      token = page->next;
    } while (!token.empty() && listed.size() < 100);
    return listed;
  }

  // The list that begins at `path` is this page.
  void Shows(const std::string& path, const std::string& body) {
    http_.When("GET", absl::StrCat(kApi, path)).Return(Reply(200, body));
  }

  absl::StatusOr<std::vector<ForgeWebhook>> Webhooks() {
    ForgeCall call = MakeCall(kRepository);
    return RunSync(bitbucket_->ListWebhooks(call, Wanted(), {}));
  }

  absl::StatusOr<std::string> WriteWebhook(const std::string& id) {
    ForgeCall call = MakeCall(kRepository);
    return RunSync(bitbucket_->WriteWebhook(call, Wanted(), "", id));
  }

  static WantedWebhook Wanted() {
    WantedWebhook wanted;
    wanted.url = kHookUrl;
    wanted.secret = "hook-s3cret";
    return wanted;
  }

  std::unique_ptr<Forge> bitbucket_ = MakeBitbucket();
};

TEST_F(BitbucketAccountTest, ListsAWorkspaceOnceForEachRole) {
  Shows("/repositories/acme?role=admin&pagelen=100",
        Page({Repository("a")},
             absl::StrCat(kApi, "/repositories/acme?role=admin&page=2x")));
  Shows("/repositories/acme?role=admin&page=2x", Page({Repository("b")}));
  Shows("/repositories/acme?role=contributor&pagelen=100",
        Page({Repository("a"), Repository("b")}));
  Shows("/repositories/acme?role=member&pagelen=100",
        Page({Repository("a"), Repository("c")}));
  EXPECT_THAT(ListAll(kWorkspace),
              ElementsAre("ADMIN acme/a", "ADMIN acme/b", "WRITE acme/a",
                          "WRITE acme/b", "READ acme/a", "READ acme/c"));
}

TEST_F(BitbucketAccountTest, ListsAllWorkspacesOneAfterTheOther) {
  const std::string first = "/user/workspaces?sort=slug&pagelen=100";
  const std::string second = "/user/workspaces?page=2";
  Shows(first,
        Page({Workspace("a"), Workspace("b")}, absl::StrCat(kApi, second)));
  Shows(second, Page({Workspace("c")}));
  for (const char* workspace : {"a", "b", "c"}) {
    http_
        .When("GET",
              StartsWith(absl::StrCat(kApi, "/repositories/", workspace, "?")))
        .Return(Reply(200, Page({absl::StrCat(R"({"uuid":"{1}","full_name":")",
                                              workspace, R"(/r"})")})));
  }
  EXPECT_THAT(ListAll(kSite),
              ElementsAre("ADMIN a/r", "WRITE a/r", "READ a/r", "ADMIN b/r",
                          "WRITE b/r", "READ b/r", "ADMIN c/r", "WRITE c/r",
                          "READ c/r"));
}

TEST_F(BitbucketAccountTest, AnAccountWithoutAWorkspaceHasNoRepositories) {
  Shows("/user/workspaces?sort=slug&pagelen=100", Page({}));
  EXPECT_THAT(ListAll(kSite), IsEmpty());
}

TEST_F(BitbucketAccountTest, AWorkspaceThatWentAwayMeanwhileIsNotPassedOver) {
  Shows("/user/workspaces?sort=slug&pagelen=100",
        Page({Workspace("a"), Workspace("c")}));
  EXPECT_THAT(ListPage("b listed - -", kSite).status(),
              StatusIs(StatusCode::kUnavailable, HasSubstr("changed")));
}

TEST_F(BitbucketAccountTest, AnAccessTokenHasNoRole) {
  token_ = kAccessToken;
  Shows("/repositories/acme?pagelen=100", Page({Repository("a")}));
  EXPECT_THAT(ListAll(kWorkspace), ElementsAre("ACCESS_UNSPECIFIED acme/a"));
}

TEST_F(BitbucketAccountTest, AnAccessTokenThatMayNotListWorkspacesIsToldHow) {
  token_ = kAccessToken;
  for (const int status : {401, 403, 404}) {
    http_.When("GET", _).Return(status);
    EXPECT_THAT(std::string(ListPage("", kSite).status().message()),
                HasSubstr("https://bitbucket.org/WORKSPACE"))
        << status;
  }
  token_ = kUser;
  http_.When("GET", _).Return(403);
  EXPECT_THAT(
      ListPage("", kSite).status(),
      StatusIs(StatusCode::kPermissionDenied, Not(HasSubstr("WORKSPACE"))));
}

TEST_F(BitbucketAccountTest, SaysAllThatTheListSaysOfARepository) {
  Shows("/repositories/acme?role=admin&pagelen=100", Page({R"({
    "type":"repository","uuid":"{0b1c}","full_name":"Acme/fleet-infra",
    "name":"Fleet Infra","description":"All\nof it","is_private":true,
    "parent":{"uuid":"{9}","full_name":"other/fleet"},
    "updated_on":"2026-11-20T10:11:12.5+00:00","scm":"git",
    "mainbranch":{"type":"branch","name":"main"},
    "workspace":{"slug":"Acme","uuid":"{w-1}"},"owner":{"uuid":"{o-1}"},
    "links":{"html":{"href":"https://bitbucket.org/Acme/fleet-infra"},
      "clone":[{"name":"ssh","href":"git@bitbucket.org:Acme/fleet-infra.git"},
        {"name":"https",
         "href":"https://me@bitbucket.org/Acme/fleet-infra.git"}]}})"}));
  const auto page = ListPage("", kWorkspace);
  ASSERT_THAT(page, IsOk());
  ASSERT_EQ(page->repositories.size(), 1);
  const v1::CatalogRepository& repository = page->repositories[0];
  EXPECT_EQ(repository.repository_id(), "bitbucket.org/acme/fleet-infra");
  EXPECT_EQ(repository.forge_id(), "{0b1c}");
  EXPECT_EQ(repository.path(), "Acme/fleet-infra");
  EXPECT_EQ(repository.name(), "Fleet Infra");
  EXPECT_EQ(repository.group(), "Acme");
  EXPECT_EQ(repository.group_forge_id(), "{w-1}");
  EXPECT_EQ(repository.description(), "All of it");
  EXPECT_EQ(repository.web_url(), "https://bitbucket.org/Acme/fleet-infra");
  EXPECT_EQ(repository.clone_url(),
            "https://bitbucket.org/Acme/fleet-infra.git");
  EXPECT_EQ(repository.default_branch(), "main");
  EXPECT_EQ(repository.visibility(), v1::CatalogRepository::PRIVATE);
  EXPECT_TRUE(repository.fork());
  EXPECT_EQ(repository.updated_at().seconds(), 1'795'169'472);
}

TEST_F(BitbucketAccountTest, AnEmptyRepositoryHasNoDefaultBranch) {
  Shows("/repositories/acme?role=admin&pagelen=100",
        Page({R"({"uuid":"{1}","full_name":"acme/new","mainbranch":null,
                  "parent":null,"description":null,"is_private":false})"}));
  const auto page = ListPage("", kWorkspace);
  ASSERT_THAT(page, IsOk());
  const v1::CatalogRepository& repository = page->repositories.at(0);
  EXPECT_EQ(repository.default_branch(), "");
  EXPECT_EQ(repository.name(), "new");
  EXPECT_EQ(repository.visibility(), v1::CatalogRepository::PUBLIC);
  EXPECT_FALSE(repository.fork());
  EXPECT_FALSE(repository.has_updated_at());
}

TEST_F(BitbucketAccountTest, WhatIsNoListIsAnErrorAndNeverEmpty) {
  for (const std::string& body : std::vector<std::string>{
           "", "<html>", "[]", "{}", R"({"values":{}})", R"({"values":[7]})",
           R"({"values":[{"uuid":"{1}"}]})",
           R"({"values":[{"uuid":"{1}","full_name":"a/b/c"}]})",
           R"({"values":[{"uuid":"{1}","full_name":"../x"}]})",
           Page({}, "https://evil.example.com/2.0/repositories/acme?page=2"),
           Page({}, "https://api.bitbucket.org/2.0/repositories/other?page=2"),
           Page({Repository("a")}).substr(0, 60)}) {
    Shows("/repositories/acme?role=admin&pagelen=100", body);
    EXPECT_THAT(ListPage("", kWorkspace).status(),
                StatusIs(StatusCode::kUnavailable))
        << body;
  }
}

TEST_F(BitbucketAccountTest, RefusesTokensThatLeadOutOfTheList) {
  for (const char* token : {"x", "acme admin -", "acme admin - - -",
                            "acme owner - -", "other admin - -", ".. admin - -",
                            "acme admin page=2#x -", "acme admin page\n2 -",
                            "acme any - -", " admin - -", "acme listed - -"}) {
    EXPECT_THAT(
        ListPage(token, kWorkspace).status(),
        StatusIs(StatusCode::kInvalidArgument, StartsWith("page_token: ")))
        << token;
  }
  EXPECT_TRUE(http_.calls().empty());
  http_.When("GET", _).Return(Reply(200, Page({})));
  EXPECT_THAT(ListPage("a/../../b admin - -", kSite).status(), IsOk());
  EXPECT_EQ(http_.calls().back().url,
            "https://api.bitbucket.org/2.0/repositories/a%2F..%2F..%2Fb"
            "?role=admin&pagelen=100");
}

TEST_F(BitbucketAccountTest, ResumesWhereATokenSays) {
  Shows("/repositories/acme?role=admin&page=2x", Page({Repository("b")}));
  const auto page = ListPage("acme admin role=admin&page=2x -", kWorkspace);
  ASSERT_THAT(page, IsOk());
  EXPECT_EQ(page->next, "acme contributor - -");
}

TEST_F(BitbucketAccountTest, KnowsItsWebhooksAndWhatIsWrongWithThem) {
  http_.When("GET", absl::StrCat(kHooks, "?pagelen=100"))
      .Return(Reply(200, Page({Hook()}, absl::StrCat(kHooks, "?page=2"))));
  http_.When("GET", absl::StrCat(kHooks, "?page=2"))
      .Return(
          Reply(200, Page({Hook(R"(,"secret_set":false)", "false"),
                           R"({"uuid":"{h-2}","url":"https://x","active":true,)"
                           R"("events":["repo:push"]})"})));
  const auto webhooks = Webhooks();
  ASSERT_THAT(webhooks, IsOk());
  ASSERT_EQ(webhooks->size(), 3);
  EXPECT_EQ(webhooks->at(0).id, "{h-1}");
  EXPECT_EQ(webhooks->at(0).url, kHookUrl);
  EXPECT_EQ(webhooks->at(0).difference, "");
  EXPECT_EQ(webhooks->at(1).difference, "is not active; has no secret");
  EXPECT_EQ(webhooks->at(2).difference,
            "does not send pullrequest:created, pullrequest:updated, "
            "pullrequest:fulfilled, pullrequest:rejected");
}

TEST_F(BitbucketAccountTest, AListOfWebhooksIsWholeOrAnError) {
  http_.When("GET", _).Return(
      Reply(200, Page({Hook()}, absl::StrCat(kHooks, "?page=again"))));
  EXPECT_THAT(Webhooks(), StatusIs(StatusCode::kUnavailable));
  http_.When("GET", _).Return(Reply(200, Page({"{}"})));
  EXPECT_THAT(Webhooks(), StatusIs(StatusCode::kUnavailable));
}

TEST_F(BitbucketAccountTest, CreatesAndMendsWebhooks) {
  http_.When("POST", kHooks).Return(Reply(201, Hook()));
  EXPECT_EQ(WriteWebhook("").value(), "{h-1}");
  const std::string body = http_.calls().back().body;
  EXPECT_EQ(
      body,
      absl::StrCat(R"({"url":")", kHookUrl,
                   R"(","active":true,"events":["repo:push",)"
                   R"("pullrequest:created","pullrequest:updated",)"
                   R"("pullrequest:fulfilled","pullrequest:rejected"],)"
                   R"("description":"Lamplighter","secret":"hook-s3cret"})"));
  http_.When("PUT", absl::StrCat(kHooks, "/%7Bh-1%7D"))
      .Return(Reply(200, Hook()));
  EXPECT_EQ(WriteWebhook("{h-1}").value(), "{h-1}");
  EXPECT_EQ(http_.calls().back().body, body);
  http_.When("POST", kHooks).Return(Reply(200, "<html>"));
  EXPECT_THAT(WriteWebhook(""), StatusIs(StatusCode::kUnavailable));
}

TEST_F(BitbucketAccountTest, FiftyWebhooksAreAllThereCanBe) {
  const HttpResult refusal = Reply(400, R"({"error":{"message":"no more"}})");
  http_.When("POST", kHooks).Return(refusal);
  http_.When("GET", _).Return(
      Reply(200, Page(std::vector<std::string>(49, Hook()))));
  EXPECT_THAT(WriteWebhook(""), StatusIs(StatusCode::kInvalidArgument));
  http_.When("GET", _).Return(
      Reply(200, Page(std::vector<std::string>(50, Hook()))));
  EXPECT_THAT(WriteWebhook(""), StatusIs(StatusCode::kFailedPrecondition,
                                         HasSubstr("50 webhooks")));
}

TEST_F(BitbucketAccountTest, AWebhookThatIsNotThereIsTakenOff) {
  ForgeCall call = MakeCall(kRepository);
  const auto remove = [&](int status) {
    http_.When("DELETE", absl::StrCat(kHooks, "/%7Bh-1%7D")).Return(status);
    return RunSync(bitbucket_->DeleteWebhook(call, "{h-1}"));
  };
  EXPECT_THAT(remove(204), IsOk());
  EXPECT_THAT(remove(404), IsOk());
  EXPECT_THAT(remove(403), StatusIs(StatusCode::kPermissionDenied));
}

}  // namespace
}  // namespace lamplighter::provider
