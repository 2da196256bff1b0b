#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/v1/events.pb.h"
#include "services/ingest/forges/testing/normalize.h"
#include "services/ingest/sources.h"

namespace lamplighter::ingest {
namespace {

constexpr char kRepository[] = R"("repository": {
  "id": 7, "full_name": "lamp/lighter", "private": false,
  "html_url": "https://example.com/git/lamp/lighter"})";

v1::GitEvent Normalize(const std::string& name, const std::string& fields) {
  return Normalize(SourceType::kGitea, name,
                   absl::StrCat("{", fields, ", ", kRepository, "}"));
}

TEST(GiteaNormalizer, ReadsAPushToAForgeUnderAPath) {
  const v1::GitEvent event = Normalize(
      "push", R"("ref": "refs/heads/main", "before": "1", "after": "2")");
  EXPECT_EQ(event.type(), v1::GitEvent::PUSH);
  EXPECT_EQ(event.push().refs(0).action(), v1::RefUpdate::UPDATED);
  EXPECT_EQ(event.instance(), "example.com/git");
  EXPECT_EQ(event.repository().id(), "example.com/git/lamp/lighter");
}

TEST(GiteaNormalizer, TakesTheDeletionOfABranchForAPush) {
  const v1::GitEvent event =
      Normalize("delete", R"("ref": "a/b", "ref_type": "branch")");
  ASSERT_EQ(event.type(), v1::GitEvent::PUSH);
  EXPECT_EQ(event.push().refs(0).ref(), "refs/heads/a/b");
  EXPECT_EQ(event.push().refs(0).action(), v1::RefUpdate::DELETED);
}

TEST(GiteaNormalizer, LeavesToThePushWhatItSaysAsWell) {
  EXPECT_EQ(Normalize("delete", R"("ref": "v1", "ref_type": "tag")").type(),
            v1::GitEvent::OTHER);
  EXPECT_EQ(Normalize("create", R"("ref": "a", "ref_type": "branch")").type(),
            v1::GitEvent::OTHER);
}

TEST(GiteaNormalizer, KnowsItsOwnWordForNewCommits) {
  const v1::GitEvent event =
      Normalize("pull_request", R"("action": "synchronized",
        "pull_request": {"number": 3, "merged": false,
        "head": {"sha": "abc", "ref": "topic"}})");
  EXPECT_EQ(event.type(), v1::GitEvent::PULL_REQUEST);
  EXPECT_EQ(event.pull_request().action(), v1::PullRequest::SYNCHRONIZED);
  EXPECT_EQ(event.pull_request().head_sha(), "abc");
}

TEST(GiteaNormalizer, KnowsWhatBecomesOfRepositories) {
  EXPECT_EQ(Normalize("repository", R"("action": "created")").type(),
            v1::GitEvent::REPOSITORY_CREATED);
  EXPECT_EQ(Normalize("repository", R"("action": "deleted")").type(),
            v1::GitEvent::REPOSITORY_DELETED);
}

TEST(ForgejoNormalizer, ReadsWhatGiteaWouldSend) {
  const v1::GitEvent event = Normalize(
      SourceType::kForgejo, "push",
      absl::StrCat(R"({"ref": "refs/heads/x", "before": "00", "after": "2", )",
                   kRepository, "}"));
  EXPECT_EQ(event.type(), v1::GitEvent::PUSH);
  EXPECT_EQ(event.provider_type(), "gitea");
  EXPECT_EQ(event.push().refs(0).action(), v1::RefUpdate::CREATED);
}

TEST(GiteaNormalizer, TakesEverythingElseForOther) {
  EXPECT_EQ(
      Normalize("pull_request_approved", R"("action": "reviewed")").type(),
      v1::GitEvent::OTHER);
  EXPECT_EQ(Normalize("", R"("a": 1)").type(), v1::GitEvent::OTHER);
}

}  // namespace
}  // namespace lamplighter::ingest
