#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/async/testing/run_sync.h"
#include "common/http/testing/fake_http_client.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/provider/forges/gitlab/gitlab.h"
#include "services/provider/forges/testing/forge_fixture.h"

namespace lamplighter::provider {
namespace {

using ::absl::StatusCode;
using ::testing::_;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kAddress[] = "https://gitlab.example.com/group/sub/proj";

constexpr char kHooks[] =
    "https://gitlab.example.com/api/v4/projects/group%2Fsub%2Fproj/hooks";

// A webhook as it should be, in the words of GitLab 19.
constexpr char kHook[] =
    R"({"id":3,"url":"https://hooks.example.com/x","push_events":true,)"
    R"("tag_push_events":true,"merge_requests_events":true,)"
    R"("enable_ssl_verification":true,"alert_status":"executable",)"
    R"("push_events_branch_filter":"","branch_filter_strategy":"wildcard",)"
    R"("token_present":true,"signing_token_present":false})";

class GitLabWebhooksTest : public ForgeFixture {
 protected:
  GitLabWebhooksTest() : ForgeFixture("gitlab") {
    wanted_.url = "https://hooks.example.com/x";
    wanted_.secret = "the-webhook-secret";
  }

  absl::StatusOr<std::vector<ForgeWebhook>> ListWebhooks() {
    ForgeCall call = MakeCall(kAddress);
    return RunSync(gitlab_->ListWebhooks(call, wanted_, {}));
  }

  // What is said of kHook with `from` replaced by `to`.
  std::string Difference(const std::string& from, const std::string& to) {
    const std::string hook = absl::StrReplaceAll(kHook, {{from, to}});
    EXPECT_NE(hook, kHook);
    http_.When("GET", _).Return(Reply(200, absl::StrCat("[", hook, "]")));
    return ListWebhooks()->at(0).difference;
  }

  absl::StatusOr<std::string> WriteWebhook(const std::string& id = "") {
    ForgeCall call = MakeCall(kAddress);
    return RunSync(gitlab_->WriteWebhook(call, wanted_, "", id));
  }

  WantedWebhook wanted_;
  std::unique_ptr<Forge> gitlab_ = MakeGitLab();
};

TEST_F(GitLabWebhooksTest, ListsWebhooksOfAllPages) {
  http_.When("GET", absl::StrCat(kHooks, "?per_page=100&page=1"))
      .Return(Reply(200, absl::StrCat("[", kHook, "]"),
                    {{"Link", "<https://x/?page=2>; rel=\"next\""}}));
  http_.When("GET", absl::StrCat(kHooks, "?per_page=100&page=2"))
      .Return(Reply(200, R"([{"id":4,"url":"https://other.example.com"}])"));
  const auto webhooks = ListWebhooks();
  ASSERT_EQ(webhooks->size(), 2);
  EXPECT_EQ(webhooks->at(0).id, "3");
  EXPECT_EQ(webhooks->at(0).url, wanted_.url);
  EXPECT_EQ(webhooks->at(0).difference, "");
  EXPECT_EQ(webhooks->at(1).url, "https://other.example.com");
}

TEST_F(GitLabWebhooksTest, ManyPagesOfWebhooksEnd) {
  http_.When("GET", _).Return(Reply(200, absl::StrCat("[", kHook, "]"),
                                    {{"Link", "<https://x>; rel=\"next\""}}));
  EXPECT_THAT(ListWebhooks(), StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_EQ(http_.calls().size(), 20);
}

TEST_F(GitLabWebhooksTest, SaysHowAWebhookIsNotAsWanted) {
  EXPECT_EQ(Difference(R"("push_events":true)", R"("push_events":false)"),
            "does not send push_events");
  EXPECT_EQ(Difference(R"(tag_push_events":true)", R"(tag_push_events":false)"),
            "does not send tag_push_events");
  EXPECT_EQ(Difference(R"(requests_events":true)", R"(requests_events":false)"),
            "does not send merge_requests_events");
  EXPECT_EQ(Difference("executable", "disabled"),
            "is disabled by GitLab after failed deliveries");
  EXPECT_EQ(Difference("executable", "temporarily_disabled"),
            "is temporarily_disabled by GitLab after failed deliveries");
  EXPECT_EQ(Difference(R"(verification":true)", R"(verification":false)"),
            "does not verify certificates");
  EXPECT_EQ(Difference(R"(filter":"")", R"(filter":"main")"),
            "sends the pushes of some branches only");
  EXPECT_EQ(Difference(R"("token_present":true)", R"("token_present":false)"),
            "has no secret token");
  EXPECT_EQ(Difference(R"(signing_token_present":false)",
                       R"(signing_token_present":true)"),
            "has a signing token in place of a secret token");
  wanted_.secret = "whsec_xyz";
  EXPECT_EQ(Difference(R"("id":3)", R"("id":4)"), "has no signing token");
}

TEST_F(GitLabWebhooksTest, WhatAnOldServerDoesNotTellIsNoDifference) {
  EXPECT_EQ(
      Difference(R"(,"token_present":true,"signing_token_present":false)", ""),
      "");
  EXPECT_EQ(Difference(R"("alert_status":"executable",)", ""), "");
  EXPECT_EQ(Difference(R"("push_events_branch_filter":"",)",
                       R"("push_events_branch_filter":null,)"),
            "");
}

TEST_F(GitLabWebhooksTest, CreatesAWebhookThatSendsWhatIsNeeded) {
  http_.When("POST", kHooks).Return(Reply(201, kHook));
  EXPECT_EQ(WriteWebhook().value(), "3");
  EXPECT_EQ(http_.calls()[0].body,
            R"({"url":"https://hooks.example.com/x","push_events":true,)"
            R"("tag_push_events":true,"merge_requests_events":true,)"
            R"("push_events_branch_filter":"",)"
            R"("branch_filter_strategy":"all_branches",)"
            R"("enable_ssl_verification":true,"token":"the-webhook-secret"})");
}

TEST_F(GitLabWebhooksTest, ASecretThatLooksLikeASigningTokenIsOne) {
  wanted_.secret = "whsec_abc";
  http_.When("POST", kHooks)
      .Return(Reply(201, absl::StrReplaceAll(
                             kHook, {{R"(signing_token_present":false)",
                                      R"(signing_token_present":true)"}})));
  EXPECT_EQ(WriteWebhook().value(), "3");
  EXPECT_THAT(http_.calls()[0].body,
              AllOf(HasSubstr(R"("signing_token":"whsec_abc")"),
                    Not(HasSubstr(R"("token")"))));
}

TEST_F(GitLabWebhooksTest, LeavesNoWebhookThatDoesNotSign) {
  wanted_.secret = "whsec_abc";
  http_.When("POST", kHooks)
      .Return(
          Reply(201, absl::StrReplaceAll(
                         kHook, {{R"(,"signing_token_present":false)", ""}})));
  http_.When("DELETE", absl::StrCat(kHooks, "/3")).Return(204);
  EXPECT_THAT(WriteWebhook(), StatusIs(StatusCode::kFailedPrecondition,
                                       AllOf(HasSubstr("has no signing token"),
                                             HasSubstr("need GitLab 19.0"))));
  EXPECT_EQ(http_.calls().back().method, "DELETE");
}

TEST_F(GitLabWebhooksTest, UpdatesAWebhookWithTheSecret) {
  http_.When("PUT", absl::StrCat(kHooks, "/3")).Return(Reply(200, kHook));
  EXPECT_EQ(WriteWebhook("3").value(), "3");
  EXPECT_THAT(http_.calls()[0].body,
              HasSubstr(R"("token":"the-webhook-secret")"));
}

TEST_F(GitLabWebhooksTest, ReplacesAWebhookThatStaysDisabled) {
  http_.When("PUT", absl::StrCat(kHooks, "/3"))
      .Return(
          Reply(200, absl::StrReplaceAll(kHook, {{"executable", "disabled"}})));
  http_.When("POST", kHooks)
      .Return(
          Reply(201, absl::StrReplaceAll(kHook, {{R"("id":3)", R"("id":4)"}})));
  http_.When("DELETE", absl::StrCat(kHooks, "/3")).Return(204);
  EXPECT_EQ(WriteWebhook("3").value(), "4");
  EXPECT_EQ(http_.calls().back().method, "DELETE");
}

TEST_F(GitLabWebhooksTest, CreatesAWebhookThatIsGoneMeanwhile) {
  http_.When("PUT", _).Return(404);
  http_.When("POST", kHooks).Return(Reply(201, kHook));
  EXPECT_EQ(WriteWebhook("9").value(), "3");
}

TEST_F(GitLabWebhooksTest, SaysWhyThereCanBeNoWebhook) {
  http_.When("POST", kHooks)
      .Return(Reply(422, R"({"message":{"base":["Maximum number of project )"
                         R"(hooks (100) exceeded"]}})"));
  EXPECT_THAT(WriteWebhook(),
              StatusIs(StatusCode::kFailedPrecondition,
                       "Maximum number of project hooks (100) exceeded"));
  http_.When("POST", kHooks)
      .Return(Reply(422, R"({"error":"Invalid url given"})"));
  EXPECT_THAT(WriteWebhook(),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("Invalid url given"),
                             HasSubstr("administrator allows"))));
  http_.When("POST", kHooks)
      .Return(Reply(403, R"({"message":"403 Forbidden"})"));
  EXPECT_THAT(WriteWebhook(), StatusIs(StatusCode::kPermissionDenied));
  http_.When("POST", kHooks).Return(Reply(201, "<html>"));
  EXPECT_THAT(WriteWebhook(), StatusIs(StatusCode::kUnavailable));
}

TEST_F(GitLabWebhooksTest, NeverQuotesTheWebhooksSecret) {
  http_.When("POST", kHooks)
      .Return(Reply(400, R"({"message":"bad token the-webhook-secret"})"));
  EXPECT_THAT(WriteWebhook(), StatusIs(StatusCode::kInvalidArgument,
                                       HasSubstr("bad token ***")));
}

TEST_F(GitLabWebhooksTest, AWebhookThatIsNotThereIsDeleted) {
  ForgeCall call = MakeCall(kAddress);
  http_.When("DELETE", absl::StrCat(kHooks, "/3")).Return(404).Then(403);
  EXPECT_THAT(RunSync(gitlab_->DeleteWebhook(call, "3")), IsOk());
  EXPECT_THAT(RunSync(gitlab_->DeleteWebhook(call, "3")),
              StatusIs(StatusCode::kPermissionDenied));
}

}  // namespace
}  // namespace lamplighter::provider
