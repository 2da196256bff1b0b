// Random schedules of intents, failures, limits, rebalances and crashes against
// a model of a forge and of Kafka: whatever happens, the forge ends up showing
// what was meant last, nothing is lost, and nothing is set twice.

#include <cstdint>
#include <cstdlib>
#include <random>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "services/dispatcher/deliverer/testing/delivery_world.h"

namespace lamplighter::dispatcher {
namespace {

constexpr int kSchedules = 12'000;

TEST(DelivererPropertyTest, TheForgeEndsUpShowingWhatWasMeantLast) {
  uint64_t first = std::random_device()();
  int schedules = kSchedules;
  // To repeat a failure: SEED=<the seed printed>.
  if (const char* seed = std::getenv("SEED"); seed != nullptr) {
    ASSERT_TRUE(absl::SimpleAtoi(seed, &first));
    schedules = 1;
  }
  DeliveryWorld::Reached reached;
  for (int i = 0; i < schedules; ++i) {
    SCOPED_TRACE(absl::StrCat("SEED=", first + i));
    DeliveryWorld world(first + i);
    world.RunSchedule();
    world.ExpectRightEnd();
    if (HasFailure()) return;
    reached.crashes += world.reached().crashes;
    reached.parked += world.reached().parked;
    reached.late += world.reached().late;
    reached.unchanged += world.reached().unchanged;
    reached.set_unknown_to_us += world.reached().set_unknown_to_us;
    reached.stood_in += world.reached().stood_in;
  }
  if (schedules == 1) return;
  EXPECT_GT(reached.crashes, schedules / 2);
  EXPECT_GT(reached.parked, schedules);
  EXPECT_GT(reached.late, schedules);
  EXPECT_GT(reached.unchanged, schedules);
  EXPECT_GT(reached.set_unknown_to_us, schedules / 10);
  EXPECT_GT(reached.stood_in, schedules / 2);
}

}  // namespace
}  // namespace lamplighter::dispatcher
