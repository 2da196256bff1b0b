#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/v1/events.pb.h"
#include "services/ingest/forges/testing/normalize.h"
#include "services/ingest/sources.h"

namespace lamplighter::ingest {
namespace {

constexpr char kRepository[] = R"("repository": {
  "id": "5e000000-0000-4000-8000-000000000005", "name": "lighter",
  "defaultBranch": "refs/heads/main", "project": {
    "id": "be000000-0000-4000-8000-00000000000b", "name": "Street Lamps",
    "visibility": "private"},
  "remoteUrl": "https://lamp@dev.azure.com/lamp/Street%20Lamps/_git/lighter"})";

v1::GitEvent Hook(const std::string& name, const std::string& resource,
                  const std::string& more = "") {
  return Normalize(
      SourceType::kAzureDevOps, "",
      absl::StrCat(R"({"subscriptionId": "s-1", "notificationId": 3,
                      "id": "e-1", "publisherId": "tfs", "message": null,
                      "createdDate": "2026-03-04T05:06:07.1234567Z",
                      "eventType": ")",
                   name, R"(", "resource": {)", resource, "}", more, "}"));
}

v1::GitEvent PullRequest(const std::string& name, const std::string& fields) {
  return Hook(name, absl::StrCat(fields, ", ", kRepository));
}

TEST(AzureDevOpsNormalizer, ReadsAPushOfManyRefs) {
  ExpectEvent(
      Hook("git.push", absl::StrCat(R"("refUpdates": [
             {"name": "refs/heads/main", "oldObjectId": "1a",
              "newObjectId": "2b"},
             {"name": "refs/tags/v1", "oldObjectId": "00",
              "newObjectId": "3c"},
             {"name": "refs/heads/x", "oldObjectId": "4d",
              "newObjectId": "00"}, 1],
             "pushedBy": {"id": "a-1", "uniqueName": "ada@lamp.example"},
             "pushId": 42, "date": "2026-03-04T05:06:07Z", )",
                                    kRepository)),
      R"pb(provider_type: "azuredevops"
           instance: "dev.azure.com/lamp"
           type: PUSH
           event: "git.push"
           delivery_id: "e-1/s-1"
           repository {
             id: "dev.azure.com/lamp/street lamps/lighter"
             forge_id: "5e000000-0000-4000-8000-000000000005"
             full_name: "Street Lamps/lighter"
             web_url: "https://dev.azure.com/lamp/Street%20Lamps/_git/lighter"
             clone_url: "https://dev.azure.com/lamp/Street%20Lamps/_git/lighter"
             default_branch: "main"
             private: true
           }
           sender { name: "ada@lamp.example" forge_id: "a-1" }
           push {
             refs {
               ref: "refs/heads/main"
               action: UPDATED
               before: "1a"
               after: "2b"
             }
             refs { ref: "refs/tags/v1" action: CREATED after: "3c" }
             refs { ref: "refs/heads/x" action: DELETED before: "4d" }
           }
           occurred_at { seconds: 1772600767 })pb");
}

TEST(AzureDevOpsNormalizer, ReadsRepositoriesOfAServer) {
  const v1::GitEvent event = Hook("git.push", R"("repository": {
    "name": "r", "project": {"name": "p"},
    "remoteUrl": "https://ado.example/tfs/Coll/p/_git/r"})");
  EXPECT_EQ(event.instance(), "ado.example/tfs/coll");
  EXPECT_EQ(event.repository().id(), "ado.example/tfs/coll/p/r");
}

TEST(AzureDevOpsNormalizer, FindsARepositoryWithoutItsAddress) {
  const v1::GitEvent event =
      Hook("git.push", R"("repository": {"name": "lighter",
                     "project": {"name": "Street Lamps"}})",
           R"(, "resourceContainers": {"collection": {
             "baseUrl": "https://dev.azure.com/lamp/"}})");
  EXPECT_EQ(event.repository().id(), "dev.azure.com/lamp/street lamps/lighter");
}

TEST(AzureDevOpsNormalizer, HasTheEventsIdAloneWhereThereIsNoSubscription) {
  EXPECT_EQ(
      Normalize(SourceType::kAzureDevOps, "", R"({"id": "e-1"})").delivery_id(),
      "e-1");
}

TEST(AzureDevOpsNormalizer, ReadsAPullRequestFromAFork) {
  const v1::GitEvent event = PullRequest("git.pullrequest.created", R"(
    "pullRequestId": 12, "status": "active", "title": "Brighter",
    "createdBy": {"id": "a-1", "uniqueName": "ada@lamp.example"},
    "sourceRefName": "refs/heads/bright", "targetRefName": "refs/heads/main",
    "lastMergeSourceCommit": {"commitId": "abc"},
    "forkSource": {"repository": {"remoteUrl":
      "https://dev.azure.com/lamp/Street%20Lamps/_git/fork"}})");
  ASSERT_EQ(event.type(), v1::GitEvent::PULL_REQUEST);
  EXPECT_EQ(event.sender().name(), "ada@lamp.example");
  const v1::PullRequest& request = event.pull_request();
  EXPECT_EQ(request.action(), v1::PullRequest::OPENED);
  EXPECT_EQ(request.number(), 12);
  EXPECT_EQ(request.title(), "Brighter");
  EXPECT_EQ(request.web_url(),
            "https://dev.azure.com/lamp/Street%20Lamps/_git/lighter/"
            "pullrequest/12");
  EXPECT_EQ(request.head_sha(), "abc");
  EXPECT_EQ(request.head_ref(), "bright");
  EXPECT_EQ(request.base_ref(), "main");
  EXPECT_EQ(request.head_repository_id(),
            "dev.azure.com/lamp/street lamps/fork");
}

TEST(AzureDevOpsNormalizer, KnowsWhatBecomesOfPullRequests) {
  const auto action = [](const std::string& name, const std::string& status) {
    const v1::GitEvent event = PullRequest(
        absl::StrCat("git.pullrequest.", name),
        absl::StrCat(R"("pullRequestId": 1, "status": ")", status, "\""));
    EXPECT_EQ(event.pull_request().head_sha(), "");
    return event.pull_request().action();
  };
  EXPECT_EQ(action("created", "active"), v1::PullRequest::OPENED);
  EXPECT_EQ(action("updated", "active"), v1::PullRequest::SYNCHRONIZED);
  EXPECT_EQ(action("updated", "completed"), v1::PullRequest::MERGED);
  EXPECT_EQ(action("updated", "abandoned"), v1::PullRequest::CLOSED);
  EXPECT_EQ(action("merged", "completed"), v1::PullRequest::MERGED);
  EXPECT_EQ(action("merged", "active"), v1::PullRequest::EDITED);
}

TEST(AzureDevOpsNormalizer, KnowsWhatBecomesOfRepositories) {
  const auto hook = [](const std::string& name, const std::string& more = "") {
    return Hook(name, absl::StrCat(kRepository, more));
  };
  EXPECT_EQ(hook("git.repo.created").type(), v1::GitEvent::REPOSITORY_CREATED);
  const v1::GitEvent renamed =
      hook("git.repo.renamed", R"(, "oldName": "candle")");
  EXPECT_EQ(renamed.type(), v1::GitEvent::REPOSITORY_RENAMED);
  EXPECT_EQ(renamed.previous_repository_id(),
            "dev.azure.com/lamp/street lamps/candle");
  EXPECT_EQ(hook("git.repo.statuschanged", R"(, "disabled": true)").type(),
            v1::GitEvent::REPOSITORY_ARCHIVED);
  EXPECT_EQ(hook("git.repo.statuschanged", R"(, "disabled": false)").type(),
            v1::GitEvent::REPOSITORY_UNARCHIVED);
}

TEST(AzureDevOpsNormalizer, FindsADeletedRepositoryByItsNames) {
  const v1::GitEvent event = Hook(
      "git.repo.deleted", R"("project": {"name": "p"}, "repositoryId": "r-1",
                             "repositoryName": "r")",
      R"(, "resourceContainers": {"collection": {
             "baseUrl": "https://dev.azure.com/lamp/"}})");
  EXPECT_EQ(event.type(), v1::GitEvent::REPOSITORY_DELETED);
  EXPECT_EQ(event.repository().forge_id(), "r-1");
  EXPECT_EQ(event.repository().id(), "dev.azure.com/lamp/p/r");
}

TEST(AzureDevOpsNormalizer, TakesEverythingElseForOther) {
  EXPECT_EQ(Hook("build.complete", R"("id": 2)").type(), v1::GitEvent::OTHER);
  EXPECT_EQ(Hook("", R"("repository": 1)").type(), v1::GitEvent::OTHER);
  EXPECT_EQ(
      Normalize(SourceType::kAzureDevOps, "", R"({"eventType": 1})").type(),
      v1::GitEvent::OTHER);
}

}  // namespace
}  // namespace lamplighter::ingest
