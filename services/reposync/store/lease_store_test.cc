#include "services/reposync/store/lease_store.h"

#include "common/status/testing/status_matchers.h"
#include "services/reposync/store/testing/store_test_fixture.h"

namespace lamplighter::reposync {
namespace {

class LeaseStoreTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    if (database_ == nullptr) return;
    leases_ = std::make_unique<LeaseStore>(*database_, clock_);
    other_database_ = Open();
    others_ = std::make_unique<LeaseStore>(*other_database_, clock_);
  }

  std::unique_ptr<LeaseStore> leases_;
  std::unique_ptr<Database> other_database_;
  std::unique_ptr<LeaseStore> others_;
};
LAMPLIGHTER_ON_BOTH_DATABASES(LeaseStoreTest);

TEST_P(LeaseStoreTest, OneOfTwoProcessesHasItUntilItsTimeIsOver) {
  EXPECT_EQ(*Run(leases_->Take("publish", "one", absl::Minutes(1))), true);
  EXPECT_EQ(*Run(others_->Take("publish", "two", absl::Minutes(1))), false);
  EXPECT_EQ(*Run(others_->Take("other", "two", absl::Minutes(1))), true);
  clock_.Advance(absl::Seconds(59));
  EXPECT_EQ(*Run(leases_->Take("publish", "one", absl::Minutes(1))), true);
  clock_.Advance(absl::Seconds(59));
  EXPECT_EQ(*Run(others_->Take("publish", "two", absl::Minutes(1))), false);
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(*Run(others_->Take("publish", "two", absl::Minutes(1))), true);
  EXPECT_EQ(*Run(leases_->Take("publish", "one", absl::Minutes(1))), false);
}

TEST_P(LeaseStoreTest, OnlyItsOwnerGivesItBack) {
  EXPECT_EQ(*Run(leases_->Take("publish", "one", absl::Minutes(1))), true);
  EXPECT_THAT(Run(others_->Give("publish", "two")), IsOk());
  EXPECT_EQ(*Run(others_->Take("publish", "two", absl::Minutes(1))), false);
  EXPECT_THAT(Run(leases_->Give("publish", "one")), IsOk());
  EXPECT_EQ(*Run(others_->Take("publish", "two", absl::Minutes(1))), true);
}

TEST_P(LeaseStoreTest, APositionOutlivesItsOwnerWhoAloneMayMoveIt) {
  EXPECT_EQ(*Run(leases_->Position("publish")), 0);
  EXPECT_THAT(Run(leases_->SavePosition("publish", "one", 7)),
              StatusIs(absl::StatusCode::kAborted));
  EXPECT_EQ(*Run(leases_->Take("publish", "one", absl::Minutes(1))), true);
  EXPECT_THAT(Run(leases_->SavePosition("publish", "one", 7)), IsOk());
  EXPECT_THAT(Run(others_->SavePosition("publish", "two", 9)),
              StatusIs(absl::StatusCode::kAborted));
  clock_.Advance(absl::Minutes(1));
  EXPECT_THAT(Run(leases_->SavePosition("publish", "one", 8)),
              StatusIs(absl::StatusCode::kAborted));
  EXPECT_EQ(*Run(others_->Take("publish", "two", absl::Minutes(1))), true);
  EXPECT_EQ(*Run(others_->Position("publish")), 7);
  EXPECT_THAT(Run(others_->Give("publish", "two")), IsOk());
  EXPECT_EQ(*Run(leases_->Position("publish")), 7);
}

}  // namespace
}  // namespace lamplighter::reposync
