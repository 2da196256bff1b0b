#include <string>

#include "common/forge/git_address.h"
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

TEST(RepositoryId, RefusesGitLabProjectsThatOnlyANumberNames) {
  EXPECT_THAT(RepositoryId("gitlab", "https://gitlab.com/1234"),
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

}  // namespace
}  // namespace lamplighter
