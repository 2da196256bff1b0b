#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/async/testing/run_sync.h"
#include "common/http/testing/fake_http_client.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/v1/provider.pb.h"
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
using Response = v1::CheckCredentialResponse;

constexpr char kOrganization[] = "https://dev.azure.com/org";

class AzureDevOpsCredentialTest : public ForgeFixture {
 protected:
  AzureDevOpsCredentialTest() : ForgeFixture("azuredevops") {
    http_.When("GET", EndsWith("/_apis/connectionData"))
        .Return(Reply(200,
                      R"({"authenticatedUser":{"id":"d6245f20-2af8-44f4-9451-)"
                      R"(8107cb2767db","providerDisplayName":"Ada Example",)"
                      R"("properties":{"Account":{"$type":"System.String",)"
                      R"("$value":"ada@example.com"}}},)"
                      R"("deploymentType":"hosted"})"));
    http_.When("GET", HasSubstr("/_apis/projects?"))
        .Return(Reply(200,
                      R"({"count":1,"value":[{"id":"6ce954b1-ce1f-45d1-b94d-)"
                      R"(e6bf2464ba2c","name":"p"}]})"));
    http_.When("GET", EndsWith("/_apis/git/repositories"))
        .Return(Reply(200, R"({"count":0,"value":[]})"));
    http_.When("GET", EndsWith("/_apis/git/repositories/repo"))
        .Return(Reply(200, R"({"id":"x","isDisabled":false})"));
  }

  absl::StatusOr<Response> Check() {
    ForgeCall call = MakeAccountCall(kOrganization);
    return RunSync(azure_->CheckCredential(call));
  }

  absl::StatusOr<Response> CheckOnRepository() {
    ForgeCall call = MakeCall(absl::StrCat(kOrganization, "/proj/_git/repo"));
    return RunSync(azure_->CheckCredential(call));
  }

  std::unique_ptr<Forge> azure_ = MakeAzureDevOps();
};

TEST_F(AzureDevOpsCredentialTest, SaysWhoItIsAndWhatCouldBeTried) {
  const auto response = Check();
  ASSERT_THAT(response, IsOk());
  EXPECT_EQ(response->login(), "ada@example.com");
  EXPECT_EQ(response->kind(), "personal access token");
  EXPECT_EQ(response->can_list_repositories(), Response::YES);
  EXPECT_EQ(response->can_set_statuses(), Response::VERDICT_UNSPECIFIED);
  EXPECT_EQ(response->can_manage_webhooks(), Response::VERDICT_UNSPECIFIED);
  EXPECT_FALSE(response->has_expires_at());
  EXPECT_THAT(response->problems(), IsEmpty());
  EXPECT_EQ(http_.calls()[0].headers.Find("Accept"),
            "application/json;api-version=5.0-preview");
  for (const HttpCall& call : http_.calls()) EXPECT_EQ(call.method, "GET");
}

TEST_F(AzureDevOpsCredentialTest, WhoHasNoAccountHasANameAtLeast) {
  http_.When("GET", EndsWith("/_apis/connectionData"))
      .Return(Reply(200, R"({"authenticatedUser":{"id":"x",)"
                         R"("providerDisplayName":"Ada Example"}})"));
  EXPECT_EQ(Check()->login(), "Ada Example");
}

TEST_F(AzureDevOpsCredentialTest, ATokenThatIsNobodysIsRefused) {
  const auto& connection = EndsWith("/_apis/connectionData");
  for (const HttpResult& answer :
       {Reply(401), Reply(203, "<html>"), Reply(302),
        Reply(200, R"({"authenticatedUser":{"id":"aaaaaaaa-aaaa-aaaa-aaaa-)"
                   R"(aaaaaaaaaaaa","providerDisplayName":"Anonymous"}})")}) {
    http_.When("GET", connection).Return(answer);
    EXPECT_THAT(Check(), StatusIs(StatusCode::kUnauthenticated));
  }
  http_.When("GET", connection).Return(Reply(200, "{}"));
  EXPECT_THAT(Check(), StatusIs(StatusCode::kUnavailable));
}

TEST_F(AzureDevOpsCredentialTest, NamesTheScopeThatListingLacks) {
  for (const HttpResult& answer : {Reply(401), Reply(403), Reply(203, "<")}) {
    http_.When("GET", EndsWith("/_apis/git/repositories")).Return(answer);
    auto response = Check();
    ASSERT_THAT(response, IsOk());
    EXPECT_EQ(response->can_list_repositories(), Response::NO);
    EXPECT_THAT(response->problems(), ElementsAre(HasSubstr("Code (Read)")));
  }
  http_.When("GET", HasSubstr("/_apis/projects?")).Return(Reply(401));
  const auto response = Check();
  ASSERT_THAT(response, IsOk());
  EXPECT_EQ(response->can_list_repositories(), Response::NO);
  EXPECT_THAT(response->problems(),
              ElementsAre(HasSubstr("Project and Team (Read)")));
}

TEST_F(AzureDevOpsCredentialTest, ATokenWithoutProjectsCannotListAny) {
  http_.When("GET", HasSubstr("/_apis/projects?"))
      .Return(Reply(200, R"({"count":0,"value":[]})"));
  const auto response = Check();
  ASSERT_THAT(response, IsOk());
  EXPECT_EQ(response->can_list_repositories(), Response::NO);
  EXPECT_THAT(response->problems(), ElementsAre(HasSubstr("no project")));
}

TEST_F(AzureDevOpsCredentialTest, AForgeInTroubleSaysNothingOfTheToken) {
  http_.When("GET", HasSubstr("/_apis/projects?")).Return(Reply(502));
  EXPECT_THAT(Check(), StatusIs(StatusCode::kUnavailable));
}

TEST_F(AzureDevOpsCredentialTest, LooksAtTheProvidersOwnRepository) {
  auto response = CheckOnRepository();
  ASSERT_THAT(response, IsOk());
  EXPECT_THAT(response->problems(), IsEmpty());
  const auto& repository = EndsWith("/_apis/git/repositories/repo");
  const struct {
    HttpResult answer;
    const char* problem;
  } kCases[] = {
      {Reply(404), "sees no repository proj/repo"},
      {Reply(403), "Code (Read)"},
      {Reply(200, R"({"isDisabled":true})"), "is disabled"},
  };
  for (const auto& c : kCases) {
    http_.When("GET", repository).Return(c.answer);
    response = CheckOnRepository();
    ASSERT_THAT(response, IsOk());
    EXPECT_EQ(response->can_set_statuses(), Response::NO);
    EXPECT_THAT(response->problems(), ElementsAre(HasSubstr(c.problem)));
  }
}

TEST_F(AzureDevOpsCredentialTest, SaysTheSameOnlyOnce) {
  http_.When("GET", HasSubstr("/_apis/git/repositories")).Return(Reply(403));
  const auto response = CheckOnRepository();
  ASSERT_THAT(response, IsOk());
  EXPECT_THAT(response->problems(), SizeIs(1));
}

}  // namespace
}  // namespace lamplighter::provider
