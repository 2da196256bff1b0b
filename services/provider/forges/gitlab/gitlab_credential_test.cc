#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "common/async/testing/run_sync.h"
#include "common/http/testing/fake_http_client.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/v1/provider.pb.h"
#include "services/provider/forges/gitlab/gitlab.h"
#include "services/provider/forges/testing/forge_fixture.h"

namespace lamplighter::provider {
namespace {

using ::absl::StatusCode;
using ::testing::_;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Verdicts = v1::CheckCredentialResponse;

constexpr char kSite[] = "https://gitlab.example.com";

constexpr char kAddress[] = "https://gitlab.example.com/group/sub/proj";

class GitLabCredentialTest : public ForgeFixture {
 protected:
  GitLabCredentialTest() : ForgeFixture("gitlab") {}

  absl::StatusOr<v1::CheckCredentialResponse> Check(bool of_project = false) {
    ForgeCall call = of_project ? MakeCall(kAddress) : MakeAccountCall(kSite);
    return RunSync(gitlab_->CheckCredential(call));
  }

  // A token of that scope, of a user with that level in one project.
  void Knows(const std::string& scope, int level) {
    http_.When("GET", HasSubstr("/personal_access_tokens/self"))
        .Return(Reply(200, absl::StrCat(R"({"id":1,"scopes":[")", scope,
                                        R"("],"expires_at":"2026-12-31"})")));
    http_.When("GET", EndsWith("/user"))
        .Return(Reply(200, R"({"id":2,"username":"ada"})"));
    http_.When("GET", EndsWith("/version"))
        .Return(Reply(200, R"({"version":"19.1.0"})"));
    for (const int asked : {30, 40}) {
      http_.When("GET", EndsWith(absl::StrCat("&min_access_level=", asked)))
          .Return(Reply(200, level >= asked ? R"([{"id":5}])" : "[]"));
    }
    http_.When("GET", EndsWith("/projects/group%2Fsub%2Fproj"))
        .Return(Reply(200, absl::StrCat(R"({"permissions":{"project_access":)",
                                        R"({"access_level":)", level,
                                        R"(},"group_access":null}})")));
  }

  std::unique_ptr<Forge> gitlab_ = MakeGitLab();
};

TEST_F(GitLabCredentialTest, TellsWhatATokenMayDo) {
  Knows("api", 40);
  const auto said = Check();
  ASSERT_THAT(said, IsOk());
  EXPECT_EQ(said->login(), "ada");
  EXPECT_EQ(said->kind(), "personal access token");
  EXPECT_THAT(said->scopes(), ElementsAre("api"));
  EXPECT_EQ(said->expires_at().seconds(),
            absl::ToUnixSeconds(absl::FromCivil(absl::CivilDay(2026, 12, 31),
                                                absl::UTCTimeZone())));
  EXPECT_EQ(said->forge_version(), "19.1.0");
  EXPECT_EQ(said->can_list_repositories(), Verdicts::YES);
  EXPECT_EQ(said->can_set_statuses(), Verdicts::YES);
  EXPECT_EQ(said->can_manage_webhooks(), Verdicts::YES);
  EXPECT_THAT(said->problems(), IsEmpty());
}

TEST_F(GitLabCredentialTest, SaysWhichScopeIsMissing) {
  Knows("read_api", 40);
  auto said = Check();
  EXPECT_EQ(said->can_list_repositories(), Verdicts::YES);
  EXPECT_EQ(said->can_set_statuses(), Verdicts::NO);
  EXPECT_EQ(said->can_manage_webhooks(), Verdicts::NO);
  EXPECT_THAT(said->problems(), ElementsAre(HasSubstr("the scope api")));

  Knows("read_repository", 40);
  for (const char* refused : {"/user", "/version", "min_access_level=40"}) {
    http_.When("GET", HasSubstr(refused))
        .Return(Reply(403, R"({"error":"insufficient_scope"})"));
  }
  said = Check();
  EXPECT_EQ(said->can_list_repositories(), Verdicts::NO);
  EXPECT_EQ(said->login(), "");
  EXPECT_THAT(said->problems(), ElementsAre(HasSubstr("the scope api"),
                                            HasSubstr("the scope read_api")));
}

TEST_F(GitLabCredentialTest, SaysWhichRoleIsMissing) {
  for (const bool of_project : {false, true}) {
    const std::string where =
        of_project ? "of group/sub/proj" : "of any project";
    Knows("api", 30);
    auto said = Check(of_project);
    EXPECT_EQ(said->can_set_statuses(), Verdicts::YES);
    EXPECT_EQ(said->can_manage_webhooks(), Verdicts::NO);
    EXPECT_THAT(said->problems(),
                ElementsAre(HasSubstr(absl::StrCat("a Maintainer ", where))));
    Knows("api", 20);
    said = Check(of_project);
    EXPECT_EQ(said->can_list_repositories(), Verdicts::YES);
    EXPECT_EQ(said->can_set_statuses(), Verdicts::NO);
    EXPECT_EQ(said->can_manage_webhooks(), Verdicts::NO);
    EXPECT_EQ(said->problems_size(), 2);
  }
}

TEST_F(GitLabCredentialTest, LeavesOpenWhatGitLabDoesNotTell) {
  Knows("api", 40);
  http_.When("GET", HasSubstr("/personal_access_tokens/self")).Return(404);
  http_.When("GET", EndsWith("/projects/group%2Fsub%2Fproj"))
      .Return(Reply(200, R"({"permissions":{"project_access":null,)"
                         R"("group_access":null}})"))
      .Then(404);
  auto said = Check(/*of_project=*/true);
  EXPECT_EQ(said->kind(), "");
  EXPECT_FALSE(said->has_expires_at());
  EXPECT_EQ(said->can_set_statuses(), Verdicts::VERDICT_UNSPECIFIED);
  EXPECT_EQ(said->can_manage_webhooks(), Verdicts::VERDICT_UNSPECIFIED);
  EXPECT_THAT(said->problems(), IsEmpty());
  said = Check(/*of_project=*/true);
  EXPECT_THAT(said->problems(),
              ElementsAre(HasSubstr("sees no project group/sub/proj")));
}

TEST_F(GitLabCredentialTest, KnowsTheTokensOfProjectsAndGroups) {
  Knows("api", 40);
  http_.When("GET", EndsWith("/user"))
      .Return(Reply(200, R"({"username":"project_12_bot_0c9c2e41"})"))
      .Then(Reply(200, R"({"username":"group_7_bot"})"));
  EXPECT_EQ(Check()->kind(), "project access token");
  EXPECT_EQ(Check()->kind(), "group access token");
}

TEST_F(GitLabCredentialTest, ACredentialThatIsRefusedIsAnError) {
  http_.When("GET", _).Return(
      Reply(401, R"({"error":"invalid_token","error_description":)"
                 R"("Token is expired. You can either do x."})"));
  EXPECT_THAT(Check(), StatusIs(StatusCode::kUnauthenticated,
                                HasSubstr("Token is expired")));
  http_.When("GET", _).Return(503);
  EXPECT_THAT(Check(), StatusIs(StatusCode::kUnavailable));
}

}  // namespace
}  // namespace lamplighter::provider
