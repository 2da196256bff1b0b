// The provider worker and ingest call a forge the same: the catalog knows a
// repository by that name and the forge's own id of it.

#include <memory>
#include <string>

#include "common/status/testing/status_matchers.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/v1/events.pb.h"
#include "proto/lamplighter/v1/provider.pb.h"
#include "services/ingest/forges/testing/normalize.h"
#include "services/ingest/sources.h"
#include "services/provider/connections.h"
#include "services/provider/forges/forges.h"

namespace lamplighter::provider {
namespace {

using ingest::SourceType;

struct Case {
  const char* name;
  SourceType source;
  const char* address;  // of the connection
  const char* event;    // as the forge's header has it
  const char* body;     // that the forge sends, where it says where it is
  const char* instance;
};

constexpr Case kCases[] = {
    {"GitHub", SourceType::kGitHub, "https://GitHub.com/Org", "push",
     R"({"repository":{"id":1,"full_name":"Org/Repo",
         "html_url":"https://github.com/Org/Repo"}})",
     "github.com"},
    {"GitHubEnterpriseServer", SourceType::kGitHub,
     "https://ghe.example.com:8443", "push",
     R"({"repository":{"id":1,"full_name":"Org/Repo",
         "html_url":"https://GHE.example.com:8443/Org/Repo"}})",
     "ghe.example.com:8443"},
    {"GitLab", SourceType::kGitLab, "https://gitlab.com", "Push Hook",
     R"({"project":{"id":1,"path_with_namespace":"Group/sub/Proj",
         "web_url":"https://gitlab.com/Group/sub/Proj"}})",
     "gitlab.com"},
    {"GitLabBelowAPath", SourceType::kGitLab, "https://git.example.com/GitLab/",
     "Push Hook",
     R"({"project":{"id":1,"path_with_namespace":"Group/Proj",
         "web_url":"https://git.example.com/GitLab/Group/Proj"}})",
     "git.example.com/gitlab"},
    {"Gitea", SourceType::kGitea, "http://git.example.com:3000", "push",
     R"({"repository":{"id":1,"full_name":"Org/Repo",
         "html_url":"http://git.example.com:3000/Org/Repo"}})",
     "git.example.com:3000"},
    {"GiteaBelowAPath", SourceType::kGitea, "https://git.example.com/Gitea",
     "push",
     R"({"repository":{"id":1,"full_name":"Org/Repo",
         "html_url":"https://git.example.com/Gitea/Org/Repo"}})",
     "git.example.com/gitea"},
    {"Forgejo", SourceType::kForgejo, "https://codeberg.org", "push",
     R"({"repository":{"id":1,"full_name":"Org/Repo",
         "html_url":"https://codeberg.org/Org/Repo"}})",
     "codeberg.org"},
    {"BitbucketCloud", SourceType::kBitbucket, "https://bitbucket.org/Space",
     "repo:push",
     R"({"repository":{"uuid":"{1}","full_name":"space/repo",
         "links":{"html":{"href":"https://bitbucket.org/space/repo"}}}})",
     "bitbucket.org"},
    {"BitbucketDataCenter", SourceType::kBitbucketServer,
     "https://git.example.com:7990/Ctx", "repo:refs_changed",
     R"({"repository":{"id":1,"slug":"repo","project":{"key":"PRJ"},
         "links":{"self":[{"href":
         "https://git.example.com:7990/Ctx/projects/PRJ/repos/repo/browse"}]}}})",
     "git.example.com:7990/ctx"},
    {"AzureDevOpsServices", SourceType::kAzureDevOps,
     "https://dev.azure.com/Org", "git.push",
     R"({"eventType":"git.push","resource":{"repository":{"id":"r",
         "name":"Repo","project":{"id":"p","name":"Plat form"},
         "remoteUrl":"https://Org@dev.azure.com/Org/Plat%20form/_git/Repo"}}})",
     "dev.azure.com/org"},
    {"AzureDevOpsServer", SourceType::kAzureDevOps,
     "https://tfs.example.com/tfs/Coll", "git.push",
     R"({"eventType":"git.push","resource":{"repository":{"id":"r",
         "name":"Repo","project":{"id":"p","name":"Proj"},
         "remoteUrl":"https://tfs.example.com/tfs/Coll/Proj/_git/Repo"}}})",
     "tfs.example.com/tfs/coll"},
};

class InstanceTest : public ::testing::TestWithParam<Case> {};

TEST_P(InstanceTest, IsTheSameInEventsAndOfConnections) {
  const std::string type(ingest::ProviderTypeOf(GetParam().source));
  v1::SealedConnection made;
  made.set_name("main");
  made.set_type(type);
  made.set_address(GetParam().address);
  const auto connection = ReadConnection(made);
  ASSERT_THAT(connection, IsOk());
  std::unique_ptr<Forge> forge;
  for (const ForgeFactory& factory : AllForges()) {
    if (factory.provider_type == type) forge = factory.make();
  }
  ASSERT_NE(forge, nullptr);
  const v1::ConnectionInfo info = Describe(*connection, *forge);
  EXPECT_EQ(info.instance(), GetParam().instance);

  const v1::GitEvent event =
      ingest::Normalize(GetParam().source, GetParam().event, GetParam().body);
  EXPECT_EQ(event.instance(), info.instance());
  EXPECT_FALSE(event.repository().id().empty());
}

INSTANTIATE_TEST_SUITE_P(Forges, InstanceTest, ::testing::ValuesIn(kCases),
                         [](const auto& info) {
                           return std::string(info.param.name);
                         });

}  // namespace
}  // namespace lamplighter::provider
