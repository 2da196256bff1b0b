#include "services/dispatcher/deliverer/roll_ups.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter::dispatcher {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class RollUpsTest : public ::testing::Test {
 protected:
  // Kustomization `object` of `cluster` reports at second `at`.
  ReceivedIntent Part(const std::string& cluster, v1::CommitState state, int at,
                      const std::string& object = "web", int clusters = 3) {
    ReceivedIntent received;
    v1::StatusIntent& intent = received.intent;
    intent.set_repository_id("github.com/acme/fleet");
    intent.set_sha("s");
    intent.set_context("clusters");
    intent.set_cluster(cluster);
    intent.mutable_involved_object()->set_name(object);
    intent.mutable_roll_up()->set_clusters(clusters);
    intent.set_state(state);
    intent.mutable_event_time()->set_seconds(at);
    received.origin = {"intents", 0, offset_++};
    return received;
  }
  std::string Merge(ReceivedIntent received) {
    roll_ups_.Merge(received);
    last_ = received;
    return absl::StrCat(v1::CommitState_Name(received.intent.state()), " ",
                        received.intent.description());
  }

  RollUps roll_ups_{{}};
  ReceivedIntent last_;
  int64_t offset_ = 0;
};

TEST_F(RollUpsTest, IsPendingUntilAllClustersHaveReconciled) {
  EXPECT_EQ(Merge(Part("a", v1::SUCCESS, 1)),
            "PENDING 1 of 3 clusters reconciled");
  EXPECT_EQ(Merge(Part("b", v1::SUCCESS, 2)),
            "PENDING 2 of 3 clusters reconciled");
  EXPECT_EQ(Merge(Part("c", v1::SUCCESS, 3)),
            "SUCCESS 3 of 3 clusters reconciled");
}

TEST_F(RollUpsTest, NamesTheClustersThatFailed) {
  Merge(Part("a", v1::SUCCESS, 1));
  EXPECT_EQ(Merge(Part("b", v1::FAILURE, 2)),
            "FAILURE 1 of 3 clusters failed: b");
  EXPECT_EQ(Merge(Part("c", v1::ERROR, 2)),
            "FAILURE 2 of 3 clusters failed: b, c");
  EXPECT_EQ(Merge(Part("b", v1::SUCCESS, 3)),
            "FAILURE 1 of 3 clusters failed: c");
}

TEST_F(RollUpsTest, NamesFewOfManyClusters) {
  for (int i = 0; i < 900; ++i) Merge(Part(absl::StrCat(i), v1::FAILURE, 1));
  EXPECT_LE(last_.intent.description().size(), 100);
  EXPECT_THAT(last_.intent.description(), HasSubstr(", ..."));
}

TEST_F(RollUpsTest, AClusterHasReconciledOnceAllItsObjectsHave) {
  Merge(Part("a", v1::SUCCESS, 1, "web"));
  EXPECT_EQ(Merge(Part("a", v1::PENDING, 1, "db")),
            "PENDING 0 of 3 clusters reconciled");
  EXPECT_EQ(Merge(Part("a", v1::SUCCESS, 2, "db")),
            "PENDING 1 of 3 clusters reconciled");
}

TEST_F(RollUpsTest, CountsThoseThatReportedWhereNobodySaysHowMany) {
  EXPECT_EQ(Merge(Part("a", v1::SUCCESS, 1, "web", 0)),
            "SUCCESS 1 of 1 clusters reconciled");
  EXPECT_EQ(Merge(Part("b", v1::PENDING, 1, "web", 0)),
            "PENDING 1 of 2 clusters reconciled");
}

TEST_F(RollUpsTest, AnOlderReportOfAnObjectCountsForNothing) {
  Merge(Part("a", v1::SUCCESS, 10));
  EXPECT_EQ(Merge(Part("a", v1::FAILURE, 5)),
            "PENDING 1 of 3 clusters reconciled");
}

TEST_F(RollUpsTest, ALateReportOfAnotherObjectIsNotSuperseded) {
  Merge(Part("a", v1::SUCCESS, 10));
  const Version before = VersionOf(last_.intent, last_.order());
  Merge(Part("b", v1::FAILURE, 5));
  EXPECT_GT(VersionOf(last_.intent, last_.order()), before);
  EXPECT_EQ(last_.intent.event_time().seconds(), 10);
  ReceivedIntent retried = Part("c", v1::FAILURE, 5);
  retried.intent.mutable_retry()->set_first_offset(0);
  const Version then = VersionOf(last_.intent, last_.order());
  Merge(retried);
  EXPECT_GE(VersionOf(last_.intent, last_.order()), then);
}

TEST_F(RollUpsTest, GoesOnFromWhatTheLedgerSays) {
  Merge(Part("a", v1::SUCCESS, 1));
  Merge(Part("b", v1::FAILURE, 2));
  v1::StatusOutcome outcome;
  *outcome.mutable_intent() = last_.intent;
  outcome.set_order(last_.order());
  for (const v1::RollUpPart& part : roll_ups_.Parts(last_.intent)) {
    *outcome.add_roll_up_parts() = part;
  }
  roll_ups_.Forget(0);
  EXPECT_EQ(roll_ups_.size(), 0);
  roll_ups_.Restore(0, MakeLedgerKey(LedgerName(outcome.intent())), outcome);
  EXPECT_EQ(Merge(Part("c", v1::SUCCESS, 3)),
            "FAILURE 1 of 3 clusters failed: b");
}

TEST_F(RollUpsTest, KeepsWhatItsObjectReportedForALaterTry) {
  Merge(Part("a", v1::SUCCESS, 10));
  Merge(Part("b", v1::FAILURE, 5));
  const ParkedIntent parked =
      MakeParked(last_, {}, absl::UnixEpoch(), absl::UnixEpoch());
  EXPECT_EQ(parked.intent.state(), v1::FAILURE);
  EXPECT_EQ(parked.intent.event_time().seconds(), 5);
  EXPECT_EQ(parked.intent.retry().first_offset(), 1);
}

TEST_F(RollUpsTest, IsBounded) {
  RollUps small({.max_roll_ups = 2, .max_parts = 3});
  for (int i = 0; i < 5; ++i) {
    ReceivedIntent received = Part("a", v1::SUCCESS, i, absl::StrCat(i));
    small.Merge(received);
    EXPECT_THAT(small.Parts(received.intent), SizeIs(std::min(i + 1, 3)));
  }
  for (int i = 0; i < 5; ++i) {
    ReceivedIntent received = Part("a", v1::SUCCESS, i);
    received.intent.set_context(absl::StrCat(i));
    small.Merge(received);
  }
  EXPECT_EQ(small.size(), 2);
}

}  // namespace
}  // namespace lamplighter::dispatcher
