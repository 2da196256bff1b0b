#include <map>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/async/testing/run_sync.h"
#include "common/grpc/retry_info.h"
#include "common/http/testing/fake_http_client.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/v1/catalog.pb.h"
#include "services/provider/forges/gitlab/gitlab.h"
#include "services/provider/forges/testing/forge_fixture.h"

namespace lamplighter::provider {
namespace {

using ::absl::StatusCode;
using ::testing::_;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using Repository = v1::CatalogRepository;

constexpr char kSite[] = "https://gitlab.example.com";

constexpr char kFirstPage[] =
    "https://gitlab.example.com/api/v4/projects?membership=true&simple=false&"
    "pagination=keyset&order_by=id&sort=asc&per_page=100";

constexpr char kProject[] =
    R"({"id":7,"name":"The Project","path":"proj",)"
    R"("path_with_namespace":"Group/sub/proj","description":"a\nb",)"
    R"("default_branch":"trunk","visibility":"internal","archived":true,)"
    R"("http_url_to_repo":"https://gitlab.example.com/Group/sub/proj.git",)"
    R"("web_url":"https://gitlab.example.com/Group/sub/proj",)"
    R"("namespace":{"id":9,"full_path":"Group/sub"},)"
    R"("forked_from_project":{"id":1},)"
    R"("last_activity_at":"2026-11-21T09:00:00.000Z",)"
    R"("permissions":{"project_access":{"access_level":20},)"
    R"("group_access":{"access_level":40}}})";

class GitLabProjectsTest : public ForgeFixture {
 protected:
  GitLabProjectsTest() : ForgeFixture("gitlab") {}

  absl::StatusOr<RepositoryPage> ListPage(const std::string& token = "") {
    ForgeCall call = MakeAccountCall(kSite);
    return RunSync(gitlab_->ListRepositories(call, token, ""));
  }

  absl::StatusOr<RepositoryPage> ListAnswered(const std::string& body) {
    http_.When("GET", _).Return(Reply(200, body));
    return ListPage();
  }

  std::unique_ptr<Forge> gitlab_ = MakeGitLab();
};

TEST_F(GitLabProjectsTest, ListsWhatItsUserIsAMemberOf) {
  const auto page = ListAnswered(absl::StrCat("[", kProject, "]"));
  ASSERT_THAT(page, IsOk());
  EXPECT_EQ(http_.calls()[0].url, kFirstPage);
  EXPECT_EQ(http_.calls()[0].headers.Find("PRIVATE-TOKEN"), kToken);
  EXPECT_EQ(page->next, "");
  ASSERT_EQ(page->repositories.size(), 1);
  const Repository& repository = page->repositories[0];
  EXPECT_EQ(repository.repository_id(), "gitlab.example.com/group/sub/proj");
  EXPECT_EQ(repository.forge_id(), "7");
  EXPECT_EQ(repository.path(), "Group/sub/proj");
  EXPECT_EQ(repository.name(), "The Project");
  EXPECT_EQ(repository.group(), "Group/sub");
  EXPECT_EQ(repository.group_forge_id(), "9");
  EXPECT_EQ(repository.description(), "a b");
  EXPECT_EQ(repository.web_url(), "https://gitlab.example.com/Group/sub/proj");
  EXPECT_EQ(repository.clone_url(),
            "https://gitlab.example.com/Group/sub/proj.git");
  EXPECT_EQ(repository.default_branch(), "trunk");
  EXPECT_EQ(repository.visibility(), Repository::INTERNAL);
  EXPECT_TRUE(repository.archived());
  EXPECT_TRUE(repository.fork());
  EXPECT_EQ(repository.access(), Repository::ADMIN);
  EXPECT_EQ(repository.updated_at().seconds(), 1795251600);
}

TEST_F(GitLabProjectsTest, KnowsASiteBelowAPath) {
  http_.When("GET", _).Return(Reply(200, absl::StrCat("[", kProject, "]")));
  ForgeCall call = MakeAccountCall("https://example.com/git");
  const auto page = RunSync(gitlab_->ListRepositories(call, "", ""));
  EXPECT_THAT(http_.calls()[0].url,
              StartsWith("https://example.com/git/api/v4/projects?"));
  EXPECT_EQ(page->repositories[0].repository_id(),
            "example.com/git/group/sub/proj");
}

TEST_F(GitLabProjectsTest, TakesOnlyThePositionFromALink) {
  const std::map<std::string, std::string> tokens = {
      {"http://10.0.0.1/x?a=b&id_after=42&sudo=root&per_page=1", "id_after=42"},
      {"https://gitlab.example.com/api/v4/projects?page=1&cursor=eyJpZCI%3D",
       "cursor=eyJpZCI%3D"},
      {"/api/v4/projects?page=2&per_page=100", "page=2"},
  };
  for (const auto& [link, token] : tokens) {
    http_.When("GET", _).Return(
        Reply(200, "[]",
              {{"Link", absl::StrCat("<https://x/?page=1>; rel=\"first\", <",
                                     link, ">; rel=\"next\"")}}));
    EXPECT_EQ(ListPage()->next, token);
    EXPECT_THAT(ListPage(token), IsOk());
    EXPECT_EQ(http_.calls().back().url, absl::StrCat(kFirstPage, "&", token));
  }
}

TEST_F(GitLabProjectsTest, ALinkThatLeadsNowhereIsAnError) {
  http_.When("GET", _).Return(
      Reply(200, "[]", {{"Link", "<https://x/y?per_page=100>; rel=\"next\""}}));
  EXPECT_THAT(ListPage(), StatusIs(StatusCode::kUnavailable));
}

TEST_F(GitLabProjectsTest, ATokenLeadsToNothingButThisList) {
  for (const char* token :
       {"https://evil.example.com/", "id_after=1&sudo=root",
        "id_after=", "id_after=1#", "id_after=1 ", "private_token=x",
        "../../user", "id_after", "&id_after=1", "id_after=1/../x", "42"}) {
    EXPECT_THAT(ListPage(token), StatusIs(StatusCode::kInvalidArgument,
                                          StartsWith("page_token: ")))
        << token;
  }
  EXPECT_THAT(http_.calls(), IsEmpty());
}

TEST_F(GitLabProjectsTest, WhatIsNoListIsNoEmptyPage) {
  for (const char* body :
       {"", "<html>sorry</html>", "{}", R"({"message":"x"})", R"([{"id":7)",
        "[7]", "[null]", R"([{"id":7}])", R"([{"path_with_namespace":"a/b"}])",
        R"([{"id":7,"path_with_namespace":"b"}])"}) {
    EXPECT_THAT(ListAnswered(body), StatusIs(StatusCode::kUnavailable)) << body;
  }
  EXPECT_THAT(ListAnswered("[]")->repositories, IsEmpty());
}

TEST_F(GitLabProjectsTest, ErrorsOfAListingAreErrors) {
  http_.When("GET", _).Return(Reply(401, R"({"message":"401 Unauthorized"})"));
  EXPECT_THAT(ListPage(), StatusIs(StatusCode::kUnauthenticated));
  http_.When("GET", _).Return(
      Reply(429, "Retry later\n", {{"Retry-After", "9"}}));
  EXPECT_EQ(RetryAfter(ListPage().status()), absl::Seconds(9));
  http_.When("GET", _).Return(502);
  EXPECT_THAT(ListPage(), StatusIs(StatusCode::kUnavailable));
}

TEST_F(GitLabProjectsTest, TheHigherOfTwoLevelsCounts) {
  const std::map<std::string, Repository::Access> levels = {
      {R"({"project_access":null,"group_access":null})",
       Repository::ACCESS_UNSPECIFIED},
      {R"({"project_access":{"access_level":30},"group_access":null})",
       Repository::WRITE},
      {R"({"project_access":null,"group_access":{"access_level":50}})",
       Repository::ADMIN},
      {R"({"project_access":{"access_level":10},)"
       R"("group_access":{"access_level":20}})",
       Repository::READ},
      {"null", Repository::ACCESS_UNSPECIFIED},
  };
  for (const auto& [permissions, access] : levels) {
    const auto page = ListAnswered(
        absl::StrCat(R"([{"id":1,"path_with_namespace":"a/b","permissions":)",
                     permissions, "}]"));
    EXPECT_EQ(page->repositories[0].access(), access) << permissions;
  }
}

TEST_F(GitLabProjectsTest, ReadsAProjectThatHasNothingYet) {
  const auto page =
      ListAnswered(R"([{"id":1,"path_with_namespace":"a/b","description":null,)"
                   R"("default_branch":null,"visibility":"public"}])");
  const Repository& repository = page->repositories[0];
  EXPECT_EQ(repository.default_branch(), "");
  EXPECT_EQ(repository.visibility(), Repository::PUBLIC);
  EXPECT_FALSE(repository.fork());
  EXPECT_FALSE(repository.has_updated_at());
}

}  // namespace
}  // namespace lamplighter::provider
