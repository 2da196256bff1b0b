#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/v1/events.pb.h"
#include "services/ingest/forges/testing/normalize.h"
#include "services/ingest/sources.h"

namespace lamplighter::ingest {
namespace {

constexpr char kRepository[] = R"("repository": {
  "type": "repository", "uuid": "{7a1b0c9e-0000-4000-8000-000000000007}",
  "full_name": "Lamp/lighter", "name": "lighter", "is_private": true,
  "mainbranch": {"type": "branch", "name": "main"},
  "links": {"html": {"href": "https://bitbucket.org/Lamp/lighter"}}},
  "actor": {"type": "user", "display_name": "Ada L", "nickname": "ada",
            "uuid": "{ada}"})";

v1::GitEvent Hook(const std::string& name, const std::string& fields) {
  return Normalize(SourceType::kBitbucket, name,
                   absl::StrCat("{", fields, ", ", kRepository, "}"));
}

v1::GitEvent Push(const std::string& changes) {
  return Hook("repo:push",
              absl::StrCat(R"("push": {"changes": [)", changes, "]}"));
}

std::string Ref(const std::string& type, const std::string& name,
                const std::string& hash) {
  return absl::StrCat(R"({"type": ")", type, R"(", "name": ")", name,
                      R"(", "target": {"type": "commit", "hash": ")", hash,
                      R"("}})");
}

TEST(BitbucketNormalizer, ReadsAPushOfManyRefs) {
  ExpectEvent(Push(absl::StrCat(R"({"forced": true, "old": )",
                                Ref("branch", "main", "1a"), R"(, "new": )",
                                Ref("branch", "main", "2b"), R"(},
                        {"old": null, "new": )",
                                Ref("annotated_tag", "v1", "3c"), R"(},
                        {"new": null, "old": )",
                                Ref("named_branch", "a/b", "4d"), R"(},
                        {"old": null, "new": null}, 7)")),
              R"pb(provider_type: "bitbucket"
                   instance: "bitbucket.org"
                   type: PUSH
                   event: "repo:push"
                   repository {
                     id: "bitbucket.org/lamp/lighter"
                     forge_id: "{7a1b0c9e-0000-4000-8000-000000000007}"
                     full_name: "Lamp/lighter"
                     web_url: "https://bitbucket.org/Lamp/lighter"
                     clone_url: "https://bitbucket.org/Lamp/lighter.git"
                     default_branch: "main"
                     private: true
                   }
                   sender { name: "ada" forge_id: "{ada}" }
                   push {
                     refs {
                       ref: "refs/heads/main"
                       action: UPDATED
                       before: "1a"
                       after: "2b"
                       forced: true
                     }
                     refs { ref: "refs/tags/v1" action: CREATED after: "3c" }
                     refs { ref: "refs/heads/a/b" action: DELETED before: "4d" }
                   })pb");
}

TEST(BitbucketNormalizer, KnowsAPushThatNamesNoRefs) {
  const v1::GitEvent event = Push("");
  EXPECT_EQ(event.type(), v1::GitEvent::PUSH);
  EXPECT_TRUE(event.has_push());
  EXPECT_EQ(event.push().refs_size(), 0);
}

TEST(BitbucketNormalizer, MarksAPullRequestsShortCommitId) {
  const v1::GitEvent event = Hook("pullrequest:created", R"("pullrequest": {
    "id": 12, "title": "Brighter", "updated_on": "2026-03-04T05:06:07.5+00:00",
    "links": {"html": {"href": "https://bitbucket.org/x/12"}},
    "source": {"branch": {"name": "bright"}, "commit": {"hash": "0123456789ab"},
               "repository": {"full_name": "Ada/lighter"}},
    "destination": {"branch": {"name": "main"}}})");
  ASSERT_EQ(event.type(), v1::GitEvent::PULL_REQUEST);
  EXPECT_EQ(event.occurred_at().seconds(), 1772600767);
  const v1::PullRequest& request = event.pull_request();
  EXPECT_EQ(request.action(), v1::PullRequest::OPENED);
  EXPECT_EQ(request.number(), 12);
  EXPECT_EQ(request.web_url(), "https://bitbucket.org/x/12");
  EXPECT_EQ(request.head_sha(), "0123456789ab");
  EXPECT_TRUE(request.head_sha_abbreviated());
  EXPECT_EQ(request.head_ref(), "bright");
  EXPECT_EQ(request.base_ref(), "main");
  EXPECT_EQ(request.head_repository_id(), "bitbucket.org/ada/lighter");
}

TEST(BitbucketNormalizer, MarksNoCommitIdThatIsWholeOrMissing) {
  const auto marked = [](const std::string& hash) {
    return Hook("pullrequest:updated",
                absl::StrCat(
                    R"("pullrequest": {"source": {"commit": {"hash": ")", hash,
                    R"("}}})"))
        .pull_request()
        .head_sha_abbreviated();
  };
  EXPECT_FALSE(marked(std::string(40, 'a')));
  EXPECT_FALSE(marked(""));
  EXPECT_TRUE(marked("0123456789ab"));
}

TEST(BitbucketNormalizer, KnowsTheEventsOfPullRequests) {
  const auto action = [](const std::string& name) {
    return Hook(name, R"("pullrequest": {"id": 1})").pull_request().action();
  };
  EXPECT_EQ(action("pullrequest:created"), v1::PullRequest::OPENED);
  EXPECT_EQ(action("pullrequest:updated"), v1::PullRequest::SYNCHRONIZED);
  EXPECT_EQ(action("pullrequest:fulfilled"), v1::PullRequest::MERGED);
  EXPECT_EQ(action("pullrequest:rejected"), v1::PullRequest::CLOSED);
}

TEST(BitbucketNormalizer, KnowsWhatBecomesOfRepositories) {
  const v1::GitEvent renamed =
      Hook("repo:updated", R"("changes": {"full_name": {"old": "Lamp/Candle",
                                                   "new": "Lamp/lighter"}})");
  EXPECT_EQ(renamed.type(), v1::GitEvent::REPOSITORY_RENAMED);
  EXPECT_EQ(renamed.previous_repository_id(), "bitbucket.org/lamp/candle");
  EXPECT_EQ(Hook("repo:updated", R"("changes": {"website": {}})").type(),
            v1::GitEvent::REPOSITORY_UPDATED);
  EXPECT_EQ(Hook("repo:transfer", R"("a": 1)").type(),
            v1::GitEvent::REPOSITORY_TRANSFERRED);
  EXPECT_EQ(Hook("repo:created", R"("a": 1)").type(),
            v1::GitEvent::REPOSITORY_CREATED);
  EXPECT_EQ(Hook("repo:deleted", R"("a": 1)").type(),
            v1::GitEvent::REPOSITORY_DELETED);
}

TEST(BitbucketNormalizer, TakesEverythingElseForOther) {
  for (const char* name :
       {"repo:commit_status_created", "pullrequest:comment_created",
        "pullrequest:approved", "", "pullrequest:created"}) {
    EXPECT_EQ(Hook(name, R"("pullrequest": [])").type(), v1::GitEvent::OTHER)
        << name;
  }
}

}  // namespace
}  // namespace lamplighter::ingest
