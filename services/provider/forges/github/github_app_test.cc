// As a GitHub App: whom requests are made as, and with which token.

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "boost/asio/co_spawn.hpp"
#include "boost/asio/io_context.hpp"
#include "common/grpc/retry_info.h"
#include "common/http/testing/fake_http_client.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/provider/forges/github/github_client.h"
#include "services/provider/forges/github/testing/app_key.h"
#include "services/provider/forges/testing/forge_fixture.h"

namespace lamplighter::provider {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kAddress[] = "https://github.com/org/repo";

class GitHubAppTest : public ForgeFixture {
 protected:
  GitHubAppTest() : ForgeFixture("github") {
    token_ = "";
    credential_.app = {.app_id = "123",
                       .installation_id = "77",
                       .installation_owner = "",
                       .private_key = Key(),
                       .base_url = ""};
    http_.When("GET", EndsWith("/repos/org/repo")).Return(Reply(200, "{}"));
    http_.When("POST", EndsWith("/access_tokens"))
        .Return([this](const HttpCall&) {
          return Reply(201, TokenBody(absl::StrCat("ghs_token", ++tokens_)));
        });
  }

  static const std::string& Key() {
    static const auto* const key = new std::string(MakeAppKey());
    return *key;
  }

  std::string TokenBody(const std::string& token) {
    return absl::StrCat(R"({"token":")", token, R"(","expires_at":")",
                        absl::FormatTime(clock_.Now() + absl::Hours(1)),
                        R"(","permissions":{"statuses":"write"}})");
  }

  absl::Status Ask(const std::string& address = kAddress) {
    ForgeCall call = MakeCall(address);
    return RunSync(client_.Send(call, {.path = RepositoryPath(call)})).status();
  }

  // The paths of all requests below the API.
  std::vector<std::string> Paths() {
    std::vector<std::string> paths;
    for (const HttpCall& call : http_.calls()) {
      paths.emplace_back(absl::StripPrefix(call.url, "https://api.github.com"));
    }
    return paths;
  }

  // Whom the last request was made as.
  std::string Bearer() {
    return std::string(absl::StripPrefix(
        http_.calls().back().headers.Find("Authorization").value_or(""),
        "Bearer "));
  }

  int tokens_ = 0;  // that were made
  GitHubClient client_;
};

TEST_F(GitHubAppTest, ProvesItselfAndThenIsItsInstallation) {
  EXPECT_THAT(Ask(), IsOk());
  EXPECT_THAT(Paths(), ElementsAre("/app/installations/77/access_tokens",
                                   "/repos/org/repo"));
  const std::string jwt(absl::StripPrefix(
      *http_.calls()[0].headers.Find("Authorization"), "Bearer "));
  EXPECT_EQ(VerifiedClaims(jwt, Key()),
            R"({"iat":1699999940,"exp":1700000540,"iss":"123"})");
  EXPECT_EQ(Bearer(), "ghs_token1");
}

TEST_F(GitHubAppTest, ATokenOfAnyLengthIsUsedUntilFiveMinutesBeforeItExpires) {
  const std::string token = absl::StrCat("ghs_123_", std::string(2000, 'x'));
  http_.When("POST", EndsWith("/access_tokens"))
      .Return(Reply(201, TokenBody(token)))
      .Then(Reply(201, TokenBody("ghs_next")));
  EXPECT_THAT(Ask(), IsOk());
  EXPECT_EQ(Bearer(), token);
  clock_.Advance(absl::Minutes(55) - absl::Seconds(1));
  EXPECT_THAT(Ask(), IsOk());
  EXPECT_EQ(Bearer(), token);
  EXPECT_EQ(http_.calls().size(), 3);
  clock_.Advance(absl::Seconds(1));
  http_.When("POST", EndsWith("/access_tokens"))
      .Return(Reply(201, TokenBody("ghs_next")));
  EXPECT_THAT(Ask(), IsOk());
  EXPECT_EQ(Bearer(), "ghs_next");
}

TEST_F(GitHubAppTest, ManyWhoAskAtOnceMakeOneRequest) {
  boost::asio::io_context loop;
  std::vector<std::unique_ptr<ForgeCall>> calls;
  int succeeded = 0;
  for (int i = 0; i < 50; ++i) {
    calls.push_back(std::make_unique<ForgeCall>(MakeCall(kAddress)));
    boost::asio::co_spawn(
        loop, client_.Send(*calls.back(), {.path = "/repos/org/repo"}),
        [&](const std::exception_ptr&, const absl::StatusOr<HttpResult>& got) {
          if (got.ok()) ++succeeded;
        });
  }
  loop.run();
  EXPECT_EQ(succeeded, 50);
  EXPECT_EQ(tokens_, 1);
}

TEST_F(GitHubAppTest, WhoWaitedForARefusalDoesNotAskAgain) {
  http_.When("POST", EndsWith("/access_tokens"))
      .Return(Reply(503, R"({"message":"away"})"));
  boost::asio::io_context loop;
  std::vector<std::unique_ptr<ForgeCall>> calls;
  int refused = 0;
  for (int i = 0; i < 10; ++i) {
    calls.push_back(std::make_unique<ForgeCall>(MakeCall(kAddress)));
    boost::asio::co_spawn(
        loop, client_.Send(*calls.back(), {.path = "/repos/org/repo"}),
        [&](const std::exception_ptr&, const absl::StatusOr<HttpResult>& got) {
          if (absl::IsUnavailable(got.status())) ++refused;
        });
  }
  loop.run();
  EXPECT_EQ(refused, 10);
  EXPECT_EQ(http_.calls().size(), 1);
  EXPECT_THAT(Ask(), StatusIs(StatusCode::kUnavailable));
  EXPECT_EQ(http_.calls().size(), 2);
}

TEST_F(GitHubAppTest, ARevokedTokenIsReplacedOnce) {
  EXPECT_THAT(Ask(), IsOk());
  http_.When("GET", EndsWith("/repos/org/repo"))
      .Return(Reply(401, R"({"message":"Bad credentials"})"))
      .Then(Reply(200, "{}"));
  EXPECT_THAT(Ask(), IsOk());
  EXPECT_EQ(tokens_, 2);
  EXPECT_EQ(Bearer(), "ghs_token2");
  http_.When("GET", EndsWith("/repos/org/repo"))
      .Return(Reply(401, R"({"message":"Bad credentials"})"));
  EXPECT_THAT(Ask(), StatusIs(StatusCode::kUnauthenticated));
  EXPECT_EQ(tokens_, 3);
}

TEST_F(GitHubAppTest, WhoHasNotTheKeyGetsNobodyElsesToken) {
  EXPECT_THAT(Ask(), IsOk());
  credential_.app.private_key = "of somebody else";
  EXPECT_THAT(Ask(), StatusIs(StatusCode::kUnauthenticated,
                              HasSubstr("githubAppPrivateKey")));
  credential_.app.private_key = MakeAppKey();
  http_.When("POST", EndsWith("/access_tokens"))
      .Return(
          Reply(401, R"({"message":"A JSON web token could not be decoded"})"));
  EXPECT_THAT(
      Ask(), StatusIs(StatusCode::kUnauthenticated,
                      AllOf(HasSubstr("githubAppID 123"), HasSubstr("clock"))));
  EXPECT_EQ(tokens_, 1);
}

TEST_F(GitHubAppTest, FindsItsInstallationByTheOwner) {
  credential_.app.installation_id = "";
  http_.When("GET", EndsWith("/orgs/org/installation"))
      .Return(Reply(200, R"({"id":88,"account":{"login":"Org"}})"));
  EXPECT_THAT(Ask(), IsOk());
  EXPECT_THAT(Paths(), ElementsAre("/orgs/org/installation",
                                   "/app/installations/88/access_tokens",
                                   "/repos/org/repo"));
  http_.When("GET", EndsWith("/repos/ORG/other")).Return(Reply(200, "{}"));
  EXPECT_THAT(Ask("https://github.com/ORG/other"), IsOk());
  EXPECT_EQ(tokens_, 1);
}

TEST_F(GitHubAppTest, FindsAUsersInstallationAndThatOfTheOwnerInTheSecret) {
  credential_.app.installation_id = "";
  credential_.app.installation_owner = "someone";
  http_.When("GET", EndsWith("/orgs/someone/installation"))
      .Return(Reply(404, R"({"message":"Not Found"})"));
  http_.When("GET", EndsWith("/users/someone/installation"))
      .Return(Reply(200, R"({"id":89,"account":{"login":"someone"}})"));
  EXPECT_THAT(Ask(), IsOk());
  EXPECT_EQ(Paths()[2], "/app/installations/89/access_tokens");
}

TEST_F(GitHubAppTest, SaysWhereItIsNotInstalled) {
  credential_.app.installation_id = "";
  http_.When("GET", EndsWith("/installation"))
      .Return(Reply(404, R"({"message":"Not Found"})"));
  EXPECT_THAT(Ask(), StatusIs(StatusCode::kPermissionDenied,
                              HasSubstr("123 is not installed on org")));
  http_.When("GET", EndsWith("/installation"))
      .Return(Reply(404, R"({"message":"Integration not found"})"));
  EXPECT_THAT(Ask(), StatusIs(StatusCode::kUnauthenticated,
                              HasSubstr("githubAppID 123")));
}

TEST_F(GitHubAppTest, SaysThatAnInstallationIsGoneOrSuspended) {
  http_.When("POST", EndsWith("/access_tokens"))
      .Return(Reply(404, R"({"message":"Not Found"})"));
  EXPECT_THAT(Ask(), StatusIs(StatusCode::kPermissionDenied,
                              AllOf(HasSubstr("no installation 77"),
                                    HasSubstr("githubAppInstallationID"))));
  http_.When("POST", EndsWith("/access_tokens"))
      .Return(
          Reply(403, R"({"message":"This installation has been suspended"})"));
  EXPECT_THAT(Ask(), StatusIs(StatusCode::kPermissionDenied,
                              AllOf(HasSubstr("has been suspended"),
                                    HasSubstr("unsuspend"))));
}

TEST_F(GitHubAppTest, ALimitOfTheAppIsALimit) {
  http_.When("POST", EndsWith("/access_tokens"))
      .Return(Reply(429, R"({"message":"slow down"})", {{"Retry-After", "9"}}));
  const absl::Status status = Ask();
  EXPECT_THAT(status, StatusIs(StatusCode::kResourceExhausted));
  EXPECT_EQ(RetryAfter(status), absl::Seconds(9));
}

TEST_F(GitHubAppTest, AnAnswerThatIsNoTokenIsTrouble) {
  for (const char* body :
       {"", "<html>", "{}", R"({"token":"ghs_x"})",
        R"({"token":"","expires_at":"2026-11-21T10:00:00Z"})"}) {
    http_.When("POST", EndsWith("/access_tokens")).Return(Reply(201, body));
    EXPECT_THAT(Ask(), StatusIs(StatusCode::kUnavailable)) << body;
  }
}

TEST_F(GitHubAppTest, ErrorsShowNeitherKeyNorTokens) {
  const std::string line = Key().substr(40, 50);  // of the key's body
  http_.When("GET", EndsWith("/repos/org/repo"))
      .Return([](const HttpCall& call) {
        return Reply(
            400, absl::StrCat(R"({"message":"no )",
                              *call.headers.Find("Authorization"), R"("})"));
      });
  http_.When("POST", EndsWith("/access_tokens"))
      .Return(Reply(201, TokenBody("unusual-token-form")));
  EXPECT_THAT(Ask(), StatusIs(StatusCode::kInvalidArgument,
                              AllOf(HasSubstr("no Bearer ***"),
                                    Not(HasSubstr("unusual")))));
  clock_.Advance(absl::Hours(2));
  http_.When("POST", EndsWith("/access_tokens"))
      .Return([](const HttpCall& call) {
        return Reply(
            401,
            absl::StrCat(R"({"message":")", *call.headers.Find("Authorization"),
                         " ", absl::StrReplaceAll(Key(), {{"\n", "\\n"}}),
                         R"("})"));
      });
  EXPECT_THAT(Ask(), StatusIs(StatusCode::kUnauthenticated,
                              AllOf(HasSubstr("Bearer *** -----BEGIN"),
                                    Not(HasSubstr(line)))));
}

TEST_F(GitHubAppTest, AsksTheAppsOwnApiWhereTheSecretNamesIt) {
  credential_.app.base_url = "https://ghe.example.com/api/v3/";
  http_.When("GET", StartsWith("https://ghe.example.com/api/v3/repos/"))
      .Return(Reply(200, "{}"));
  EXPECT_THAT(Ask("https://ghe.example.com/org/repo"), IsOk());
  EXPECT_EQ(
      http_.calls()[0].url,
      "https://ghe.example.com/api/v3/app/installations/77/access_tokens");
}

TEST_F(GitHubAppTest, ATokenGoesBeforeAnApp) {
  token_ = kToken;
  EXPECT_THAT(Ask(), IsOk());
  EXPECT_EQ(Bearer(), kToken);
  EXPECT_EQ(tokens_, 0);
}

TEST_F(GitHubAppTest, TheQuotaIsTheInstallationsAndNotTheApps) {
  http_.When("POST", EndsWith("/access_tokens"))
      .Return(Reply(201, TokenBody("ghs_x"),
                    {{"X-RateLimit-Limit", "5000"},
                     {"X-RateLimit-Remaining", "1"},
                     {"X-RateLimit-Reset", "1700000900"}}));
  ForgeCall call = MakeCall(kAddress);
  EXPECT_THAT(RunSync(client_.Send(call, {.path = RepositoryPath(call)})),
              IsOk());
  EXPECT_FALSE(call.rate_limit());
}

TEST_F(GitHubAppTest, KeepsAsManyTokensAsItMay) {
  InstallationTokens tokens(/*max_tokens=*/2);
  for (const char* installation : {"1", "2", "3", "3", "2"}) {
    ForgeCall call = MakeCall(kAddress);
    EXPECT_THAT(RunSync(tokens.Get(call, installation, "")), IsOk());
    clock_.Advance(absl::Seconds(1));
  }
  EXPECT_EQ(tokens_, 3);
  ForgeCall call = MakeCall(kAddress);
  EXPECT_THAT(RunSync(tokens.Get(call, "1", "")), IsOk());
  EXPECT_EQ(tokens_, 4);
}

}  // namespace
}  // namespace lamplighter::provider
