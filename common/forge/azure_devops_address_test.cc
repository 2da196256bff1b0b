#include "common/forge/azure_devops_address.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

using ::absl::StatusCode;

std::string Parsed(absl::string_view address) {
  const auto parsed = ParseAzureDevOpsAddress(address);
  if (!parsed.ok()) return std::string(parsed.status().message());
  return absl::StrCat(parsed->base, "|", parsed->organization_or_collection,
                      "|", parsed->project, "|", parsed->repository);
}

TEST(ParseAzureDevOpsAddress, KnowsEveryHostOfTheServices) {
  for (const char* address :
       {"https://dev.azure.com/org/proj/_git/repo",
        "https://org@dev.azure.com/org/proj/_git/repo/",
        "http://dev.azure.com/org/proj/_git/repo?path=/README.md",
        "https://org.visualstudio.com/proj/_git/repo",
        "https://Org.VisualStudio.com/defaultcollection/proj/_git/repo",
        "git@ssh.dev.azure.com:v3/org/proj/repo",
        " ssh://git@ssh.dev.azure.com/v3/org/proj/repo",
        "org@vs-ssh.visualstudio.com:v3/org/proj/repo"}) {
    EXPECT_EQ(Parsed(address), "https://dev.azure.com/org|org|proj|repo")
        << address;
  }
}

TEST(ParseAzureDevOpsAddress, TakesTheRepositoryForAProjectThatIsLeftOut) {
  for (const char* address :
       {"https://dev.azure.com/org/_git/repo",
        "https://org.visualstudio.com/_git/repo",
        "https://org.visualstudio.com/DefaultCollection/_git/repo"}) {
    EXPECT_EQ(Parsed(address), "https://dev.azure.com/org|org|repo|repo")
        << address;
  }
  EXPECT_EQ(Parsed("https://host/tfs/Coll/_git/repo"),
            "https://host/tfs/Coll|Coll|repo|repo");
}

TEST(ParseAzureDevOpsAddress, ReadsAddressesOfServers) {
  EXPECT_EQ(Parsed("https://host/tfs/Coll/proj/_git/repo"),
            "https://host/tfs/Coll|Coll|proj|repo");
  EXPECT_EQ(Parsed("http://host:8080/TFS/My%20Coll/proj/_git/repo"),
            "http://host:8080/TFS/My%20Coll|My Coll|proj|repo");
  EXPECT_EQ(Parsed("https://host/ado/Coll/proj/_git/repo"),
            "https://host/ado/Coll|Coll|proj|repo");
  EXPECT_EQ(Parsed("https://host/Coll/proj/_git/repo"),
            "https://host/Coll|Coll|proj|repo");
  EXPECT_EQ(Parsed("ssh://host:22/tfs/Coll/proj/_git/repo"),
            "https://host/tfs/Coll|Coll|proj|repo");
}

TEST(ParseAzureDevOpsAddress, DecodesNamesInEveryForm) {
  for (const char* address :
       {"https://dev.azure.com/org/my%20proj/_git/my%20repo",
        "git@ssh.dev.azure.com:v3/org/my%20proj/my%20repo",
        "https://org.visualstudio.com/my%20proj/_git/my%20repo"}) {
    EXPECT_EQ(Parsed(address), "https://dev.azure.com/org|org|my proj|my repo")
        << address;
  }
}

TEST(ParseAzureDevOpsAddress, RefusesEverythingElse) {
  for (const char* address :
       {"", "org/proj/_git/repo", "./a:b/c/_git/d", "https://dev.azure.com/org",
        "https://dev.azure.com/_git/repo",
        "https://.visualstudio.com/proj/_git/repo",
        "https://dev.azure.com/org/proj/repo",
        "https://dev.azure.com/org/proj/x/_git/repo",
        "https://dev.azure.com/org/proj/_git/repo/commits",
        "https://org.visualstudio.com/proj/x/_git/repo",
        "git@ssh.dev.azure.com:org/proj/repo",
        "git@ssh.dev.azure.com:v3/org/proj/_git/repo",
        "https://vs-ssh.visualstudio.com/proj/_git/repo",
        "https://host/_git/repo", "https://host/tfs/_git/repo",
        "https://host/a/b/c/d/_git/repo",
        "git@ssh.dev.azure.com:v3/org/a%2Fb/repo"}) {
    EXPECT_THAT(ParseAzureDevOpsAddress(address),
                StatusIs(StatusCode::kInvalidArgument))
        << address;
  }
}

}  // namespace
}  // namespace lamplighter
