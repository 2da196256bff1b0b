#include "services/dispatcher/pending/seen_contexts.h"

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter::dispatcher {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kFleet[] = "github.com/acme/fleet";

class SeenContextsTest : public ::testing::Test {
 protected:
  static v1::StatusOutcome Outcome(const std::string& context, int at,
                                   const std::string& repository = kFleet) {
    v1::StatusOutcome outcome;
    outcome.set_result(v1::StatusOutcome::SET);
    outcome.mutable_intent()->set_repository_id(repository);
    outcome.mutable_intent()->set_context(context);
    outcome.mutable_intent()->set_state(v1::SUCCESS);
    outcome.mutable_decided_at()->set_seconds(at);
    return outcome;
  }
  std::vector<std::string> Found(int since,
                                 const std::string& repository = kFleet) {
    std::vector<std::string> contexts;
    for (const SeenContext& context :
         seen_.Find(repository, absl::FromUnixSeconds(since))) {
      contexts.push_back(context.context);
    }
    return contexts;
  }

  SeenContexts seen_{{.max_per_repository = 3, .max_contexts = 5}};
};

TEST_F(SeenContextsTest, FindsWhatWasSetOfTheRepositoryLately) {
  seen_.Note(0, Outcome("web", 100));
  seen_.Note(0, Outcome("db", 200));
  seen_.Note(0, Outcome("other", 200, "github.com/acme/other"));
  EXPECT_THAT(Found(100), ElementsAre("db", "web"));
  EXPECT_THAT(Found(101), ElementsAre("db"));
  EXPECT_THAT(Found(100, "github.com/acme/none"), IsEmpty());
}

TEST_F(SeenContextsTest, CountsWhatWasThereAndNotWhatFailed) {
  v1::StatusOutcome outcome = Outcome("web", 100);
  outcome.set_result(v1::StatusOutcome::UNCHANGED);
  seen_.Note(0, outcome);
  outcome = Outcome("db", 100);
  outcome.set_result(v1::StatusOutcome::SUPERSEDED);
  seen_.Note(0, outcome);
  outcome.set_result(v1::StatusOutcome::DEAD_LETTERED);
  seen_.Note(0, outcome);
  EXPECT_THAT(Found(0), ElementsAre("web"));
}

TEST_F(SeenContextsTest, PendingsDoNotKeepOneAnotherAlive) {
  seen_.Note(0, Outcome("web", 100));
  v1::StatusOutcome pending = Outcome("web", 500);
  pending.mutable_intent()->set_state(v1::PENDING);
  pending.mutable_intent()->mutable_pending_until()->set_seconds(900);
  seen_.Note(0, pending);
  EXPECT_THAT(Found(101), IsEmpty());
}

TEST_F(SeenContextsTest, TellsWhoSetItLastInWhicheverOrderItIsRead) {
  v1::StatusOutcome newer = Outcome("web", 200);
  newer.mutable_intent()->mutable_provider()->set_name("new");
  newer.mutable_intent()->set_summary("prod");
  v1::StatusOutcome older = Outcome("web", 100);
  older.mutable_intent()->mutable_provider()->set_name("old");
  seen_.Note(0, newer);
  seen_.Note(0, older);
  const std::vector<SeenContext> found = seen_.Find(kFleet, absl::UnixEpoch());
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].provider.name(), "new");
  EXPECT_EQ(found[0].summary, "prod");
}

TEST_F(SeenContextsTest, ForgetsTheContextThatWasSetBeforeAllOthers) {
  for (int i : {2, 1, 3, 4}) seen_.Note(0, Outcome(std::to_string(i), i));
  EXPECT_THAT(Found(0), ElementsAre("2", "3", "4"));
  seen_.Note(0, Outcome("0", 0));
  EXPECT_THAT(Found(0), ElementsAre("2", "3", "4")) << "it is older than all";
  EXPECT_EQ(seen_.size(), 3u);
}

TEST_F(SeenContextsTest, ForgetsTheRepositoryNotHeardOfForLongest) {
  for (int i : {1, 2, 3}) {
    seen_.Note(0, Outcome(std::to_string(i), i, "a"));
    seen_.Note(0, Outcome(std::to_string(i), i, "b"));
  }
  EXPECT_THAT(Found(0, "a"), IsEmpty());
  EXPECT_THAT(Found(0, "b"), ElementsAre("1", "2", "3"));
  EXPECT_EQ(seen_.size(), 3u);
}

TEST_F(SeenContextsTest, ForgetsAPartitionThatIsAnothers) {
  seen_.Note(0, Outcome("web", 100, "a"));
  seen_.Note(1, Outcome("web", 100, "b"));
  seen_.Forget(0);
  EXPECT_THAT(Found(0, "a"), IsEmpty());
  EXPECT_THAT(Found(0, "b"), ElementsAre("web"));
  EXPECT_EQ(seen_.size(), 1u);
}

}  // namespace
}  // namespace lamplighter::dispatcher
