#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/v1/events.pb.h"
#include "services/ingest/forges/testing/normalize.h"
#include "services/ingest/sources.h"

namespace lamplighter::ingest {
namespace {

constexpr char kZeros[] = "0000000000000000000000000000000000000000";
constexpr char kOld[] = "1111111111111111111111111111111111111111";
constexpr char kNew[] = "2222222222222222222222222222222222222222";

constexpr char kRepository[] = R"("repository": {
  "id": 4711, "full_name": "Lamp/Lighter", "private": true, "archived": false,
  "html_url": "https://github.com/Lamp/Lighter", "default_branch": "main",
  "clone_url": "https://github.com/Lamp/Lighter.git"},
  "sender": {"login": "Ada", "id": 99, "html_url": "https://github.com/Ada"})";

v1::GitEvent Normalize(const std::string& name, const std::string& fields) {
  return Normalize(SourceType::kGitHub, name, absl::StrCat("{", fields, "}"));
}

v1::GitEvent Push(const std::string& ref, const std::string& before,
                  const std::string& after) {
  return Normalize("push", R"("ref": ")" + ref + R"(", "before": ")" + before +
                               R"(", "after": ")" + after + R"(", )" +
                               kRepository);
}

v1::PullRequest::Action PullRequestAction(const std::string& action,
                                          const std::string& merged) {
  const v1::GitEvent event = Normalize(
      "pull_request", R"("action": ")" + action +
                          R"(", "pull_request": {"number": 1, "merged": )" +
                          merged + "}");
  EXPECT_EQ(event.type(), v1::GitEvent::PULL_REQUEST);
  return event.pull_request().action();
}

TEST(GitHubNormalizer, ReadsRepositoryAndSender) {
  const v1::GitEvent event = Push("refs/heads/main", kOld, kNew);
  EXPECT_EQ(event.instance(), "github.com");
  EXPECT_EQ(event.repository().id(), "github.com/lamp/lighter");
  EXPECT_EQ(event.repository().forge_id(), "4711");
  EXPECT_EQ(event.repository().full_name(), "Lamp/Lighter");
  EXPECT_EQ(event.repository().default_branch(), "main");
  EXPECT_TRUE(event.repository().private_());
  EXPECT_FALSE(event.repository().archived());
  EXPECT_EQ(event.sender().name(), "Ada");
  EXPECT_EQ(event.sender().forge_id(), "99");
}

TEST(GitHubNormalizer, ReadsAPush) {
  const v1::GitEvent event = Push("refs/heads/main", kOld, kNew);
  ASSERT_EQ(event.type(), v1::GitEvent::PUSH);
  ASSERT_EQ(event.push().refs_size(), 1);
  const v1::RefUpdate& update = event.push().refs(0);
  EXPECT_EQ(update.ref(), "refs/heads/main");
  EXPECT_EQ(update.action(), v1::RefUpdate::UPDATED);
  EXPECT_EQ(update.before(), kOld);
  EXPECT_EQ(update.after(), kNew);
  EXPECT_FALSE(update.forced());
}

TEST(GitHubNormalizer, SeesThatARefIsNewOrGone) {
  const v1::GitEvent made = Push("refs/tags/v1", kZeros, kNew);
  EXPECT_EQ(made.push().refs(0).action(), v1::RefUpdate::CREATED);
  EXPECT_EQ(made.push().refs(0).before(), "");
  const v1::GitEvent gone = Push("refs/heads/x", kOld, kZeros);
  EXPECT_EQ(gone.push().refs(0).action(), v1::RefUpdate::DELETED);
  EXPECT_EQ(gone.push().refs(0).before(), kOld);
  EXPECT_EQ(gone.push().refs(0).after(), "");
}

TEST(GitHubNormalizer, SeesThatHistoryWasRewritten) {
  const v1::GitEvent event =
      Normalize("push", R"("ref": "refs/heads/a", "before": "1", "after": "2",
                 "forced": true)");
  EXPECT_TRUE(event.push().refs(0).forced());
}

TEST(GitHubNormalizer, ReadsAPullRequestFromAFork) {
  const v1::GitEvent event = Normalize(
      "pull_request",
      std::string(R"("action": "opened", "number": 12, "pull_request": {
        "number": 12, "title": "Brighter", "merged": false,
        "html_url": "https://github.com/Lamp/Lighter/pull/12",
        "head": {"ref": "bright", "sha": "abc", "repo": {
          "full_name": "Ada/Lighter",
          "html_url": "https://github.com/Ada/Lighter"}},
        "base": {"ref": "main", "sha": "def"}}, )") +
          kRepository);
  ASSERT_EQ(event.type(), v1::GitEvent::PULL_REQUEST);
  EXPECT_EQ(event.action(), "opened");
  const v1::PullRequest& request = event.pull_request();
  EXPECT_EQ(request.action(), v1::PullRequest::OPENED);
  EXPECT_EQ(request.number(), 12);
  EXPECT_EQ(request.title(), "Brighter");
  EXPECT_EQ(request.web_url(), "https://github.com/Lamp/Lighter/pull/12");
  EXPECT_EQ(request.head_sha(), "abc");
  EXPECT_EQ(request.head_ref(), "bright");
  EXPECT_EQ(request.base_ref(), "main");
  EXPECT_EQ(request.head_repository_id(), "github.com/ada/lighter");
}

TEST(GitHubNormalizer, NamesNoHeadRepositoryWhereItIsTheSameOrGone) {
  const std::string same = R"({"full_name": "Lamp/Lighter",
                               "html_url": "https://github.com/Lamp/Lighter"})";
  for (const std::string& repo : {same, std::string("null")}) {
    const v1::GitEvent event =
        Normalize("pull_request", R"("pull_request": {"head": {"repo": )" +
                                      repo + "}}, " + kRepository);
    EXPECT_EQ(event.pull_request().head_repository_id(), "");
  }
}

TEST(GitHubNormalizer, KnowsTheActionsOfPullRequests) {
  EXPECT_EQ(PullRequestAction("opened", "false"), v1::PullRequest::OPENED);
  EXPECT_EQ(PullRequestAction("reopened", "false"), v1::PullRequest::REOPENED);
  EXPECT_EQ(PullRequestAction("synchronize", "false"),
            v1::PullRequest::SYNCHRONIZED);
  EXPECT_EQ(PullRequestAction("closed", "true"), v1::PullRequest::MERGED);
  EXPECT_EQ(PullRequestAction("closed", "false"), v1::PullRequest::CLOSED);
  EXPECT_EQ(PullRequestAction("closed", "null"), v1::PullRequest::CLOSED);
  EXPECT_EQ(PullRequestAction("labeled", "false"), v1::PullRequest::EDITED);
}

TEST(GitHubNormalizer, KnowsWhatBecomesOfRepositories) {
  const auto type = [](const std::string& action) {
    return Normalize("repository", R"("action": ")" + action + "\"").type();
  };
  EXPECT_EQ(type("created"), v1::GitEvent::REPOSITORY_CREATED);
  EXPECT_EQ(type("renamed"), v1::GitEvent::REPOSITORY_RENAMED);
  EXPECT_EQ(type("transferred"), v1::GitEvent::REPOSITORY_TRANSFERRED);
  EXPECT_EQ(type("archived"), v1::GitEvent::REPOSITORY_ARCHIVED);
  EXPECT_EQ(type("unarchived"), v1::GitEvent::REPOSITORY_UNARCHIVED);
  EXPECT_EQ(type("privatized"), v1::GitEvent::REPOSITORY_UPDATED);
  EXPECT_EQ(type("edited"), v1::GitEvent::REPOSITORY_UPDATED);
  EXPECT_EQ(type("deleted"), v1::GitEvent::REPOSITORY_DELETED);
  EXPECT_EQ(type("dreamt_of"), v1::GitEvent::OTHER);
  EXPECT_EQ(Normalize("public", kRepository).type(),
            v1::GitEvent::REPOSITORY_UPDATED);
}

TEST(GitHubNormalizer, TellsWhatARepositoryWasCalledBefore) {
  EXPECT_EQ(
      Normalize("repository", absl::StrCat(R"("action": "renamed", "changes": {
                          "repository": {"name": {"from": "Candle"}}}, )",
                                           kRepository))
          .previous_repository_id(),
      "github.com/lamp/candle");
  for (const char* kind : {"user", "organization"}) {
    EXPECT_EQ(Normalize("repository",
                        absl::StrCat(R"("action": "transferred", "changes": {
                      "owner": {"from": {")",
                                     kind, R"(": {"login": "Grace"}}}}, )",
                                     kRepository))
                  .previous_repository_id(),
              "github.com/grace/lighter");
  }
}

TEST(GitHubNormalizer, TellsWhenItHappenedWhereGitHubDoes) {
  const v1::GitEvent push =
      Normalize("push", R"("ref": "refs/heads/a", "before": "1", "after": "2",
                 "repository": {"pushed_at": 1772600767})");
  EXPECT_EQ(push.occurred_at().seconds(), 1772600767);
  const v1::GitEvent request =
      Normalize("pull_request",
                R"("pull_request": {"updated_at": "2026-03-04T05:06:07Z"})");
  EXPECT_EQ(request.occurred_at().seconds(), 1772600767);
  EXPECT_FALSE(Normalize("push", kRepository).has_occurred_at());
}

TEST(GitHubNormalizer, KnowsPings) {
  EXPECT_EQ(Normalize("ping", R"("zen": "x")").type(), v1::GitEvent::PING);
}

constexpr char kInstallation[] = R"("installation": {"id": 31, "account": {
  "login": "Lamp", "html_url": "https://ghe.example.com/Lamp"}})";

TEST(GitHubNormalizer, TellsWhatAnInstallationMayReach) {
  const std::string repositories = R"([{"id": 7, "name": "Lighter",
    "full_name": "Lamp/Lighter", "private": true}])";
  ExpectEvent(Normalize("installation",
                        absl::StrCat(R"("action": "created", "repositories": )",
                                     repositories, ", ", kInstallation)),
              R"pb(provider_type: "github"
                   instance: "ghe.example.com"
                   type: INSTALLATION_CHANGED
                   event: "installation"
                   action: "created"
                   installation {
                     forge_id: "31"
                     account: "Lamp"
                     added {
                       id: "ghe.example.com/lamp/lighter"
                       forge_id: "7"
                       full_name: "Lamp/Lighter"
                       private: true
                     }
                   })pb");
  const v1::GitEvent removed = Normalize(
      "installation", absl::StrCat(R"("action": "deleted", "repositories": )",
                                   repositories, ", ", kInstallation));
  EXPECT_EQ(removed.installation().added_size(), 0);
  EXPECT_EQ(removed.installation().removed(0).forge_id(), "7");
}

TEST(GitHubNormalizer, LeavesOutAnInstanceThatNoConsumerCouldRead) {
  EXPECT_EQ(Normalize("ping", R"("sender": {"login": "Ada",
                                  "html_url": "https://forge/%FF/Ada"})")
                .instance(),
            "");
}

TEST(GitHubNormalizer, TellsWhatAnInstallationGainedAndLost) {
  const v1::GitEvent event =
      Normalize("installation_repositories",
                absl::StrCat(R"("action": "added", "repositories_added": [
                        {"id": 1, "full_name": "Lamp/A"}, 3],
                      "repositories_removed": [
                        {"id": 2, "full_name": "Lamp/B"}], )",
                             kInstallation));
  EXPECT_EQ(event.type(), v1::GitEvent::INSTALLATION_CHANGED);
  EXPECT_FALSE(event.has_repository());
  ASSERT_EQ(event.installation().added_size(), 1);
  EXPECT_EQ(event.installation().added(0).id(), "ghe.example.com/lamp/a");
  ASSERT_EQ(event.installation().removed_size(), 1);
  EXPECT_EQ(event.installation().removed(0).full_name(), "Lamp/B");
}

TEST(GitHubNormalizer, TakesEverythingElseForOther) {
  for (const char* name : {"create", "delete", "status", "pull_request_review",
                           "", "of_a_time_to_come"}) {
    EXPECT_EQ(Normalize(name, kRepository).type(), v1::GitEvent::OTHER);
  }
}

TEST(GitHubNormalizer, TakesAPushOrPullRequestWithoutItsPartsForOther) {
  EXPECT_EQ(Normalize("push", kRepository).type(), v1::GitEvent::OTHER);
  EXPECT_EQ(
      Normalize("push", R"("ref": 1, "repository": 2, "sender": [])").type(),
      v1::GitEvent::OTHER);
  EXPECT_EQ(Push("refs/heads/x", kZeros, kZeros).type(), v1::GitEvent::OTHER);
  EXPECT_EQ(Normalize("pull_request", R"("pull_request": null)").type(),
            v1::GitEvent::OTHER);
}

}  // namespace
}  // namespace lamplighter::ingest
