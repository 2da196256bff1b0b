#include "services/provider/forges/gitlab/gitlab.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
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
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kAddress[] = "https://gitlab.example.com/group/sub/proj";
constexpr char kProject[] =
    "https://gitlab.example.com/api/v4/projects/group%2Fsub%2Fproj";

std::string Entry(int id, const std::string& state,
                  const std::string& name = "kustomization/app/0c9c2e41") {
  return absl::StrCat(R"({"id":)", id, R"(,"status":")", state, R"(","name":")",
                      name, R"(","description":"reconciliation succeeded",)",
                      R"("target_url":"https://example.com/app"})");
}

std::string CannotTransition(const std::string& event,
                             const std::string& from) {
  return absl::StrCat(R"({"message":"Cannot transition status via :)", event,
                      " from :", from,
                      R"( (Reason(s): Status cannot transition via \")", event,
                      R"(\"))", R"("})");
}

class GitLabTest : public ForgeFixture {
 protected:
  GitLabTest() : ForgeFixture("gitlab") {
    http_.When("GET", _).Return(Reply(200, "[]"));
    http_.When("POST", _).Return(Reply(201, R"({"id":5})"));
  }

  absl::StatusOr<SetStatusResult> Set(
      const v1::StatusIntent& intent = SomeIntent(),
      const std::string& address = kAddress) {
    return ForgeFixture::Set(*gitlab_, address, intent);
  }

  absl::StatusOr<SetStatusResult> Set(v1::CommitState state) {
    v1::StatusIntent intent = SomeIntent();
    intent.set_state(state);
    return Set(intent);
  }

  absl::Status WriteAnswered(const HttpResult& answer) {
    http_.When("POST", _).Return(answer);
    return Set().status();
  }

  std::unique_ptr<Forge> gitlab_ = MakeGitLab();
};

TEST_F(GitLabTest, SpeaksItsApi) {
  EXPECT_EQ(Set()->forge_id, "5");
  ASSERT_EQ(http_.calls().size(), 2);
  const HttpCall& read = http_.calls()[0];
  EXPECT_EQ(read.url,
            absl::StrCat(kProject, "/repository/commits/", kSha,
                         "/statuses?all=false&per_page=100&order_by=id&"
                         "sort=desc&name=kustomization%2Fapp%2F0c9c2e41"));
  EXPECT_EQ(read.headers.Find("PRIVATE-TOKEN"), kToken);
  const HttpCall& write = http_.calls()[1];
  EXPECT_EQ(write.url, absl::StrCat(kProject, "/statuses/", kSha));
  EXPECT_EQ(write.headers.Find("Content-Type"), "application/json");
  EXPECT_EQ(write.body,
            R"({"state":"success","name":"kustomization/app/0c9c2e41",)"
            R"("target_url":"https://example.com/app",)"
            R"("description":"reconciliation succeeded"})");
}

TEST_F(GitLabTest, WithoutATargetUrlSaysWhatFluxSays) {
  v1::StatusIntent intent = SomeIntent();
  intent.set_state(v1::FAILURE);
  intent.set_description("health check failed");
  intent.clear_target_url();
  EXPECT_THAT(Set(intent), IsOk());
  EXPECT_EQ(http_.calls().back().body,
            R"({"state":"failed","name":"kustomization/app/0c9c2e41",)"
            R"("description":"health check failed"})");
}

TEST_F(GitLabTest, KeepsTheSchemeAndThePort) {
  EXPECT_THAT(Set(SomeIntent(), "http://127.0.0.1:3000/group/proj"), IsOk());
  EXPECT_THAT(
      http_.calls().back().url,
      StartsWith("http://127.0.0.1:3000/api/v4/projects/group%2Fproj/"));
}

TEST_F(GitLabTest, TheGreatestIdIsTheNewest) {
  http_.When("GET", _).Return(Reply(
      200, absl::StrCat("[", Entry(9, "failed"), ",", Entry(10, "success"), ",",
                        Entry(8, "canceled"), "]")));
  const auto result = Set();
  EXPECT_FALSE(result->written);
  EXPECT_EQ(result->forge_id, "10");
}

TEST_F(GitLabTest, NamesDoNotIgnoreCase) {
  http_.When("GET", _).Return(Reply(
      200, absl::StrCat("[", Entry(1, "success", "Kustomization/App/0c9c2e41"),
                        "]")));
  EXPECT_TRUE(Set()->written);
}

TEST_F(GitLabTest, FollowsThePagesThatLinkNames) {
  const std::string next = R"(<https://x/y?page=2>; rel="next")";
  http_.When("GET", _).Return(Reply(
      200, absl::StrCat("[", Entry(1, "success", "a"), "]"), {{"Link", next}}));
  http_.When("GET", HasSubstr("&page=2"))
      .Return(Reply(200, absl::StrCat("[", Entry(2, "success", "b"), "]"),
                    {{"Link", R"(<https://x/y?page=1>; rel="first")"}}));
  EXPECT_EQ(List(*gitlab_, kAddress)->size(), 2);
  EXPECT_EQ(http_.calls().size(), 2);
}

TEST_F(GitLabTest, ListsANameOfSeveralPipelinesOnce) {
  http_.When("GET", _).Return(Reply(
      200,
      absl::StrCat("[", Entry(1, "failed"), ",", Entry(2, "success"), "]")));
  const auto listed = List(*gitlab_, kAddress);
  ASSERT_EQ(listed->size(), 1);
  EXPECT_EQ((*listed)[0].id, "2");
}

TEST_F(GitLabTest, ReadsAJobThatHasNeitherTextNorLink) {
  http_.When("GET", _).Return(Reply(
      200, R"([{"id":3,"status":"running","name":"build","description":null,)"
           R"("target_url":null,"created_at":"2026-11-21T08:00:00.000Z",)"
           R"("started_at":"2026-11-21T09:00:00.000+01:00",)"
           R"("finished_at":null}])"));
  const auto listed = List(*gitlab_, kAddress);
  ASSERT_EQ(listed->size(), 1);
  EXPECT_EQ((*listed)[0].description, "");
  EXPECT_EQ((*listed)[0].target_url, "");
  EXPECT_EQ((*listed)[0].updated_at, absl::FromUnixSeconds(1795248000));
}

TEST_F(GitLabTest, WhatIsAlreadyUnderWayIsNotWrittenAndNoError) {
  http_.When("POST", _).Return(
      Reply(400, CannotTransition("enqueue", "pending")));
  EXPECT_FALSE(Set(v1::PENDING)->written);
  http_.When("POST", _).Return(
      Reply(400, CannotTransition("enqueue", "running")));
  EXPECT_FALSE(Set(v1::PENDING)->written);
  http_.When("POST", _).Return(Reply(400, CannotTransition("run", "running")));
  EXPECT_FALSE(Set(v1::RUNNING)->written);
}

TEST_F(GitLabTest, ANameThatAJobOfThePipelineHasIsRefused) {
  EXPECT_THAT(WriteAnswered(Reply(
                  400, R"({"message":{"name":["has already been taken"]}})")),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("name has already been taken")));
}

TEST_F(GitLabTest, AProtectedBranchIsAMatterOfRights) {
  EXPECT_THAT(WriteAnswered(Reply(403, R"({"message":"403 Forbidden"})")),
              StatusIs(StatusCode::kPermissionDenied));
}

TEST_F(GitLabTest, AnyOtherTransitionThatIsRefusedIsAnError) {
  http_.When("POST", _).Return(Reply(400, CannotTransition("run", "pending")));
  EXPECT_THAT(Set(v1::RUNNING), StatusIs(StatusCode::kInvalidArgument,
                                         HasSubstr("via :run from :pending")));
  http_.When("POST", _).Return(
      Reply(400, CannotTransition("succeed", "running")));
  EXPECT_THAT(Set(v1::SUCCESS), StatusIs(StatusCode::kInvalidArgument));
}

TEST_F(GitLabTest, QuotesEachFormOfErrors) {
  EXPECT_THAT(
      WriteAnswered(Reply(400,
                          R"({"message":{"name":["has already been taken"],)"
                          R"("target_url":["is too long","is blocked"]}})")),
      StatusIs(StatusCode::kInvalidArgument,
               HasSubstr("name has already been taken; target_url is too "
                         "long; target_url is blocked")));
  EXPECT_THAT(WriteAnswered(Reply(
                  400, R"({"error":"state does not have a valid value"})")),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("state does not have a valid value")));
  EXPECT_THAT(
      WriteAnswered(
          Reply(403, R"({"error":"insufficient_scope","error_description":)"
                     R"("needs higher privileges","scope":"api"})")),
      StatusIs(StatusCode::kPermissionDenied,
               HasSubstr("insufficient_scope; needs higher privileges")));
  EXPECT_THAT(WriteAnswered(Reply(400, R"({"message":[1,{"a":2}]})")),
              StatusIs(StatusCode::kInvalidArgument, "HTTP 400"));
}

TEST_F(GitLabTest, ACommitOnNoBranchIsNotFound) {
  EXPECT_THAT(
      WriteAnswered(
          Reply(404, R"({"message":"404 References for commit Not Found"})")),
      StatusIs(StatusCode::kNotFound, HasSubstr("References for commit")));
}

TEST_F(GitLabTest, AnotherUpdateUnderWayPasses) {
  EXPECT_THAT(
      WriteAnswered(Reply(409, R"({"message":"Another update to this commit )"
                               R"(status is in progress"})")),
      StatusIs(StatusCode::kUnavailable, HasSubstr("Another update")));
}

TEST_F(GitLabTest, WaitsUntilTheResetWhereNoWaitIsNamed) {
  const std::string reset =
      absl::StrCat(absl::ToUnixSeconds(clock_.Now() + absl::Seconds(90)));
  const absl::Duration wait =
      RetryAfter(WriteAnswered(
                     Reply(429, "Retry later\n", {{"RateLimit-Reset", reset}})))
          .value_or(absl::ZeroDuration());
  EXPECT_GT(wait, absl::Seconds(88));  // the reset is in whole seconds
  EXPECT_LE(wait, absl::Seconds(90));
  EXPECT_EQ(RetryAfter(WriteAnswered(Reply(
                429, "", {{"RateLimit-Reset", reset}, {"Retry-After", "7"}}))),
            absl::Seconds(7));
}

TEST_F(GitLabTest, TellsWhatIsLeftOfTheQuota) {
  http_.When("POST", _).Return(Reply(201, R"({"id":5})",
                                     {{"RateLimit-Limit", "2000"},
                                      {"RateLimit-Remaining", "1999"},
                                      {"RateLimit-Reset", "1795251600"}}));
  EXPECT_THAT(Set(), IsOk());
  ASSERT_TRUE(rate_limit_);
  EXPECT_EQ(rate_limit_->limit, 2000);
  EXPECT_EQ(rate_limit_->remaining, 1999);
  EXPECT_EQ(rate_limit_->resets_at, absl::FromUnixSeconds(1795251600));
}

TEST_F(GitLabTest, KeepsToItsLimits) {
  v1::StatusIntent intent = SomeIntent();
  intent.set_description(absl::StrCat(std::string(253, 'x'), "äöü"));
  intent.set_target_url("https://" + std::string(248, 'x'));
  const auto status = gitlab_->Render(intent);
  ASSERT_THAT(status, IsOk());
  EXPECT_EQ(status->description, std::string(253, 'x') + "ä…");
  EXPECT_EQ(status->target_url, "");
  intent.set_target_url("https://" + std::string(247, 'x'));
  EXPECT_EQ(gitlab_->Render(intent)->target_url, intent.target_url());
  intent.set_context(std::string(256, 'x'));
  EXPECT_THAT(gitlab_->Render(intent),
              StatusIs(StatusCode::kInvalidArgument, StartsWith("intent.")));
}

TEST_F(GitLabTest, KnowsTheStatesOfJobsToo) {
  EXPECT_EQ(gitlab_->StateOf("created"), v1::PENDING);
  EXPECT_EQ(gitlab_->StateOf("waiting_for_resource"), v1::PENDING);
  EXPECT_EQ(gitlab_->StateOf("preparing"), v1::PENDING);
  EXPECT_EQ(gitlab_->StateOf("scheduled"), v1::PENDING);
  EXPECT_EQ(gitlab_->StateOf("manual"), v1::PENDING);
  EXPECT_EQ(gitlab_->StateOf("canceling"), v1::RUNNING);
  EXPECT_EQ(gitlab_->StateOf("running"), v1::RUNNING);
  EXPECT_EQ(gitlab_->StateOf("skipped"), v1::SUCCESS);
  EXPECT_EQ(gitlab_->StateOf("failed"), v1::FAILURE);
  EXPECT_EQ(gitlab_->StateOf("canceled"), v1::ERROR);
}

}  // namespace
}  // namespace lamplighter::provider
