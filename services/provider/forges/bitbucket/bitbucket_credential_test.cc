#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/async/testing/run_sync.h"
#include "common/http/testing/fake_http_client.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/v1/provider.pb.h"
#include "services/provider/forges/bitbucket/bitbucket.h"
#include "services/provider/forges/testing/forge_fixture.h"

namespace lamplighter::provider {
namespace {

using ::absl::StatusCode;
using ::testing::_;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Verdict = v1::CheckCredentialResponse;

constexpr char kApi[] = "https://api.bitbucket.org/2.0";
constexpr char kSite[] = "https://bitbucket.org";
constexpr char kWorkspace[] = "https://bitbucket.org/acme";
constexpr char kRepository[] = "https://bitbucket.org/acme/fleet";
constexpr char kAccessToken[] = "ATCTT3xFfGN0";
constexpr char kEmptyPage[] = R"({"pagelen":1,"values":[]})";

class BitbucketCredentialTest : public ForgeFixture {
 protected:
  BitbucketCredentialTest() : ForgeFixture("bitbucket") {
    token_ = "me@example.com:ATATT3xFfGF0";
  }

  void Shows(const std::string& path, const std::string& body) {
    http_.When("GET", absl::StrCat(kApi, path)).Return(Reply(200, body));
  }

  absl::StatusOr<v1::CheckCredentialResponse> Check(
      const std::string& account) {
    ForgeCall call = MakeAccountCall(account);
    return RunSync(bitbucket_->CheckCredential(call));
  }

  std::unique_ptr<Forge> bitbucket_ = MakeBitbucket();
};

TEST_F(BitbucketCredentialTest, TellsWhomTheCredentialIsAndWhatItMayDo) {
  http_.When("GET", absl::StrCat(kApi, "/user"))
      .Return(Reply(200, R"({"username":"bot","display_name":"The Bot"})",
                    {{"X-OAuth-Scopes", "repository:write, webhook"},
                     {"X-Credential-Type", "apitoken"}}));
  Shows("/user/workspaces?pagelen=1", kEmptyPage);
  const auto checked = Check(kSite);
  ASSERT_THAT(checked, IsOk());
  EXPECT_EQ(checked->login(), "bot");
  EXPECT_EQ(checked->kind(), "apitoken");
  EXPECT_THAT(checked->scopes(), ElementsAre("repository:write", "webhook"));
  EXPECT_EQ(checked->can_list_repositories(), Verdict::YES);
  EXPECT_EQ(checked->can_set_statuses(), Verdict::YES);
  EXPECT_EQ(checked->can_manage_webhooks(), Verdict::YES);
  EXPECT_THAT(checked->problems(), IsEmpty());
}

TEST_F(BitbucketCredentialTest, SaysWhichScopesAreMissing) {
  http_.When("GET", _).Return(
      Reply(200, kEmptyPage,
            {{"X-OAuth-Scopes",
              "read:repository:bitbucket,write:webhook:bitbucket"}}));
  const auto checked = Check(kWorkspace);
  ASSERT_THAT(checked, IsOk());
  EXPECT_EQ(checked->kind(), "API token");
  EXPECT_EQ(checked->can_list_repositories(), Verdict::YES);
  EXPECT_EQ(checked->can_set_statuses(), Verdict::NO);
  EXPECT_EQ(checked->can_manage_webhooks(), Verdict::NO);
  EXPECT_THAT(checked->problems(),
              ElementsAre(HasSubstr("write:repository:bitbucket"),
                          HasSubstr("webhook:bitbucket")));
}

TEST_F(BitbucketCredentialTest, AnAccessTokenNeedsNoUser) {
  token_ = kAccessToken;
  http_.When("GET", absl::StrCat(kApi, "/user")).Return(401);
  Shows("/repositories/acme?pagelen=1", kEmptyPage);
  const auto checked = Check(kWorkspace);
  ASSERT_THAT(checked, IsOk());
  EXPECT_EQ(checked->login(), "");
  EXPECT_EQ(checked->kind(), "access token");
  EXPECT_EQ(checked->can_list_repositories(), Verdict::YES);
  EXPECT_EQ(checked->can_set_statuses(), Verdict::VERDICT_UNSPECIFIED);

  http_.When("GET", absl::StrCat(kApi, "/user"))
      .Return(Reply(200, R"({"nickname":"token"})"));
  http_.When("GET", absl::StrCat(kApi, "/user/workspaces?pagelen=1"))
      .Return(403);
  const auto without = Check(kSite);
  ASSERT_THAT(without, IsOk());
  EXPECT_EQ(without->login(), "token");
  EXPECT_EQ(without->can_list_repositories(), Verdict::NO);
  EXPECT_THAT(without->problems(), ElementsAre(HasSubstr("/WORKSPACE")));
}

TEST_F(BitbucketCredentialTest, ACredentialThatNothingKnowsIsAnError) {
  http_.When("GET", _).Return(401);
  EXPECT_THAT(Check(kWorkspace), StatusIs(StatusCode::kUnauthenticated));
  http_.When("GET", _).Return(502);
  EXPECT_THAT(Check(kWorkspace), StatusIs(StatusCode::kUnavailable));
  http_.When("GET", _).Return(429);
  EXPECT_THAT(Check(kWorkspace), StatusIs(StatusCode::kResourceExhausted));
}

TEST_F(BitbucketCredentialTest, LooksAtTheRepositoryWhereThereIsOne) {
  http_.When("GET", _).Return(
      Reply(200, kEmptyPage, {{"X-OAuth-Scopes", "repository:write webhook"}}));
  http_.When("GET", absl::StrCat(kApi, "/repositories/acme/fleet")).Return(404);
  ForgeCall call = MakeCall(kRepository);
  const auto checked = RunSync(bitbucket_->CheckCredential(call));
  ASSERT_THAT(checked, IsOk());
  EXPECT_EQ(checked->can_set_statuses(), Verdict::NO);
  EXPECT_EQ(checked->can_manage_webhooks(), Verdict::NO);
  EXPECT_THAT(checked->problems(), ElementsAre(HasSubstr("acme/fleet")));
}

}  // namespace
}  // namespace lamplighter::provider
