#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/v1/events.pb.h"
#include "services/ingest/forges/testing/normalize.h"
#include "services/ingest/sources.h"

namespace lamplighter::ingest {
namespace {

constexpr char kProject[] = R"("project": {
  "id": 71, "name": "Lighter", "path_with_namespace": "Lamp/Sub/Lighter",
  "web_url": "https://gitlab.example.com/Lamp/Sub/Lighter",
  "git_http_url": "https://gitlab.example.com/Lamp/Sub/Lighter.git",
  "default_branch": "main", "visibility_level": 0})";

v1::GitEvent Hook(const std::string& name, const std::string& fields) {
  return Normalize(SourceType::kGitLab, name,
                   absl::StrCat("{", fields, ", ", kProject, "}"));
}

v1::GitEvent MergeRequest(const std::string& attributes) {
  return Hook("Merge Request Hook",
              absl::StrCat(R"("object_kind": "merge_request",
                              "object_attributes": {)",
                           attributes, "}"));
}

v1::GitEvent SystemHook(const std::string& fields,
                        const std::string& instance = "") {
  return Normalize(SourceType::kGitLab, "System Hook",
                   absl::StrCat("{", fields, "}"), instance);
}

TEST(GitLabNormalizer, ReadsAPush) {
  ExpectEvent(
      Hook("Push Hook", R"("object_kind": "push", "event_name": "push",
             "ref": "refs/heads/main", "before": "1a", "after": "2b",
             "user_id": 4, "user_name": "Ada L", "user_username": "ada",
             "checkout_sha": "2b", "total_commits_count": 1)"),
      R"pb(provider_type: "gitlab"
           instance: "gitlab.example.com"
           type: PUSH
           event: "Push Hook"
           repository {
             id: "gitlab.example.com/lamp/sub/lighter"
             forge_id: "71"
             full_name: "Lamp/Sub/Lighter"
             web_url: "https://gitlab.example.com/Lamp/Sub/Lighter"
             clone_url: "https://gitlab.example.com/Lamp/Sub/Lighter.git"
             default_branch: "main"
             private: true
           }
           sender { name: "ada" forge_id: "4" }
           push {
             refs {
               ref: "refs/heads/main"
               action: UPDATED
               before: "1a"
               after: "2b"
             }
           })pb");
}

TEST(GitLabNormalizer, SeesThatABranchOrTagIsNewOrGone) {
  const v1::GitEvent made = Hook("Tag Push Hook", R"("object_kind": "tag_push",
             "ref": "refs/tags/v1", "before": "0000", "after": "2b")");
  EXPECT_EQ(made.push().refs(0).ref(), "refs/tags/v1");
  EXPECT_EQ(made.push().refs(0).action(), v1::RefUpdate::CREATED);
  const v1::GitEvent gone =
      Hook("Push Hook", R"("object_kind": "push", "ref": "refs/heads/x",
             "before": "1a", "after": "0000", "checkout_sha": null)");
  EXPECT_EQ(gone.push().refs(0).action(), v1::RefUpdate::DELETED);
}

TEST(GitLabNormalizer, ReadsAMergeRequestFromAFork) {
  const v1::GitEvent event = MergeRequest(R"(
    "action": "open", "iid": 12, "title": "Brighter",
    "url": "https://gitlab.example.com/Lamp/Sub/Lighter/-/merge_requests/12",
    "source_branch": "bright", "target_branch": "main",
    "updated_at": "2026-03-04 05:06:07 UTC",
    "source": {"web_url": "https://gitlab.example.com/Ada/Lighter"},
    "last_commit": {"id": "abc"})");
  ASSERT_EQ(event.type(), v1::GitEvent::PULL_REQUEST);
  EXPECT_EQ(event.action(), "open");
  EXPECT_EQ(event.occurred_at().seconds(), 1772600767);
  const v1::PullRequest& request = event.pull_request();
  EXPECT_EQ(request.action(), v1::PullRequest::OPENED);
  EXPECT_EQ(request.number(), 12);
  EXPECT_EQ(request.title(), "Brighter");
  EXPECT_EQ(request.head_sha(), "abc");
  EXPECT_FALSE(request.head_sha_abbreviated());
  EXPECT_EQ(request.head_ref(), "bright");
  EXPECT_EQ(request.base_ref(), "main");
  EXPECT_EQ(request.head_repository_id(), "gitlab.example.com/ada/lighter");
}

TEST(GitLabNormalizer, KnowsTheActionsOfMergeRequests) {
  const auto action = [](const std::string& name, const char* more = "") {
    return MergeRequest(absl::StrCat(R"("action": ")", name, "\"", more))
        .pull_request()
        .action();
  };
  EXPECT_EQ(action("open"), v1::PullRequest::OPENED);
  EXPECT_EQ(action("reopen"), v1::PullRequest::REOPENED);
  EXPECT_EQ(action("close"), v1::PullRequest::CLOSED);
  EXPECT_EQ(action("merge"), v1::PullRequest::MERGED);
  EXPECT_EQ(action("update", R"(, "oldrev": "1a")"),
            v1::PullRequest::SYNCHRONIZED);
  EXPECT_EQ(action("update"), v1::PullRequest::EDITED);
  EXPECT_EQ(action("approved"), v1::PullRequest::EDITED);
}

TEST(GitLabNormalizer, ReadsPushesOfSystemHooksByTheBody) {
  const v1::GitEvent event = SystemHook(absl::StrCat(
      R"("event_name": "push", "ref": "refs/heads/a", "before": "1",
         "after": "2", "project_id": 71, )",
      kProject));
  EXPECT_EQ(event.type(), v1::GitEvent::PUSH);
  EXPECT_EQ(event.event(), "System Hook");
}

TEST(GitLabNormalizer, FindsTheProjectsIdWhereSystemHooksHaveIt) {
  constexpr char kPlace[] = R"("project": {"web_url": "https://l/a/b",
                                           "path_with_namespace": "a/b"})";
  EXPECT_EQ(
      SystemHook(
          absl::StrCat(R"("event_name": "push", "project_id": 7, )", kPlace))
          .repository()
          .forge_id(),
      "7");
  EXPECT_EQ(SystemHook(absl::StrCat(R"("object_kind": "merge_request",
                           "object_attributes": {"target_project_id": 8}, )",
                                    kPlace))
                .repository()
                .forge_id(),
            "8");
}

TEST(GitLabNormalizer, ReadsAllRefsOfOnePush) {
  const v1::GitEvent event = SystemHook(absl::StrCat(
      R"("event_name": "repository_update", "changes": [
           {"ref": "refs/heads/a", "before": "1", "after": "2"},
           {"ref": "refs/tags/t", "before": "00", "after": "3"}, null], )",
      kProject));
  EXPECT_EQ(event.type(), v1::GitEvent::PUSH);
  ASSERT_EQ(event.push().refs_size(), 2);
  EXPECT_EQ(event.push().refs(1).ref(), "refs/tags/t");
}

TEST(GitLabNormalizer, KnowsWhatBecomesOfProjects) {
  const auto type = [](const std::string& name) {
    return SystemHook(absl::StrCat(R"("event_name": ")", name, "\"")).type();
  };
  EXPECT_EQ(type("project_create"), v1::GitEvent::REPOSITORY_CREATED);
  EXPECT_EQ(type("project_destroy"), v1::GitEvent::REPOSITORY_DELETED);
  EXPECT_EQ(type("project_update"), v1::GitEvent::REPOSITORY_UPDATED);
  EXPECT_EQ(type("project_rename"), v1::GitEvent::REPOSITORY_RENAMED);
  EXPECT_EQ(type("project_transfer"), v1::GitEvent::REPOSITORY_TRANSFERRED);
  EXPECT_EQ(type("user_create"), v1::GitEvent::OTHER);
}

TEST(GitLabNormalizer, NamesProjectsOfSystemHooksByTheConfiguredInstance) {
  const std::string fields = R"("event_name": "project_rename",
    "updated_at": "2026-03-04T05:06:07Z", "project_id": 71,
    "project_visibility": "private", "path_with_namespace": "Lamp/Lighter",
    "old_path_with_namespace": "Lamp/Candle")";
  ExpectEvent(SystemHook(fields, "example.com/gitlab"),
              R"pb(provider_type: "gitlab"
                   instance: "example.com/gitlab"
                   type: REPOSITORY_RENAMED
                   event: "System Hook"
                   repository {
                     id: "example.com/gitlab/lamp/lighter"
                     forge_id: "71"
                     full_name: "Lamp/Lighter"
                     private: true
                   }
                   occurred_at { seconds: 1772600767 }
                   previous_repository_id: "example.com/gitlab/lamp/candle"
              )pb");
  const v1::GitEvent unplaced = SystemHook(fields);
  EXPECT_EQ(unplaced.repository().id(), "");
  EXPECT_EQ(unplaced.repository().forge_id(), "71");
}

TEST(GitLabNormalizer, TakesEverythingElseForOther) {
  EXPECT_EQ(Hook("Note Hook", R"("object_kind": "note")").type(),
            v1::GitEvent::OTHER);
  EXPECT_EQ(Hook("Push Hook", R"("object_kind": "push")").type(),
            v1::GitEvent::OTHER);
  EXPECT_EQ(
      Hook("", R"("object_kind": 1, "user": [], "project_id": {})").type(),
      v1::GitEvent::OTHER);
  EXPECT_EQ(
      Hook("Merge Request Hook", R"("object_kind": "merge_request")").type(),
      v1::GitEvent::OTHER);
}

}  // namespace
}  // namespace lamplighter::ingest
