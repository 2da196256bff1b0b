#include "services/dispatcher/router/pending_intents.h"

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter::dispatcher {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kRepository[] = "github.com/acme/fleet";

class PendingIntentsTest : public ::testing::Test {
 protected:
  PendingIntentsTest() {
    event_.set_id("delivery-1");
    event_.mutable_repository()->set_id(kRepository);
    event_.mutable_received_at()->set_seconds(1000);
  }
  static std::string Sha(char digit) { return std::string(40, digit); }

  void Push(const std::string& ref, v1::RefUpdate::Action action,
            const std::string& after) {
    event_.set_type(v1::GitEvent::PUSH);
    v1::RefUpdate& update = *event_.mutable_push()->add_refs();
    update.set_ref(ref);
    update.set_action(action);
    update.set_after(after);
  }
  v1::PullRequest& PullRequest(v1::PullRequest::Action action) {
    event_.set_type(v1::GitEvent::PULL_REQUEST);
    event_.mutable_pull_request()->set_action(action);
    event_.mutable_pull_request()->set_head_sha(Sha('a'));
    return *event_.mutable_pull_request();
  }
  std::vector<std::string> Shas(const PendingRules& rules = {}) const {
    std::vector<std::string> shas;
    for (const v1::StatusIntent& intent : PendingIntents(event_, rules)) {
      shas.push_back(intent.sha());
    }
    return shas;
  }

  v1::GitEvent event_;
};

TEST_F(PendingIntentsTest, APushMeansItsNewestCommit) {
  Push("refs/heads/main", v1::RefUpdate::UPDATED, Sha('a'));
  event_.mutable_occurred_at()->set_seconds(990);
  const std::vector<v1::StatusIntent> intents =
      PendingIntents(event_, {.error_after = absl::Minutes(10)});
  ASSERT_THAT(intents, SizeIs(1));
  EXPECT_EQ(intents[0].id(), "delivery-1/pending/" + Sha('a'));
  EXPECT_EQ(intents[0].event_id(), "delivery-1");
  EXPECT_EQ(intents[0].repository_id(), kRepository);
  EXPECT_EQ(intents[0].sha(), Sha('a'));
  EXPECT_TRUE(intents[0].seen_contexts());
  EXPECT_EQ(intents[0].state(), v1::PENDING);
  EXPECT_EQ(intents[0].event_time().seconds(), 990);
  EXPECT_EQ(intents[0].pending_until().seconds(), 1600) << "by our own clock";
}

TEST_F(PendingIntentsTest, BranchesCountOnceACommitAndTagsAndTheDeletedNot) {
  Push("refs/heads/main", v1::RefUpdate::UPDATED, Sha('a'));
  Push("refs/heads/release", v1::RefUpdate::CREATED, Sha('a'));
  Push("refs/heads/other", v1::RefUpdate::CREATED, Sha('b'));
  Push("refs/tags/v1", v1::RefUpdate::CREATED, Sha('c'));
  Push("refs/heads/gone", v1::RefUpdate::DELETED, "");
  Push("refs/heads/zero", v1::RefUpdate::UPDATED, Sha('0'));
  Push("refs/heads/short", v1::RefUpdate::UPDATED, "abc123");
  EXPECT_THAT(Shas(), ElementsAre(Sha('a'), Sha('b')));
}

TEST_F(PendingIntentsTest, APullRequestMeansItsHeadWhereThatIsNew) {
  for (const auto action :
       {v1::PullRequest::OPENED, v1::PullRequest::SYNCHRONIZED,
        v1::PullRequest::REOPENED}) {
    PullRequest(action);
    EXPECT_THAT(Shas(), ElementsAre(Sha('a')));
  }
  for (const auto action : {v1::PullRequest::MERGED, v1::PullRequest::CLOSED,
                            v1::PullRequest::EDITED}) {
    PullRequest(action);
    EXPECT_THAT(Shas(), IsEmpty());
  }
}

TEST_F(PendingIntentsTest, TheHeadIsOfTheRepositoryAndInFull) {
  v1::PullRequest& pull_request = PullRequest(v1::PullRequest::OPENED);
  pull_request.set_head_repository_id("github.com/else/fleet");
  EXPECT_THAT(Shas(), IsEmpty()) << "a fork's commit is not in the repository";
  pull_request.set_head_repository_id(kRepository);
  EXPECT_THAT(Shas(), SizeIs(1));
  pull_request.set_head_sha_abbreviated(true);
  EXPECT_THAT(Shas(), IsEmpty());
}

TEST_F(PendingIntentsTest, OnlyWantedEventsCount) {
  Push("refs/heads/main", v1::RefUpdate::UPDATED, Sha('a'));
  EXPECT_THAT(Shas({.pushes = false}), IsEmpty());
  EXPECT_THAT(Shas({.pull_requests = false}), SizeIs(1));
  PullRequest(v1::PullRequest::OPENED);
  EXPECT_THAT(Shas({.pull_requests = false}), IsEmpty());
}

TEST_F(PendingIntentsTest, OtherEventsMeanNothing) {
  Push("refs/heads/main", v1::RefUpdate::UPDATED, Sha('a'));
  event_.set_type(v1::GitEvent::OTHER);
  EXPECT_THAT(Shas(), IsEmpty());
  event_.set_type(v1::GitEvent::PUSH);
  event_.clear_repository();
  EXPECT_THAT(Shas(), IsEmpty());
}

}  // namespace
}  // namespace lamplighter::dispatcher
