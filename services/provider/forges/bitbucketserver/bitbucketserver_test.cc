#include "services/provider/forges/bitbucketserver/bitbucketserver.h"

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
#include "services/provider/forges/testing/forge_fixture.h"

namespace lamplighter::provider {
namespace {

using ::absl::StatusCode;
using ::testing::_;
using ::testing::EndsWith;
using ::testing::HasSubstr;

constexpr char kAddress[] = "https://git.example.com/scm/foo/bar.git";
constexpr char kKey[] = "82265367404ad9d071796a3dd9b07c82d40274be";
constexpr char kNone[] =
    R"({"errors":[{"context":null,"message":"no such build"}]})";

std::string BuildsUrl(const std::string& base = "https://git.example.com",
                      const std::string& project = "foo") {
  return absl::StrCat(base, "/rest/api/latest/projects/", project,
                      "/repos/bar/commits/", kSha, "/builds");
}

// What notification-controller sends for a Kustomization that is ready.
v1::StatusIntent FluxIntent() {
  v1::StatusIntent intent = SomeIntent();
  intent.clear_target_url();
  intent.mutable_involved_object()->set_kind("Kustomization");
  intent.mutable_involved_object()->set_name("App");
  return intent;
}

std::string Entry(const std::string& key, const std::string& state,
                  const std::string& url, const std::string& more = "") {
  return absl::StrCat(R"({"key":")", key, R"(","state":")", state,
                      R"(","name":"kustomization/app )",
                      R"([reconciliation succeeded]","url":")", url,
                      R"(","description":"reconciliation succeeded")", more,
                      "}");
}

class BitbucketServerTest : public ForgeFixture {
 protected:
  BitbucketServerTest() : ForgeFixture("bitbucketserver") {
    http_.When("GET", _).Return(Reply(404, kNone));
    http_.When("POST", _).Return(204);
  }

  absl::StatusOr<SetStatusResult> Set(
      const v1::StatusIntent& intent = FluxIntent(),
      const std::string& address = kAddress) {
    return ForgeFixture::Set(*bitbucket_, address, intent);
  }

  absl::StatusOr<SetStatusResult> SetAs(const std::string& token,
                                        const std::string& username,
                                        const std::string& password) {
    Credential credential;
    credential.token = token;
    credential.username = username;
    credential.password = password;
    ForgeCall::Target target = MakeCall(kAddress).target();
    target.access.credential = credential;
    target.access.secrets = SecretsOf(credential);
    ForgeCall call(target, http_, clock_, metrics_);
    return RunSync(SetStatus(*bitbucket_, call, FluxIntent(),
                             /*known_different=*/false));
  }

  // The url of what is written for an intent without one.
  std::string LinkAt(const std::string& address) {
    EXPECT_THAT(Set(FluxIntent(), address), IsOk());
    const std::string& body = http_.calls().back().body;
    const size_t begin = body.find(R"("url":")") + 7;
    return body.substr(begin, body.find('"', begin) - begin);
  }

  std::unique_ptr<Forge> bitbucket_ = MakeBitbucketServer();
};

TEST_F(BitbucketServerTest, SaysWhatNotificationControllerDoes) {
  const auto result = Set();
  ASSERT_THAT(result, IsOk());
  EXPECT_TRUE(result->written);
  EXPECT_EQ(result->forge_id, kKey);
  ASSERT_EQ(http_.calls().size(), 2);
  const HttpCall& read = http_.calls()[0];
  EXPECT_EQ(read.url, absl::StrCat(BuildsUrl(), "?key=", kKey));
  const HttpCall& write = http_.calls()[1];
  EXPECT_EQ(write.url, BuildsUrl());
  EXPECT_EQ(write.body, R"({"description":"reconciliation succeeded",)"
                        R"("key":"82265367404ad9d071796a3dd9b07c82d40274be",)"
                        R"("name":"kustomization/app )"
                        R"([reconciliation succeeded]","state":"SUCCESSFUL",)"
                        R"("url":"https://git.example.com/scm/foo/bar.git"})");
  EXPECT_EQ(write.headers.Find("Content-Type"), "application/json");
  for (const HttpCall& call : http_.calls()) {
    EXPECT_EQ(call.headers.Find("Authorization"),
              absl::StrCat("Bearer ", kToken));
    EXPECT_EQ(call.headers.Find("X-Atlassian-Token"), "no-check");
    EXPECT_EQ(call.headers.Find("X-Requested-With"), "XMLHttpRequest");
  }
}

TEST_F(BitbucketServerTest, MayBeServedBelowAPath) {
  EXPECT_THAT(Set(FluxIntent(), "http://127.0.0.1:7990/ctx/scm/foo/bar.git"),
              IsOk());
  EXPECT_EQ(http_.calls().back().url, BuildsUrl("http://127.0.0.1:7990/ctx"));
}

TEST_F(BitbucketServerTest, UsersHaveRepositoriesToo) {
  EXPECT_THAT(Set(FluxIntent(), "https://git.example.com/scm/~user/bar.git"),
              IsOk());
  EXPECT_EQ(http_.calls().back().url,
            BuildsUrl("https://git.example.com", "~user"));
}

TEST_F(BitbucketServerTest, TakesAUsernameAndPasswordWhereThereIsNoToken) {
  EXPECT_THAT(SetAs("", "u", "secret"), IsOk());
  EXPECT_EQ(http_.calls().back().headers.Find("Authorization"),
            "Basic dTpzZWNyZXQ=");
  EXPECT_THAT(SetAs("token", "u", "secret"), IsOk());
  EXPECT_EQ(http_.calls().back().headers.Find("Authorization"), "Bearer token");
}

TEST_F(BitbucketServerTest, NeitherOfThemAloneIsACredential) {
  EXPECT_THAT(SetAs("", "u", ""), StatusIs(StatusCode::kUnauthenticated));
  EXPECT_THAT(SetAs("", "", "secret"), StatusIs(StatusCode::kUnauthenticated));
  EXPECT_TRUE(http_.calls().empty());
}

TEST_F(BitbucketServerTest, ErrorsDoNotQuoteTheHeader) {
  http_.When("POST", _).Return(
      Reply(400, R"({"errors":[{"message":"got Basic dTpzZWNyZXQ="}]})"));
  EXPECT_THAT(SetAs("", "u", "secret"),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("Basic ***")));
}

TEST_F(BitbucketServerTest, TheAddressStandsInForALink) {
  http_.When("GET", _).Return(Reply(200, Entry(kKey, "SUCCESSFUL", kAddress)));
  EXPECT_FALSE(Set()->written);
  http_.When("GET", _).Return(
      Reply(200, Entry(kKey, "SUCCESSFUL", "https://example.com/other")));
  EXPECT_TRUE(Set()->written);
}

TEST_F(BitbucketServerTest, ALinkThatIsAskedForIsNotTheAddress) {
  v1::StatusIntent intent = FluxIntent();
  intent.set_target_url("https://example.com/app");
  http_.When("GET", _).Return(Reply(200, Entry(kKey, "SUCCESSFUL", kAddress)));
  EXPECT_TRUE(Set(intent)->written);
  EXPECT_THAT(http_.calls().back().body,
              HasSubstr(R"("url":"https://example.com/app")"));
}

TEST_F(BitbucketServerTest, ThePageStandsInForAnAddressThatIsNoLink) {
  const std::string page = "https://git.example.com/projects/foo/repos/bar";
  EXPECT_EQ(LinkAt("ssh://git@git.example.com:7999/foo/bar.git"), page);
  EXPECT_EQ(LinkAt("https://u:p@git.example.com/scm/foo/bar.git"), page);
  EXPECT_EQ(LinkAt("https://git.example.com/scm/foo/bar.git?token=x"), page);
}

TEST_F(BitbucketServerTest, LeavesOutALinkThatIsTooLong) {
  v1::StatusIntent intent = FluxIntent();
  const std::string longest = "https://" + std::string(442, 'x');
  intent.set_target_url(longest);
  EXPECT_EQ(bitbucket_->Render(intent)->target_url, longest);
  intent.set_target_url(longest + "x");
  EXPECT_EQ(bitbucket_->Render(intent)->target_url, "");
}

TEST_F(BitbucketServerTest, KeysAreHashesOfContexts) {
  for (const auto& [context, key] : std::map<std::string, std::string>{
           {"kustomization/gitops-system/0c9c2e41",
            "c99410a43c260fddd152a40c296bddfa0b8fd879"},
           {"helmrelease/podinfo/0c9c2e41",
            "3c2a5ab98b5c9deda6db650e5cf8877e0df5e3ce"}}) {
    v1::StatusIntent intent = FluxIntent();
    intent.set_context(context);
    EXPECT_EQ(bitbucket_->Render(intent)->context, key);
  }
}

TEST_F(BitbucketServerTest, NamesSayTheContextWhereItIsNotTheObjects) {
  v1::StatusIntent intent = FluxIntent();
  intent.set_context("deploy/prod");
  EXPECT_EQ(bitbucket_->Render(intent)->name,
            "deploy/prod [reconciliation succeeded]");
  intent.clear_description();
  EXPECT_EQ(bitbucket_->Render(intent)->name, "deploy/prod");
}

TEST_F(BitbucketServerTest, CutsWhatIsLongerThanBitbucketTakes) {
  v1::StatusIntent intent = FluxIntent();
  std::string euros;
  for (int i = 0; i < 300; ++i) euros += "€";
  intent.set_description(euros);
  const auto status = bitbucket_->Render(intent);
  EXPECT_EQ(status->description, euros.substr(0, 3 * 254) + "…");
  EXPECT_EQ(status->name, absl::StrCat("kustomization/app [",
                                       euros.substr(0, 3 * (254 - 19)), "…"));
}

TEST_F(BitbucketServerTest, WritesWhatIsNotItsBuild) {
  http_.When("GET", _).Return(
      Reply(200, Entry("other", "SUCCESSFUL", kAddress)));
  EXPECT_TRUE(Set()->written);
}

TEST_F(BitbucketServerTest, AnyAnswerOfSuccessWillDo) {
  for (const HttpResult& answer :
       {Reply(204), Reply(200), Reply(201, Entry(kKey, "SUCCESSFUL", "x"))}) {
    http_.When("POST", _).Return(answer);
    EXPECT_THAT(Set(), IsOk()) << answer.status;
  }
}

TEST_F(BitbucketServerTest, TheWriteTellsWhatA404Was) {
  const std::string gone =
      R"({"errors":[{"message":"Repository foo/bar does not exist."}]})";
  http_.When("GET", _).Return(Reply(404, gone));
  http_.When("POST", _).Return(Reply(404, gone));
  EXPECT_THAT(Set(), StatusIs(StatusCode::kNotFound,
                              HasSubstr("foo/bar does not exist")));
}

TEST_F(BitbucketServerTest, PassesOnWhatItSaysIsWrong) {
  http_.When("POST", _).Return(Reply(
      400, R"({"errors":[{"context":"url","message":"must be a URL",)"
           R"("exceptionName":null},{"context":"ref","message":"is odd"}]})"));
  EXPECT_THAT(Set(), StatusIs(StatusCode::kInvalidArgument,
                              HasSubstr("must be a URL; is odd")));
}

TEST_F(BitbucketServerTest, ALimitPassesSoon) {
  http_.When("GET", _).Return(429);
  const absl::Status status = Set().status();
  EXPECT_THAT(status, StatusIs(StatusCode::kResourceExhausted));
  EXPECT_EQ(RetryAfter(status), absl::Seconds(5));
  http_.When("GET", _).Return(Reply(429, "", {{"Retry-After", "9"}}));
  EXPECT_EQ(RetryAfter(Set().status()), absl::Seconds(9));
}

TEST_F(BitbucketServerTest, ListsTheNewestBuildOfEachKey) {
  http_.When("GET", EndsWith("?limit=100&orderBy=NEWEST"))
      .Return(Reply(
          200,
          absl::StrCat(R"({"isLastPage":false,"nextPageStart":2,"values":[)",
                       Entry("a", "FAILED", "x", R"(,"updatedDate":1000)"), ",",
                       Entry("b", "CANCELLED", "x"), "]}")));
  http_.When("GET", EndsWith("&start=2"))
      .Return(Reply(
          200,
          absl::StrCat(
              R"({"isLastPage":true,"nextPageStart":null,"values":[)",
              Entry("a", "INPROGRESS", "x", R"(,"dateAdded":3000)"), ",",
              Entry("a", "SUCCESSFUL", "x", R"(,"createdDate":2000)"), "]}")));
  const auto listed = List(*bitbucket_, kAddress);
  ASSERT_THAT(listed, IsOk());
  ASSERT_EQ(listed->size(), 2);
  std::map<std::string, ForgeStatus> builds;
  for (const ForgeStatus& build : *listed) builds[build.context] = build;
  EXPECT_EQ(builds["a"].state, "INPROGRESS");
  EXPECT_EQ(builds["a"].updated_at, absl::FromUnixSeconds(3));
  EXPECT_EQ(builds["b"].state, "CANCELLED");
  EXPECT_EQ(builds["b"].updated_at, absl::nullopt);
  EXPECT_EQ(
      http_.calls()[0].url,
      absl::StrCat("https://git.example.com/rest/build-status/latest/commits/",
                   kSha, "?limit=100&orderBy=NEWEST"));
}

TEST_F(BitbucketServerTest, PagesThatLeadNowhereAreNoList) {
  for (const char* next : {"0", "null", "-1"}) {
    http_.When("GET", _).Return(
        Reply(200, absl::StrCat(R"({"isLastPage":false,"nextPageStart":)", next,
                                R"(,"values":[]})")));
    EXPECT_THAT(List(*bitbucket_, kAddress),
                StatusIs(StatusCode::kUnavailable));
  }
  EXPECT_EQ(http_.calls().size(), 3);
}

TEST_F(BitbucketServerTest, ReadsNoMoreThanTwentyPages) {
  int64_t next = 0;
  http_.When("GET", _).Return([&](const HttpCall&) {
    return Reply(200, absl::StrCat(R"({"isLastPage":false,"nextPageStart":)",
                                   next += 100, R"(,"values":[]})"));
  });
  EXPECT_THAT(List(*bitbucket_, kAddress), IsOk());
  EXPECT_EQ(http_.calls().size(), 20);
}

TEST_F(BitbucketServerTest, ListsNothingOfWhatIsNoPage) {
  for (const char* body :
       {"", "<html>", "[]", R"({"values":null})", R"({"values":[]})",
        R"({"values":[{}],"isLastPage":true})"}) {
    http_.When("GET", _).Return(Reply(200, body));
    EXPECT_THAT(List(*bitbucket_, kAddress),
                StatusIs(StatusCode::kUnavailable));
  }
  http_.When("GET", _).Return(401);
  EXPECT_THAT(List(*bitbucket_, kAddress),
              StatusIs(StatusCode::kUnauthenticated));
}

TEST_F(BitbucketServerTest, AServerWithoutBuildsIsToldByCommit) {
  const std::string none =
      R"({"message":"null for uri: https://git.example.com/rest/x",)"
      R"("status-code":404})";
  const std::string by_commit = absl::StrCat(
      "https://git.example.com/rest/build-status/latest/commits/", kSha);
  http_.When("GET", HasSubstr("/builds?key=")).Return(Reply(404, none));
  http_.When("POST", EndsWith("/builds")).Return(Reply(404, none));
  http_.When("GET", by_commit + "?limit=100&orderBy=NEWEST")
      .Return(Reply(200, R"({"values":[],"isLastPage":true})"));
  http_.When("POST", by_commit).Return(204);
  EXPECT_TRUE(Set()->written);
  EXPECT_EQ(http_.calls().back().url, by_commit);
  EXPECT_THAT(http_.calls().back().body, HasSubstr(kKey));

  http_.When("GET", by_commit + "?limit=100&orderBy=NEWEST")
      .Return(Reply(
          200, absl::StrCat(R"({"values":[)", Entry("other", "FAILED", "x"),
                            ",", Entry(kKey, "SUCCESSFUL", kAddress),
                            R"(],"isLastPage":true})")));
  EXPECT_FALSE(Set()->written);
}

TEST_F(BitbucketServerTest, ARefusalOfSomebodyItKnowsIsNoneOfTheCredential) {
  http_.When("POST", _).Return(Reply(401, kNone, {{"X-AUSERNAME", "bot"}}));
  EXPECT_THAT(Set(), StatusIs(StatusCode::kPermissionDenied,
                              HasSubstr("no such build")));
  http_.When("POST", _).Return(
      Reply(401, kNone, {{"X-AUSERNAME", "anonymous"}}));
  EXPECT_THAT(Set(), StatusIs(StatusCode::kUnauthenticated));
}

TEST_F(BitbucketServerTest, KnowsItsOwnWordsToo) {
  EXPECT_EQ(bitbucket_->StateOf("CANCELLED"), v1::ERROR);
  EXPECT_EQ(bitbucket_->StateOf("UNKNOWN"), v1::ERROR);
}

}  // namespace
}  // namespace lamplighter::provider
