#include "common/app/health.h"

#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

using ::absl::StatusCode;

TEST(HealthTest, IsReadyWhileEveryCheckIs) {
  Health health;
  EXPECT_THAT(health.Ready(), IsOk());
  health.AddCheck("a", [] { return absl::OkStatus(); });
  EXPECT_THAT(health.Ready(), IsOk());
}

TEST(HealthTest, NamesEveryCheckThatFails) {
  Health health;
  health.AddCheck("kafka", [] { return absl::UnavailableError("no broker"); });
  health.AddCheck("fine", [] { return absl::OkStatus(); });
  health.AddCheck("disk", [] { return absl::InternalError("is full"); });
  EXPECT_THAT(health.Ready(), StatusIs(StatusCode::kUnavailable,
                                       "disk: is full\nkafka: no broker"));
}

TEST(HealthTest, AsksEachTime) {
  Health health;
  absl::Status status = absl::UnavailableError("not yet");
  health.AddCheck("a", [&status] { return status; });
  EXPECT_THAT(health.Ready(), StatusIs(StatusCode::kUnavailable));
  status = absl::OkStatus();
  EXPECT_THAT(health.Ready(), IsOk());
}

TEST(HealthTest, ForgetsWhatIsRemoved) {
  Health health;
  health.AddCheck("a", [] { return absl::UnavailableError("x"); });
  health.RemoveCheck("a");
  health.RemoveCheck("never there");
  EXPECT_THAT(health.Ready(), IsOk());
}

TEST(HealthTest, IsNotReadyWhileStopping) {
  Health health;
  health.SetStopping();
  EXPECT_THAT(health.Ready(), StatusIs(StatusCode::kUnavailable, "stopping"));
}

}  // namespace
}  // namespace lamplighter
