#include "common/forge/forge_location.h"

#include <string>

#include "absl/strings/ascii.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

using ::absl::StatusCode;
using ::testing::HasSubstr;

std::string Id(absl::string_view provider_type, absl::string_view address) {
  const auto id = RepositoryId(provider_type, address);
  return id.ok() ? *id : std::string(id.status().message());
}

TEST(RepositoryId, IsTheSameForEveryAddressOfARepository) {
  for (const char* address :
       {"https://github.com/Org/Repo", "https://github.com/org/repo.git",
        "http://github.com/org/repo/", "git@github.com:org/repo.git",
        "ssh://git@github.com:22/org/repo", "https://t:x@GITHUB.com/org/repo",
        "https://github.com:443/org/repo"}) {
    EXPECT_EQ(RepositoryId("github", address).value_or("?"),
              "github.com/org/repo")
        << address;
  }
}

TEST(RepositoryId, TakesOwnerAndRepositoryOnlyOnGitHub) {
  EXPECT_THAT(RepositoryId("github", "https://github.com/o"),
              StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(RepositoryId("github", "https://github.com/o/r/x"),
              StatusIs(StatusCode::kInvalidArgument));
}

TEST(RepositoryId, AllowsGiteaBelowAPath) {
  EXPECT_EQ(*RepositoryId("gitea", "https://example.com/gitea/Org/Repo"),
            "example.com/gitea/org/repo");
  EXPECT_EQ(*RepositoryId("gitea", "http://127.0.0.1:3000/o/r"),
            "127.0.0.1:3000/o/r");
  EXPECT_THAT(RepositoryId("gitea", "https://example.com/o"),
              StatusIs(StatusCode::kInvalidArgument));
}

TEST(RepositoryId, TakesTheWholePathOnGitLab) {
  for (const char* address :
       {"https://gitlab.com/Group/Sub/Repo",
        "git@gitlab.com:group/sub/repo.git",
        "ssh://git@gitlab.com:22/group/sub/repo.git/",
        "ssh://git@altssh.gitlab.com:443/group/sub/repo",
        "https://oauth2:x@gitlab.com/group/sub/repo.git"}) {
    EXPECT_EQ(Id("gitlab", address), "gitlab.com/group/sub/repo") << address;
  }
  EXPECT_EQ(Id("gitlab", "http://gitlab.example.com:8080/gitlab/group/repo"),
            "gitlab.example.com:8080/gitlab/group/repo");
}

TEST(RepositoryId, TakesTheNumberOfAGitLabProject) {
  EXPECT_EQ(Id("gitlab", "https://gitlab.com/1234"), "gitlab.com/1234");
  EXPECT_THAT(RepositoryId("gitlab", "https://gitlab.com/group"),
              StatusIs(StatusCode::kInvalidArgument));
}

TEST(RepositoryId, TakesWorkspaceAndRepositoryOnlyOnBitbucket) {
  for (const char* address :
       {"https://bitbucket.org/WS/repo", "git@bitbucket.org:ws/repo.git",
        "https://user@bitbucket.org/ws/repo.git",
        "ssh://git@altssh.bitbucket.org:443/ws/repo.git"}) {
    EXPECT_EQ(Id("bitbucket", address), "bitbucket.org/ws/repo") << address;
  }
  for (const char* address :
       {"https://bitbucket.org/ws", "https://bitbucket.org/ws/repo/src"}) {
    EXPECT_THAT(RepositoryId("bitbucket", address),
                StatusIs(StatusCode::kInvalidArgument))
        << address;
  }
}

TEST(RepositoryId, IsTheSameForEveryAddressOnABitbucketServer) {
  for (const char* address :
       {"https://bitbucket.example.com/scm/PROJ/repo.git",
        "ssh://git@bitbucket.example.com:7999/PROJ/repo.git",
        "git@bitbucket.example.com:proj/repo.git",
        "https://bitbucket.example.com/projects/PROJ/repos/repo/browse"}) {
    EXPECT_EQ(Id("bitbucketserver", address), "bitbucket.example.com/proj/repo")
        << address;
  }
  EXPECT_EQ(Id("bitbucketserver", "http://host:7990/Ctx/scm/~User/repo.git"),
            "host:7990/ctx/~user/repo");
}

TEST(RepositoryId, IsTheSameForEveryAddressOnAzureDevOps) {
  for (const char* address :
       {"https://dev.azure.com/Org/Project/_git/Repo",
        "https://org@dev.azure.com/org/project/_git/repo",
        "https://org.visualstudio.com/project/_git/repo",
        "https://org.visualstudio.com/DefaultCollection/project/_git/repo",
        "git@ssh.dev.azure.com:v3/org/project/repo",
        "ssh://git@ssh.dev.azure.com:22/v3/org/project/repo",
        "org@vs-ssh.visualstudio.com:v3/org/project/repo"}) {
    EXPECT_EQ(Id("azuredevops", address), "dev.azure.com/org/project/repo")
        << address;
  }
  EXPECT_EQ(Id("azuredevops", "https://dev.azure.com/org/_git/Repo"),
            "dev.azure.com/org/repo/repo");
  EXPECT_EQ(Id("azuredevops", "http://host:8080/tfs/Coll/my%20proj/_git/repo"),
            "host:8080/tfs/coll/my proj/repo");
}

TEST(RepositoryId, RefusesTypesItDoesNotKnow) {
  EXPECT_THAT(RepositoryId("slack", "https://github.com/o/r"),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("slack")));
}

TEST(LocateRepository, DividesAnAddressIntoSiteAndRepository) {
  const struct {
    const char* type;
    const char* address;
    const char* site;
    const char* repository;
  } kCases[] = {
      {"github", "git@github.com:Org/Repo.git", "https://github.com",
       "Org/Repo"},
      {"gitlab", "http://git.example.com:8080/g/sub/repo",
       "http://git.example.com:8080", "g/sub/repo"},
      {"gitea", "https://example.com/git/o/r", "https://example.com/git",
       "o/r"},
      {"bitbucketserver", "https://example.com/ctx/scm/PRJ/repo.git",
       "https://example.com/ctx", "PRJ/repo"},
      {"azuredevops", "https://me@dev.azure.com/org/My%20Project/_git/repo",
       "https://dev.azure.com/org", "My Project/repo"},
  };
  for (const auto& c : kCases) {
    const auto location = LocateRepository(c.type, c.address);
    ASSERT_THAT(location, IsOk()) << c.address;
    EXPECT_EQ(location->site, c.site);
    EXPECT_EQ(location->repository, c.repository);
    EXPECT_EQ(location->account,
              absl::string_view(c.type) == "github" ? "Org" : "");
  }
}

TEST(LocateRepository, TakesTheSitesWordForWhereTheForgeIs) {
  const auto below =
      LocateRepository("gitlab", "https://example.com/gitlab/group/repo",
                       "https://example.com/gitlab/");
  ASSERT_THAT(below, IsOk());
  EXPECT_EQ(below->site, "https://example.com/gitlab");
  EXPECT_EQ(below->repository, "group/repo");
  const auto ssh =
      LocateRepository("bitbucketserver", "ssh://git@example.com:7999/prj/repo",
                       "http://example.com:7990/context");
  ASSERT_THAT(ssh, IsOk());
  EXPECT_EQ(ssh->site, "http://example.com:7990/context");
  EXPECT_EQ(RepositoryId(*ssh), "example.com:7990/context/prj/repo");
}

TEST(LocateRepository, GivesTheSameIdWithAndWithoutASite) {
  EXPECT_EQ(Id("gitlab", "https://example.com/gitlab/group/repo"),
            *RepositoryId("gitlab", "https://example.com/gitlab/group/repo",
                          "https://example.com/gitlab"));
}

TEST(LocateAccount, KnowsAnOwnerWhereTheForgeHasThem) {
  EXPECT_EQ(LocateAccount("github", "https://github.com/Org/")->account, "Org");
  EXPECT_EQ(LocateAccount("github", "https://github.com")->account, "");
  EXPECT_EQ(LocateAccount("bitbucket", "https://bitbucket.org/ws")->account,
            "ws");
  EXPECT_THAT(LocateAccount("github", "https://github.com/org/repo"),
              StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(LocateAccount("github", "git@github.com:org"),
              StatusIs(StatusCode::kInvalidArgument));
}

TEST(LocateAccount, TakesTheWholePathForTheSiteElsewhere) {
  EXPECT_EQ(LocateAccount("gitlab", "https://example.com:8443/gitlab/")->site,
            "https://example.com:8443/gitlab");
  EXPECT_EQ(LocateAccount("gitea", "http://127.0.0.1:3000")->site,
            "http://127.0.0.1:3000");
  for (const char* address :
       {"https://dev.azure.com/Org", "https://Org.visualstudio.com",
        "https://Org.visualstudio.com/DefaultCollection"}) {
    const auto account = LocateAccount("azuredevops", address);
    ASSERT_THAT(account, IsOk()) << address;
    EXPECT_EQ(absl::AsciiStrToLower(account->site), "https://dev.azure.com/org")
        << address;
  }
  EXPECT_EQ(LocateAccount("azuredevops", "https://ado.corp/tfs/Main")->site,
            "https://ado.corp/tfs/Main");
  EXPECT_THAT(LocateAccount("azuredevops", "https://dev.azure.com"),
              StatusIs(StatusCode::kInvalidArgument));
}

TEST(LocateInAccount, FindsTheRepositoryOfAnId) {
  const auto site = LocateAccount("gitlab", "https://example.com/gitlab");
  const auto found = LocateInAccount(*site, "example.com/gitlab/g/sub/repo");
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->site, "https://example.com/gitlab");
  EXPECT_EQ(found->repository, "g/sub/repo");
  EXPECT_EQ(RepositoryId(*found), "example.com/gitlab/g/sub/repo");
}

TEST(LocateInAccount, RefusesWhatIsNotTheAccounts) {
  const auto owner = LocateAccount("github", "https://github.com/Org");
  EXPECT_THAT(LocateInAccount(*owner, "github.com/org/repo"), IsOk());
  for (const char* id :
       {"github.com/other/repo", "github.com/organization/repo",
        "example.com/org/repo", "github.com/org/", "github.com/org/../repo",
        "github.com/org", ""}) {
    EXPECT_THAT(LocateInAccount(*owner, id),
                StatusIs(StatusCode::kInvalidArgument))
        << id;
  }
}

}  // namespace
}  // namespace lamplighter
