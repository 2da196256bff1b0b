#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/async/testing/run_sync.h"
#include "common/http/testing/fake_http_client.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/v1/catalog.pb.h"
#include "services/provider/forges/azuredevops/azuredevops.h"
#include "services/provider/forges/testing/forge_fixture.h"

namespace lamplighter::provider {
namespace {

using ::absl::StatusCode;
using ::testing::_;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr char kOrganization[] = "https://dev.azure.com/Org";

std::string Guid(int number) {
  return absl::StrFormat("5febef5a-833d-4e14-b9c0-%012d", number);
}

std::string Project(int number) {
  return absl::StrCat(R"({"id":")", Guid(number), R"(","name":"Project )",
                      number,
                      R"(","state":"wellFormed","visibility":"private",)",
                      R"("lastUpdateTime":"2026-11-21T09:00:00.12Z"})");
}

std::string Repository(int number, const std::string& more = "") {
  return absl::StrCat(R"({"id":")", Guid(number), R"(","name":"repo )", number,
                      R"(","defaultBranch":"refs/heads/main")", more, "}");
}

HttpResult Entries(const std::vector<std::string>& entries,
                   const std::string& continuation = "") {
  HttpResult list =
      Reply(200, absl::StrCat(R"({"count":)", entries.size(), R"(,"value":[)",
                              absl::StrJoin(entries, ","), "]}"));
  if (!continuation.empty()) {
    list.headers.Add("x-ms-continuationtoken", continuation);
  }
  return list;
}

std::vector<std::string> Projects(int first, int count) {
  std::vector<std::string> projects;
  for (int i = 0; i < count; ++i) projects.push_back(Project(first + i));
  return projects;
}

class AzureDevOpsRepositoriesTest : public ForgeFixture {
 protected:
  AzureDevOpsRepositoriesTest() : ForgeFixture("azuredevops") {
    http_.When("GET", EndsWith("/_apis/git/repositories")).Return(Entries({}));
  }

  void HasProjects(const std::string& window, const HttpResult& answer) {
    http_
        .When("GET",
              absl::StrCat(kOrganization,
                           "/_apis/projects?stateFilter=wellFormed&", window))
        .Return(answer);
  }

  void HasRepositories(int project, const HttpResult& answer) {
    http_
        .When("GET", absl::StrCat(kOrganization, "/", Guid(project),
                                  "/_apis/git/repositories"))
        .Return(answer);
  }

  absl::StatusOr<RepositoryPage> Page(const std::string& token = "") {
    ForgeCall call = MakeAccountCall(kOrganization);
    auto page = RunSync(azure_->ListRepositories(call, token, ""));
    rate_limit_ = call.rate_limit();
    return page;
  }

  std::unique_ptr<Forge> azure_ = MakeAzureDevOps();
};

TEST_F(AzureDevOpsRepositoriesTest, TellsAllThatTheListTells) {
  HasProjects("$top=10&$skip=0", Entries({Project(1)}));
  HasRepositories(
      1, Entries({Repository(
             7, R"(,"isDisabled":true,"isFork":true,)"
                R"("remoteUrl":"https://Org@dev.azure.com/Org/Project%201/)"
                R"(_git/repo%207",)"
                R"("webUrl":"https://dev.azure.com/Org/Project%201/_git/)"
                R"(repo%207")")}));
  const auto page = Page();
  ASSERT_THAT(page, IsOk());
  EXPECT_EQ(page->next, "");
  EXPECT_EQ(page->total, 0);
  ASSERT_THAT(page->repositories, SizeIs(1));
  const v1::CatalogRepository& repository = page->repositories[0];
  EXPECT_EQ(repository.repository_id(), "dev.azure.com/org/project 1/repo 7");
  EXPECT_EQ(repository.forge_id(), Guid(7));
  EXPECT_EQ(repository.path(), "Project 1/repo 7");
  EXPECT_EQ(repository.name(), "repo 7");
  EXPECT_EQ(repository.group(), "Project 1");
  EXPECT_EQ(repository.group_forge_id(), Guid(1));
  EXPECT_EQ(repository.clone_url(),
            "https://dev.azure.com/Org/Project%201/_git/repo%207");
  EXPECT_EQ(repository.web_url(), repository.clone_url());
  EXPECT_EQ(repository.default_branch(), "main");
  EXPECT_EQ(repository.visibility(), v1::CatalogRepository::PRIVATE);
  EXPECT_EQ(repository.access(), v1::CatalogRepository::ACCESS_UNSPECIFIED);
  EXPECT_TRUE(repository.archived());
  EXPECT_TRUE(repository.fork());
  EXPECT_FALSE(repository.has_updated_at());
}

TEST_F(AzureDevOpsRepositoriesTest, KnowsTheUrlsThatTheListDoesNotTell) {
  HasProjects("$top=10&$skip=0",
              Entries({R"({"id":"5febef5a-833d-4e14-b9c0-000000000001",)"
                       R"("name":"Plat form","visibility":"public"})"}));
  HasRepositories(1, Entries({Repository(7)}));
  const auto page = Page();
  ASSERT_THAT(page, IsOk());
  ASSERT_THAT(page->repositories, SizeIs(1));
  const v1::CatalogRepository& repository = page->repositories[0];
  EXPECT_EQ(repository.web_url(),
            "https://dev.azure.com/Org/Plat%20form/_git/repo%207");
  EXPECT_EQ(repository.clone_url(), repository.web_url());
  EXPECT_EQ(repository.visibility(), v1::CatalogRepository::PUBLIC);
  EXPECT_FALSE(repository.archived());
}

TEST_F(AzureDevOpsRepositoriesTest, AnEmptyRepositoryHasNoDefaultBranch) {
  HasProjects("$top=10&$skip=0", Entries({Project(1)}));
  HasRepositories(
      1, Entries({absl::StrCat(R"({"id":")", Guid(7), R"(","name":"new"})")}));
  EXPECT_EQ(Page()->repositories[0].default_branch(), "");
}

TEST_F(AzureDevOpsRepositoriesTest, APageIsTenProjectsAndTheNextGoesOn) {
  HasProjects("$top=10&$skip=0", Entries(Projects(1, 10), "10"));
  HasProjects("$top=11&$skip=9", Entries(Projects(10, 3)));
  HasRepositories(10, Entries({Repository(100)}));
  HasRepositories(12, Entries({Repository(120)}));
  const auto first = Page();
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(first->repositories, SizeIs(1));
  EXPECT_EQ(first->repositories[0].forge_id(), Guid(100));
  const auto second = Page(first->next);
  ASSERT_THAT(second, IsOk());
  ASSERT_THAT(second->repositories, SizeIs(1));
  EXPECT_EQ(second->repositories[0].forge_id(), Guid(120));
  EXPECT_EQ(second->next, "");
}

TEST_F(AzureDevOpsRepositoriesTest, AFullPageWithoutAHeaderMayHaveANext) {
  HasProjects("$top=10&$skip=0", Entries(Projects(1, 10)));
  HasProjects("$top=11&$skip=9", Entries({Project(10)}));
  const auto first = Page();
  ASSERT_THAT(first, IsOk());
  ASSERT_NE(first->next, "");
  const auto second = Page(first->next);
  ASSERT_THAT(second, IsOk());
  EXPECT_THAT(second->repositories, IsEmpty());
  EXPECT_EQ(second->next, "");
}

TEST_F(AzureDevOpsRepositoriesTest, AShortPageWithAHeaderIsNotTheLast) {
  HasProjects("$top=10&$skip=0", Entries(Projects(1, 2), "2"));
  EXPECT_EQ(Page()->next, absl::StrCat("2.", Guid(2)));
}

TEST_F(AzureDevOpsRepositoriesTest, APageEndsWhereItHasEnough) {
  HasProjects("$top=10&$skip=0", Entries(Projects(1, 3)));
  std::vector<std::string> many;
  for (int i = 0; i < 500; ++i) many.push_back(Repository(1000 + i));
  HasRepositories(1, Entries({Repository(999)}));
  HasRepositories(2, Entries(many));
  const auto page = Page();
  ASSERT_THAT(page, IsOk());
  EXPECT_THAT(page->repositories, SizeIs(501));
  EXPECT_EQ(page->next, absl::StrCat("2.", Guid(2)));
}

TEST_F(AzureDevOpsRepositoriesTest, APageEndsWhereTheForgeAsksForAPause) {
  HasProjects("$top=10&$skip=0", Entries(Projects(1, 3)));
  HttpResult delayed = Entries({Repository(100)});
  delayed.headers.Add("Retry-After", "20");
  HasRepositories(1, delayed);
  const auto page = Page();
  ASSERT_THAT(page, IsOk());
  EXPECT_THAT(page->repositories, SizeIs(1));
  EXPECT_EQ(page->next, absl::StrCat("1.", Guid(1)));
  ASSERT_TRUE(rate_limit_);
  EXPECT_EQ(rate_limit_->resets_at, clock_.Now() + absl::Seconds(20));
}

TEST_F(AzureDevOpsRepositoriesTest, ProjectsThatComeOrGoBreakTheListing) {
  for (const auto& left : {Entries({}), Entries(Projects(11, 2))}) {
    HasProjects("$top=11&$skip=9", left);
    EXPECT_THAT(Page(absl::StrCat("10.", Guid(10))),
                StatusIs(StatusCode::kInvalidArgument,
                         AllOf(StartsWith("page_token: "),
                               HasSubstr("from the start"))));
  }
}

TEST_F(AzureDevOpsRepositoriesTest, ATokenLeadsToThisListOnly) {
  const std::vector<std::string> tokens = {
      "x",
      "10",
      "10.",
      absl::StrCat("-1.", Guid(1)),
      absl::StrCat("0.", Guid(1)),
      absl::StrCat("1000001.", Guid(1)),
      absl::StrCat("99999999999999999999.", Guid(1)),
      absl::StrCat("1.", Guid(1), "&x=y"),
      "1.../../x",
      "https://evil.example.com/"};
  for (const std::string& token : tokens) {
    EXPECT_THAT(Page(token), StatusIs(StatusCode::kInvalidArgument,
                                      StartsWith("page_token: ")))
        << token;
  }
  EXPECT_THAT(http_.calls(), IsEmpty());
}

TEST_F(AzureDevOpsRepositoriesTest, NoProjectsAreNoRepositories) {
  HasProjects("$top=10&$skip=0", Entries({}));
  const auto page = Page();
  ASSERT_THAT(page, IsOk());
  EXPECT_THAT(page->repositories, IsEmpty());
  EXPECT_EQ(page->next, "");
}

TEST_F(AzureDevOpsRepositoriesTest, WhatIsNoListIsNeverAnEmptyPage) {
  const std::vector<std::string> bodies = {
      "",
      "<html>sorry</html>",
      "{}",
      R"({"count":1,"value":[]})",
      R"({"count":1,"value":[{"id":"no guid","name":"x"}]})",
      absl::StrCat(R"({"count":1,"value":[{"id":")", Guid(1), R"("}]})"),
      R"({"count":1,"value":["x"]})",
      R"({"count":1,"value":[{"id":)"};
  for (const std::string& body : bodies) {
    HasProjects("$top=10&$skip=0", Reply(200, body));
    EXPECT_THAT(Page(), StatusIs(StatusCode::kUnavailable)) << body;
    HasProjects("$top=10&$skip=0", Entries({Project(1)}));
    HasRepositories(1, Reply(200, body));
    EXPECT_THAT(Page(), StatusIs(StatusCode::kUnavailable)) << body;
  }
  HasProjects("$top=10&$skip=0", Entries({}, "10"));
  EXPECT_THAT(Page(), StatusIs(StatusCode::kUnavailable)) << "none, but more";
}

TEST_F(AzureDevOpsRepositoriesTest, AProjectThatIsGoneIsNotLeftOut) {
  HasProjects("$top=10&$skip=0", Entries(Projects(1, 2)));
  HasRepositories(2, Reply(404, R"({"message":"TF200016: no such project"})"));
  EXPECT_THAT(Page(),
              StatusIs(StatusCode::kUnavailable,
                       AllOf(HasSubstr("Project 2"), HasSubstr("TF200016"))));
}

TEST_F(AzureDevOpsRepositoriesTest, ARefusalOfOneProjectIsOneOfTheListing) {
  HasProjects("$top=10&$skip=0", Entries(Projects(1, 2)));
  HasRepositories(2, Reply(203, "<html>Sign In</html>"));
  EXPECT_THAT(Page(), StatusIs(StatusCode::kUnauthenticated));
}

TEST_F(AzureDevOpsRepositoriesTest, ACollectionOfAServerIsListedTheSame) {
  http_.When("GET", HasSubstr("/_apis/projects?"))
      .Return(Entries({Project(1)}));
  http_.When("GET", EndsWith("/_apis/git/repositories"))
      .Return(Entries({Repository(7)}));
  ForgeCall call = MakeAccountCall("https://tfs.example.com/tfs/Coll");
  const auto page = RunSync(azure_->ListRepositories(call, "", ""));
  ASSERT_THAT(page, IsOk());
  EXPECT_EQ(page->repositories[0].repository_id(),
            "tfs.example.com/tfs/coll/project 1/repo 7");
  EXPECT_THAT(http_.calls()[0].url,
              StartsWith("https://tfs.example.com/tfs/Coll/_apis/projects?"));
}

TEST_F(AzureDevOpsRepositoriesTest, FindsADisabledOneByItsProject) {
  const std::string project =
      absl::StrCat(kOrganization, "/Project%201/_apis/git/repositories");
  http_.When("GET", project + "/REPO%207")
      .Return(Reply(404, R"({"message":"TF401019: disabled"})"));
  const std::string more = absl::StrCat(R"(,"project":)", Project(1));
  http_.When("GET", project)
      .Return(Entries({Repository(6, more),
                       Repository(7, more + R"(,"isDisabled":true)")}));
  const auto get = [&] {
    ForgeCall call =
        MakeCall(absl::StrCat(kOrganization, "/Project%201/_git/REPO%207"));
    return RunSync(azure_->GetRepository(call));
  };
  const auto got = get();
  ASSERT_THAT(got, IsOk());
  EXPECT_EQ(got->path(), "Project 1/repo 7");
  EXPECT_EQ(got->visibility(), v1::CatalogRepository::PRIVATE);
  EXPECT_TRUE(got->archived());
  http_.When("GET", project).Return(Entries({Repository(6, more)}));
  EXPECT_THAT(get(), StatusIs(StatusCode::kNotFound, HasSubstr("TF401019")));
}

}  // namespace
}  // namespace lamplighter::provider
