#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/http/testing/fake_http_client.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/provider/forges/github/github.h"
#include "services/provider/forges/testing/forge_fixture.h"

namespace lamplighter::provider {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kAddress[] = "https://github.com/org/repo";
constexpr char kHooks[] = "https://api.github.com/repos/org/repo/hooks";
constexpr char kUrl[] = "https://hooks.example.com/events";

std::string Hook(const std::string& events, const std::string& config,
                 const std::string& active = "true") {
  return absl::StrCat(R"([{"type":"Repository","id":12,"name":"web",)",
                      R"("active":)", active, R"(,"events":[)", events,
                      R"(],"config":{"url":")", kUrl, R"(",)", config, "}}]");
}

constexpr char kEvents[] = R"("push","repository","pull_request")";
constexpr char kConfig[] =
    R"("content_type":"json","insecure_ssl":"0","secret":"********")";

class GitHubWebhooksTest : public ForgeFixture {
 protected:
  GitHubWebhooksTest() : ForgeFixture("github") {
    wanted_.url = kUrl;
    wanted_.secret = "hook-s3cret";
  }

  absl::StatusOr<std::vector<ForgeWebhook>> List() {
    ForgeCall call = MakeCall(kAddress);
    return RunSync(github_->ListWebhooks(call, wanted_, {}));
  }
  std::string DifferenceOf(const std::string& hooks) {
    http_.When("GET", HasSubstr("/hooks")).Return(Reply(200, hooks));
    const auto shown = List();
    return shown.ok() && shown->size() == 1 ? shown->front().difference
                                            : shown.status().ToString();
  }
  absl::StatusOr<std::string> Write(const std::string& id) {
    ForgeCall call = MakeCall(kAddress);
    return RunSync(github_->WriteWebhook(call, wanted_, "", id));
  }
  absl::Status Delete() {
    ForgeCall call = MakeCall(kAddress);
    return RunSync(github_->DeleteWebhook(call, "12"));
  }

  WantedWebhook wanted_;
  std::unique_ptr<Forge> github_ = MakeGitHub();
};

TEST_F(GitHubWebhooksTest, SaysWhatIsNotAsWanted) {
  EXPECT_EQ(DifferenceOf(Hook(kEvents, kConfig)), "");
  EXPECT_EQ(DifferenceOf(Hook(kEvents, kConfig, "false")), "is not active");
  EXPECT_EQ(DifferenceOf(Hook(R"("push","watch")", kConfig)),
            "does not send pull_request, does not send repository, "
            "sends watch");
  EXPECT_EQ(DifferenceOf(Hook(kEvents, R"("content_type":"form",)"
                                       R"("insecure_ssl":1)")),
            "does not send JSON, does not verify TLS certificates, "
            "has no secret");
  EXPECT_EQ(DifferenceOf(Hook(kEvents, R"("content_type":"json",)"
                                       R"("insecure_ssl":"1","secret":"*")")),
            "does not verify TLS certificates");
}

TEST_F(GitHubWebhooksTest, ListsAllPagesButNoServices) {
  http_.When("GET", absl::StrCat(kHooks, "?per_page=100&page=1"))
      .Return(Reply(200, R"([{"id":1,"name":"email","config":{}}])",
                    {{"Link", "<https://x>; rel=\"next\""}}));
  http_.When("GET", absl::StrCat(kHooks, "?per_page=100&page=2"))
      .Return(Reply(200, Hook(kEvents, kConfig)));
  const auto shown = List();
  ASSERT_THAT(shown, IsOk());
  ASSERT_EQ(shown->size(), 1);
  EXPECT_EQ(shown->front().id, "12");
  EXPECT_EQ(shown->front().url, kUrl);
}

TEST_F(GitHubWebhooksTest, WhatIsNoListIsTrouble) {
  for (const char* body : {"", "{}", "<html>", "[{}]", R"([{"id":1}])"}) {
    http_.When("GET", HasSubstr("/hooks")).Return(Reply(200, body));
    EXPECT_THAT(List(), StatusIs(StatusCode::kUnavailable)) << body;
  }
  http_.When("GET", HasSubstr("/hooks"))
      .Return(Reply(200, "[]", {{"Link", "<https://x>; rel=\"next\""}}));
  EXPECT_THAT(List(), StatusIs(StatusCode::kFailedPrecondition));
}

TEST_F(GitHubWebhooksTest, WritesAllThatIsWanted) {
  http_.When("POST", kHooks).Return(Reply(201, R"({"id":13})"));
  EXPECT_EQ(Write("").value(), "13");
  EXPECT_EQ(http_.calls().back().body,
            R"({"name":"web","active":true,)"
            R"("events":["push","pull_request","repository"],)"
            R"("config":{"url":"https://hooks.example.com/events",)"
            R"("content_type":"json","secret":"hook-s3cret",)"
            R"("insecure_ssl":"0"}})");
  http_.When("PATCH", absl::StrCat(kHooks, "/12"))
      .Return(Reply(200, R"({"id":12})"));
  EXPECT_EQ(Write("12").value(), "12");
  EXPECT_THAT(http_.calls().back().body,
              AllOf(HasSubstr("hook-s3cret"), Not(HasSubstr("\"name\""))));
}

TEST_F(GitHubWebhooksTest, TellsADoubleFromTooMany) {
  http_.When("POST", kHooks)
      .Return(Reply(422, R"({"message":"Validation Failed","errors":[)"
                         R"({"resource":"Hook","code":"custom","message":)"
                         R"("Hook already exists on this repository"}]})"));
  EXPECT_THAT(Write(""), StatusIs(StatusCode::kAlreadyExists));
  http_.When("POST", kHooks)
      .Return(Reply(422, R"({"message":"Validation Failed","errors":[)"
                         R"({"resource":"Hook","code":"custom","message":)"
                         R"("The \"push\" event cannot have more than )"
                         R"(20 hooks"}]})"));
  EXPECT_THAT(Write(""), StatusIs(StatusCode::kFailedPrecondition,
                                  HasSubstr("more than 20 hooks")));
  http_.When("POST", kHooks)
      .Return(Reply(422, R"({"message":"no hook-s3cret"})"));
  EXPECT_THAT(Write(""),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("no ***")));
}

TEST_F(GitHubWebhooksTest, SaysThatItMayLackTheRight) {
  http_.When("GET", HasSubstr("/hooks"))
      .Return(Reply(404, R"({"message":"Not Found"})"));
  EXPECT_THAT(List(), StatusIs(StatusCode::kNotFound,
                               AllOf(HasSubstr("org/repo"),
                                     HasSubstr("admin:repo_hook"))));
}

TEST_F(GitHubWebhooksTest, WhatIsNotThereIsDeleted) {
  http_.When("DELETE", EndsWith("/hooks/12")).Return(204).Then(Reply(404));
  EXPECT_THAT(Delete(), IsOk());
  EXPECT_THAT(Delete(), IsOk());
  http_.When("DELETE", EndsWith("/hooks/12")).Return(403);
  EXPECT_THAT(Delete(), StatusIs(StatusCode::kPermissionDenied));
}

}  // namespace
}  // namespace lamplighter::provider
