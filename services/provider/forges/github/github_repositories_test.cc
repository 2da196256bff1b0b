#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
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

constexpr char kAll[] = "https://github.com";
constexpr char kUsers[] =
    "https://api.github.com/user/repos?per_page=100&affiliation=owner,"
    "collaborator,organization_member&sort=full_name&page=";
constexpr char kInstallations[] =
    "https://api.github.com/installation/repositories?per_page=100&page=";

// As GitHub shows it, in short.
std::string Repository(const std::string& owner, const std::string& name) {
  return absl::StrCat(R"({"id":1296269,"name":")", name, R"(","full_name":")",
                      owner, "/", name, R"(","owner":{"login":")", owner,
                      R"(","id":7},"private":true})");
}

std::string Array(const std::vector<std::string>& repositories) {
  return absl::StrCat("[", absl::StrJoin(repositories, ","), "]");
}

// Of an App.
std::string Wrapped(const std::vector<std::string>& repositories) {
  return absl::StrCat(R"({"total_count":250,"repositories":)",
                      Array(repositories), "}");
}

std::vector<std::string> PathsOf(const RepositoryPage& page) {
  std::vector<std::string> paths;
  for (const auto& repository : page.repositories) {
    paths.push_back(repository.path());
  }
  return paths;
}

class GitHubRepositoriesTest : public ForgeFixture {
 protected:
  GitHubRepositoriesTest() : ForgeFixture("github") {}

  absl::StatusOr<RepositoryPage> Page(const std::string& token = "",
                                      const std::string& etag = "",
                                      const std::string& address = kAll) {
    ForgeCall call = MakeAccountCall(address);
    auto page = RunSync(github_->ListRepositories(call, token, etag));
    rate_limit_ = call.rate_limit();
    return page;
  }

  // Is an App from now on, with tokens that have these permissions.
  void BeAnApp(const std::string& permissions = R"("statuses":"write")") {
    static const auto* const key = new std::string(MakeAppKey());
    token_ = "";
    credential_.app.app_id = "123";
    credential_.app.private_key = *key;
    http_.When("POST", EndsWith("/access_tokens"))
        .Return([this, permissions](const HttpCall& call) {
          return Reply(
              201, absl::StrCat(R"({"token":"token of )", call.url,
                                R"(","expires_at":")",
                                absl::FormatTime(clock_.Now() + absl::Hours(1)),
                                R"(","permissions":{)", permissions, "}}"));
        });
  }

  // Where the App is installed.
  void Installed(const std::vector<int>& ids, int suspended = 0) {
    std::vector<std::string> list;
    for (const int id : ids) {
      list.push_back(absl::StrCat(
          R"({"id":)", id, R"(,"account":{"login":"org)", id,
          R"("},"suspended_at":)",
          id == suspended ? R"("2026-01-01T00:00:00Z")" : "null", "}"));
    }
    http_.When("GET", HasSubstr("/app/installations?"))
        .Return(Reply(200, Array(list)));
  }

  std::unique_ptr<Forge> github_ = MakeGitHub();
};

TEST_F(GitHubRepositoriesTest, TellsAllThatTheListDoes) {
  http_.When("GET", kUsers + std::string("1"))
      .Return(Reply(
          200,
          R"([{"id":1296269,"node_id":"x","name":"Hello","full_name":"Org/Hello",)"
          R"("private":false,"visibility":"internal","owner":{"login":"Org",)"
          R"("id":42},"html_url":"https://github.com/Org/Hello",)"
          R"("description":"two\nlines","fork":true,"archived":true,)"
          R"("clone_url":"https://github.com/Org/Hello.git",)"
          R"("default_branch":"main","updated_at":"2026-11-21T09:00:00Z",)"
          R"("pushed_at":"2026-11-20T09:00:00Z",)"
          R"("permissions":{"admin":true,"push":true,"pull":true}}])"));
  const auto page = Page();
  ASSERT_THAT(page, IsOk());
  EXPECT_EQ(page->next, "");
  ASSERT_EQ(page->repositories.size(), 1);
  const v1::CatalogRepository& got = page->repositories[0];
  EXPECT_EQ(got.repository_id(), "github.com/org/hello");
  EXPECT_EQ(got.forge_id(), "1296269");
  EXPECT_EQ(got.path(), "Org/Hello");
  EXPECT_EQ(got.name(), "Hello");
  EXPECT_EQ(got.group(), "Org");
  EXPECT_EQ(got.group_forge_id(), "42");
  EXPECT_EQ(got.description(), "two lines");
  EXPECT_EQ(got.web_url(), "https://github.com/Org/Hello");
  EXPECT_EQ(got.clone_url(), "https://github.com/Org/Hello.git");
  EXPECT_EQ(got.default_branch(), "main");
  EXPECT_EQ(got.visibility(), v1::CatalogRepository::INTERNAL);
  EXPECT_EQ(got.access(), v1::CatalogRepository::ADMIN);
  EXPECT_TRUE(got.archived());
  EXPECT_TRUE(got.fork());
  EXPECT_EQ(got.updated_at().seconds(), 1795251600);
}

TEST_F(GitHubRepositoriesTest, AccessIsWhatTheUserMayDo) {
  const auto access = [&](const std::string& permissions) {
    http_.When("GET", HasSubstr("/user/repos"))
        .Return(
            Reply(200, absl::StrCat(R"([{"id":1,"full_name":"o/r","owner":{},)",
                                    R"("pushed_at":null,"permissions":)",
                                    permissions, "}]")));
    return Page()->repositories[0].access();
  };
  EXPECT_EQ(access(R"({"admin":false,"maintain":true})"),
            v1::CatalogRepository::WRITE);
  EXPECT_EQ(access(R"({"push":true})"), v1::CatalogRepository::WRITE);
  EXPECT_EQ(access(R"({"triage":true,"pull":true})"),
            v1::CatalogRepository::READ);
  EXPECT_EQ(access("null"), v1::CatalogRepository::ACCESS_UNSPECIFIED);
}

TEST_F(GitHubRepositoriesTest, GoesFromPageToPageByNumber) {
  http_.When("GET", kUsers + std::string("1"))
      .Return(Reply(200, Array({Repository("o", "a")}),
                    {{"Link", "<https://evil.example/x?page=9>; rel=\"next\""},
                     {"X-RateLimit-Limit", "5000"},
                     {"X-RateLimit-Remaining", "4321"},
                     {"X-RateLimit-Reset", "1700000900"}}));
  http_.When("GET", kUsers + std::string("2"))
      .Return(Reply(200, Array({Repository("o", "b")}),
                    {{"Link", "<https://x?page=1>; rel=\"first\""}}));
  const auto first = Page();
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(first->next, "2");
  EXPECT_EQ(rate_limit_->remaining, 4321);
  const auto second = Page("2");
  ASSERT_THAT(second, IsOk());
  EXPECT_THAT(PathsOf(*second), ElementsAre("o/b"));
  EXPECT_EQ(second->next, "");
}

TEST_F(GitHubRepositoriesTest, TokensOfNoListAreRefusedWithoutARequest) {
  for (const char* token : {"0", "-1", "2&x=1", "x", "https://evil.example",
                            "1:2", ">5", "99999999999999"}) {
    EXPECT_THAT(Page(token), StatusIs(StatusCode::kInvalidArgument,
                                      HasSubstr("page_token: ")))
        << token;
  }
  BeAnApp();
  for (const char* token : {"2", ">", ">x", "5:", ":5", "5:0", ">5:2", "0:1",
                            ">-1", "5:2:3", "5:2/../../user"}) {
    EXPECT_THAT(Page(token), StatusIs(StatusCode::kInvalidArgument,
                                      HasSubstr("page_token: ")))
        << token;
  }
  EXPECT_TRUE(http_.calls().empty());
}

TEST_F(GitHubRepositoriesTest, WhatIsNoListIsTroubleAndNeverAnEmptyPage) {
  for (const char* body :
       {"", "<html>sign in</html>", "{}", "null", R"([{"id":1)", "[7]",
        R"([{"id":1,"owner":{}}])", R"([{"full_name":"o/r","owner":{}}])"}) {
    http_.When("GET", HasSubstr("/user/repos")).Return(Reply(200, body));
    EXPECT_THAT(Page(), StatusIs(StatusCode::kUnavailable)) << body;
  }
  http_.When("GET", HasSubstr("/user/repos"))
      .Return(Reply(401, R"({"message":"Bad credentials"})"));
  EXPECT_THAT(Page(), StatusIs(StatusCode::kUnauthenticated));
}

TEST_F(GitHubRepositoriesTest, AnUnchangedPageIsNotReadAgain) {
  http_.When("GET", HasSubstr("/user/repos"))
      .Return(Reply(200, Array({Repository("o", "a")}), {{"ETag", "W/\"1\""}}))
      .Then(Reply(304));
  const auto first = Page();
  ASSERT_THAT(first, IsOk());
  const auto again = Page("", first->etag);
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(again->not_modified);
  EXPECT_EQ(again->etag, first->etag);
  EXPECT_EQ(http_.calls()[1].headers.Find("If-None-Match"), "W/\"1\"");
}

TEST_F(GitHubRepositoriesTest, AnotherOwnersETagIsNotUsed) {
  http_.When("GET", HasSubstr("/user/repos"))
      .Return(Reply(200, Array({}), {{"ETag", "\"1\""}}));
  const auto first = Page("", "", "https://github.com/one");
  ASSERT_THAT(first, IsOk());
  EXPECT_THAT(Page("", first->etag, "https://github.com/two"), IsOk());
  EXPECT_FALSE(http_.calls()[1].headers.Find("If-None-Match"));
}

TEST_F(GitHubRepositoriesTest, AnAccountsAreThoseOfItsOwner) {
  http_.When("GET", HasSubstr("/user/repos"))
      .Return(Reply(200, Array({Repository("Org", "a"), Repository("me", "b"),
                                Repository("Org2", "c")})));
  const auto page = Page("", "", "https://github.com/org");
  ASSERT_THAT(page, IsOk());
  EXPECT_THAT(PathsOf(*page), ElementsAre("Org/a"));
}

TEST_F(GitHubRepositoriesTest, AnAppsAreThoseOfItsInstallation) {
  BeAnApp(R"("statuses":"write","repository_hooks":"write")");
  credential_.app.installation_id = "77";
  http_.When("GET", kInstallations + std::string("2"))
      .Return(Reply(200, Wrapped({Repository("org", "a")}),
                    {{"Link", "<https://x>; rel=\"next\""}}));
  const auto page = Page("2");
  ASSERT_THAT(page, IsOk());
  EXPECT_THAT(PathsOf(*page), ElementsAre("org/a"));
  EXPECT_EQ(page->next, "3");
  EXPECT_EQ(page->total, 250);
  EXPECT_EQ(page->repositories[0].access(), v1::CatalogRepository::ADMIN);
}

TEST_F(GitHubRepositoriesTest, AnAppsAccessIsWhatItWasGranted) {
  http_.When("GET", HasSubstr("/installation/repositories"))
      .Return(Reply(200, Wrapped({Repository("org", "a")})));
  const std::vector<std::pair<std::string, v1::CatalogRepository::Access>>
      cases = {
          {R"("metadata":"read")", v1::CatalogRepository::READ},
          {R"("statuses":"read","repository_hooks":"write")",
           v1::CatalogRepository::READ},
          {R"("statuses":"write","repository_hooks":"read")",
           v1::CatalogRepository::WRITE},
      };
  for (const auto& [permissions, access] : cases) {
    BeAnApp(permissions);
    github_ = MakeGitHub();
    credential_.app.installation_id = "77";
    EXPECT_EQ(Page()->repositories[0].access(), access) << permissions;
  }
}

TEST_F(GitHubRepositoriesTest, AnInstallationsListIsWrapped) {
  BeAnApp();
  credential_.app.installation_id = "77";
  for (const char* body :
       {"[]", "{}", R"({"total_count":1})", R"({"repositories":[]})",
        R"({"repositories":{}})"}) {
    http_.When("GET", HasSubstr("/installation/repositories"))
        .Return(Reply(200, body));
    EXPECT_THAT(Page(), StatusIs(StatusCode::kUnavailable)) << body;
  }
}

TEST_F(GitHubRepositoriesTest, AWholeAppsAreThoseOfAllItsInstallations) {
  BeAnApp();
  Installed({20, 3, 100}, /*suspended=*/20);
  http_.When("GET", HasSubstr("/installation/repositories"))
      .Return([](const HttpCall& call) {
        const std::string bearer(*call.headers.Find("Authorization"));
        const bool is_first = absl::EndsWith(call.url, "&page=1");
        if (!absl::StrContains(bearer, "/3/")) {
          return Reply(200, Wrapped({Repository("org100", "c")}));
        }
        if (!is_first) return Reply(200, Wrapped({Repository("org3", "b")}));
        return Reply(200, Wrapped({Repository("org3", "a")}),
                     {{"Link", "<https://x>; rel=\"next\""}});
      });
  std::vector<std::string> paths;
  std::vector<std::string> tokens;
  std::string token;
  do {
    tokens.push_back(token);
    const auto page = Page(token);
    ASSERT_THAT(page, IsOk());
    EXPECT_EQ(page->total, 0);
    for (const std::string& path : PathsOf(*page)) paths.push_back(path);
    token = page->next;
  } while (!token.empty());
  EXPECT_THAT(paths, ElementsAre("org3/a", "org3/b", "org100/c"));
  EXPECT_THAT(tokens, ElementsAre("", "3:2", ">3", ">100"));
}

TEST_F(GitHubRepositoriesTest, AnInstallationThatIsGoneDoesNotHoldUpTheOthers) {
  BeAnApp();
  http_.When("POST", EndsWith("/3/access_tokens"))
      .Return(Reply(404, R"({"message":"Not Found"})"));
  Installed({3, 5});
  EXPECT_THAT(Page("3:2"), StatusIs(StatusCode::kPermissionDenied));
  Installed({5});
  const auto page = Page("3:2");
  ASSERT_THAT(page, IsOk());
  EXPECT_THAT(page->repositories, IsEmpty());
  EXPECT_EQ(page->next, ">3");
}

TEST_F(GitHubRepositoriesTest, AnETagIsOfOneInstallationAndItsRights) {
  BeAnApp();
  Installed({3});
  http_.When("GET", HasSubstr("/installation/repositories"))
      .Return(Reply(200, Wrapped({}), {{"ETag", "\"1\""}}))
      .Then(Reply(304));
  const auto first = Page();
  ASSERT_THAT(first, IsOk());
  const auto again = Page("", first->etag);
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(again->not_modified);
  Installed({2, 3});
  http_.When("GET", HasSubstr("/installation/repositories"))
      .Return(Reply(200, Wrapped({})));
  EXPECT_THAT(Page("", first->etag), IsOk());
  EXPECT_FALSE(http_.calls().back().headers.Find("If-None-Match"));
}

TEST_F(GitHubRepositoriesTest, AnAppGetsWhatItIsInstalledOnAlone) {
  BeAnApp(R"("statuses":"write","repository_hooks":"write")");
  http_.When("GET", HasSubstr("/orgs/org/installation"))
      .Return(Reply(200, R"({"id":3,"account":{"login":"org"}})"));
  const auto get = [&] {
    ForgeCall call = MakeCall("https://github.com/org/a");
    return RunSync(github_->GetRepository(call));
  };
  // Nobody sees a private one who may not.
  http_.When("GET", "https://api.github.com/repos/org/a")
      .Return(Reply(200, Repository("org", "a")));
  const auto got = get();
  ASSERT_THAT(got, IsOk());
  EXPECT_EQ(got->access(), v1::CatalogRepository::ADMIN);

  // A public one is shown to everybody.
  http_.When("GET", "https://api.github.com/repos/org/a")
      .Return(Reply(200, absl::StrReplaceAll(Repository("org", "a"),
                                             {{"true", "false"}})));
  const std::string installed =
      "https://api.github.com/repos/org/a/installation";
  http_.When("GET", installed).Return(Reply(200, R"({"id":3})"));
  EXPECT_THAT(get(), IsOk());
  http_.When("GET", installed).Return(Reply(200, R"({"id":4})"));
  EXPECT_THAT(get(), StatusIs(StatusCode::kNotFound, HasSubstr("org/a")));
  http_.When("GET", installed).Return(Reply(404, "{}"));
  EXPECT_THAT(get(), StatusIs(StatusCode::kNotFound, HasSubstr("org/a")));
  http_.When("GET", installed).Return(503);
  EXPECT_THAT(get(), StatusIs(StatusCode::kUnavailable));
}

}  // namespace
}  // namespace lamplighter::provider
