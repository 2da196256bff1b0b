#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/v1/events.pb.h"
#include "services/ingest/forges/testing/normalize.h"
#include "services/ingest/sources.h"

namespace lamplighter::ingest {
namespace {

std::string Repository(const std::string& project, const std::string& slug,
                       const std::string& more = "") {
  return absl::StrCat(R"({"slug": ")", slug, R"(", "id": 84, "name": ")", slug,
                      R"(", "public": false, "project": {"key": ")", project,
                      R"(", "id": 4}, "links": {"clone": [
         {"name": "ssh", "href": "ssh://git@dc.example:7999/l/l.git"},
         {"name": "http", "href": "https://dc.example/bb/scm/)",
                      project, "/", slug, R"(.git"}], "self": [
         {"href": "https://dc.example/bb/projects/)",
                      project, "/repos/", slug, R"(/browse"}]})", more, "}");
}

constexpr char kActor[] =
    R"("actor": {"name": "ada", "id": 9, "displayName": "Ada L"})";

v1::GitEvent Hook(const std::string& name, const std::string& fields,
                  const std::string& instance = "") {
  return Normalize(SourceType::kBitbucketServer, name,
                   absl::StrCat("{", fields, ", ", kActor, "}"), instance);
}

constexpr char kChanges[] = R"("date": "2026-03-04T05:06:07+0000", "changes": [
  {"ref": {"id": "refs/heads/main", "displayId": "main", "type": "BRANCH"},
   "fromHash": "1a", "toHash": "2b", "type": "UPDATE"},
  {"ref": {"id": "refs/tags/v1", "displayId": "v1", "type": "TAG"},
   "fromHash": "00", "toHash": "3c", "type": "ADD"},
  {"ref": {"id": "refs/heads/x", "displayId": "x", "type": "BRANCH"},
   "fromHash": "4d", "toHash": "00", "type": "DELETE"}, []])";

TEST(BitbucketServerNormalizer, ReadsAPushOfManyRefs) {
  ExpectEvent(
      Hook("repo:refs_changed", absl::StrCat(kChanges, R"(, "repository": )",
                                             Repository("LAMP", "lighter"))),
      R"pb(provider_type: "bitbucketserver"
           instance: "dc.example/bb"
           type: PUSH
           event: "repo:refs_changed"
           repository {
             id: "dc.example/bb/lamp/lighter"
             forge_id: "84"
             full_name: "LAMP/lighter"
             web_url: "https://dc.example/bb/projects/LAMP/repos/lighter/browse"
             clone_url: "https://dc.example/bb/scm/LAMP/lighter.git"
             private: true
           }
           sender { name: "ada" forge_id: "9" }
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

TEST(BitbucketServerNormalizer, NamesRepositoriesWithoutLinksByTheInstance) {
  const std::string fields =
      absl::StrCat(kChanges, R"(, "repository": {"slug": "lighter", "id": 84,
                     "project": {"key": "~ada"}})");
  EXPECT_EQ(
      Hook("repo:refs_changed", fields, "dc.example/bb").repository().id(),
      "dc.example/bb/~ada/lighter");
  const v1::GitEvent unplaced = Hook("repo:refs_changed", fields);
  EXPECT_EQ(unplaced.repository().id(), "");
  EXPECT_EQ(unplaced.repository().full_name(), "~ada/lighter");
  EXPECT_EQ(unplaced.instance(), "");
}

TEST(BitbucketServerNormalizer, FindsARepositoryByItsCloneAddressAlone) {
  EXPECT_EQ(Hook("repo:refs_changed",
                 R"("repository": {"slug": "r", "links": {"clone": [
                      {"name": "http",
                       "href": "https://dc.example/bb/scm/P/r.git"}]}})")
                .repository()
                .id(),
            "dc.example/bb/p/r");
}

TEST(BitbucketServerNormalizer, KnowsASynchronizedMirrorThatNamesNoRefs) {
  const v1::GitEvent event =
      Hook("mirror:repo_synchronized",
           absl::StrCat(R"("refLimitExceeded": true, "changes": [],
                           "repository": )",
                        Repository("LAMP", "lighter")));
  EXPECT_EQ(event.type(), v1::GitEvent::PUSH);
  EXPECT_EQ(event.push().refs_size(), 0);
}

v1::GitEvent PullRequest(const std::string& name) {
  return Hook(name, absl::StrCat(
                        R"("pullRequest": {"id": 12, "title": "Brighter",
                          "links": {"self": [{"href": "https://dc.example/12"}]},
                          "fromRef": {"id": "refs/heads/bright",
                                      "latestCommit": "abc", "repository": )",
                        Repository("~ADA", "lighter"),
                        R"(}, "toRef": {"id": "refs/heads/main",
                                        "repository": )",
                        Repository("LAMP", "lighter"), "}}"));
}

TEST(BitbucketServerNormalizer, ReadsAPullRequestFromAFork) {
  const v1::GitEvent event = PullRequest("pr:opened");
  ASSERT_EQ(event.type(), v1::GitEvent::PULL_REQUEST);
  EXPECT_EQ(event.repository().id(), "dc.example/bb/lamp/lighter");
  const v1::PullRequest& request = event.pull_request();
  EXPECT_EQ(request.number(), 12);
  EXPECT_EQ(request.title(), "Brighter");
  EXPECT_EQ(request.web_url(), "https://dc.example/12");
  EXPECT_EQ(request.head_sha(), "abc");
  EXPECT_EQ(request.head_ref(), "bright");
  EXPECT_EQ(request.base_ref(), "main");
  EXPECT_EQ(request.head_repository_id(), "dc.example/bb/~ada/lighter");
}

TEST(BitbucketServerNormalizer, KnowsTheEventsOfPullRequests) {
  const auto action = [](const std::string& name) {
    return PullRequest(name).pull_request().action();
  };
  EXPECT_EQ(action("pr:opened"), v1::PullRequest::OPENED);
  EXPECT_EQ(action("pr:from_ref_updated"), v1::PullRequest::SYNCHRONIZED);
  EXPECT_EQ(action("pr:modified"), v1::PullRequest::EDITED);
  EXPECT_EQ(action("pr:merged"), v1::PullRequest::MERGED);
  EXPECT_EQ(action("pr:declined"), v1::PullRequest::CLOSED);
  EXPECT_EQ(action("pr:deleted"), v1::PullRequest::CLOSED);
}

v1::GitEvent Modified(const std::string& before, const std::string& now) {
  return Hook("repo:modified",
              absl::StrCat(R"("old": )", before, R"(, "new": )", now));
}

TEST(BitbucketServerNormalizer, KnowsWhatBecomesOfRepositories) {
  const std::string repository = Repository("LAMP", "lighter");
  const v1::GitEvent renamed =
      Modified(Repository("LAMP", "candle"), repository);
  EXPECT_EQ(renamed.type(), v1::GitEvent::REPOSITORY_RENAMED);
  EXPECT_EQ(renamed.repository().id(), "dc.example/bb/lamp/lighter");
  EXPECT_EQ(renamed.previous_repository_id(), "dc.example/bb/lamp/candle");
  EXPECT_EQ(Modified(R"({"slug": "lighter", "project": {"id": 5}})", repository)
                .type(),
            v1::GitEvent::REPOSITORY_TRANSFERRED);
  const std::string archived =
      Repository("LAMP", "lighter", R"(, "archived": true)");
  EXPECT_EQ(Modified(repository, archived).type(),
            v1::GitEvent::REPOSITORY_ARCHIVED);
  EXPECT_EQ(Modified(archived, repository).type(),
            v1::GitEvent::REPOSITORY_UNARCHIVED);
  const v1::GitEvent updated = Modified(repository, repository);
  EXPECT_EQ(updated.type(), v1::GitEvent::REPOSITORY_UPDATED);
  EXPECT_EQ(updated.previous_repository_id(), "");
  EXPECT_EQ(Hook("repo:forked",
                 absl::StrCat(R"("repository": )", Repository("~ADA", "fork")))
                .type(),
            v1::GitEvent::REPOSITORY_CREATED);
}

TEST(BitbucketServerNormalizer, ReadsADateThatIsANumber) {
  EXPECT_EQ(
      Hook("pr:opened", R"("date": 1772600767000)").occurred_at().seconds(),
      1772600767);
}

TEST(BitbucketServerNormalizer, KnowsItsPing) {
  EXPECT_EQ(Hook("diagnostics:ping", R"("test": true)").type(),
            v1::GitEvent::PING);
}

TEST(BitbucketServerNormalizer, TakesEverythingElseForOther) {
  for (const char* name : {"pr:comment:added", "pr:reviewer:approved", "",
                           "repo:modified", "pr:opened"}) {
    EXPECT_EQ(Hook(name, R"("pullRequest": 1, "old": {}, "links": {})").type(),
              v1::GitEvent::OTHER)
        << name;
  }
}

}  // namespace
}  // namespace lamplighter::ingest
