#include "common/async/task_group.h"

#include <optional>
#include <stdexcept>
#include <string>

#include "absl/status/status.h"
#include "boost/asio/co_spawn.hpp"
#include "boost/asio/detached.hpp"
#include "boost/asio/io_context.hpp"
#include "common/async/timer_sleeper.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

namespace asio = boost::asio;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

asio::awaitable<void> SleepFor(absl::Duration duration,
                               std::optional<absl::Status>& result) {
  TimerSleeper sleeper;
  result = co_await sleeper.SleepFor(duration);
}

asio::awaitable<void> Throw() {
  throw std::runtime_error("out of luck");
  co_return;
}

asio::awaitable<void> SpawnAnother(TaskGroup& group,
                                   std::optional<absl::Status>& result) {
  group.Spawn(SleepFor(absl::Milliseconds(5), result));
  co_return;
}

class TaskGroupTest : public ::testing::Test {
 protected:
  // Runs the loop until the group is drained and nothing is left to do.
  void Drain(absl::Duration limit) {
    asio::co_spawn(loop_, group_.Drain(limit), asio::detached);
    loop_.run();
  }

  asio::io_context loop_;
  TaskGroup group_{loop_.get_executor(), "test"};
  std::optional<absl::Status> result_;
};

TEST_F(TaskGroupTest, DrainWaitsForTasks) {
  group_.Spawn(SleepFor(absl::Milliseconds(10), result_));
  EXPECT_EQ(group_.size(), 1);
  Drain(absl::Seconds(10));
  EXPECT_EQ(result_, absl::OkStatus());
  EXPECT_EQ(group_.size(), 0);
}

TEST_F(TaskGroupTest, DrainWaitsForWhatTasksSpawn) {
  group_.Spawn(SpawnAnother(group_, result_));
  Drain(absl::Seconds(10));
  EXPECT_EQ(result_, absl::OkStatus());
}

TEST_F(TaskGroupTest, DrainOfNothingEndsAtOnce) {
  Drain(absl::InfiniteDuration());
  EXPECT_EQ(group_.size(), 0);
}

TEST_F(TaskGroupTest, DrainCancelsWhatOutlastsTheLimit) {
  std::optional<absl::Status> other;
  group_.Spawn(SleepFor(absl::Hours(1), result_));
  group_.Spawn(SleepFor(absl::Hours(1), other));
  ::testing::internal::CaptureStderr();
  Drain(absl::Milliseconds(10));
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              AllOf(HasSubstr("WARNING cancelling tasks group=test tasks=2\n"),
                    Not(HasSubstr("ERROR"))));
  EXPECT_EQ(result_, absl::CancelledError("wait cancelled"));
  EXPECT_EQ(other, absl::CancelledError("wait cancelled"));
}

TEST_F(TaskGroupTest, LogsWhatEscapesATaskAndGoesOn) {
  group_.Spawn(Throw());
  group_.Spawn(SleepFor(absl::Milliseconds(1), result_));
  ::testing::internal::CaptureStderr();
  Drain(absl::Seconds(10));
  EXPECT_THAT(
      ::testing::internal::GetCapturedStderr(),
      HasSubstr("ERROR task failed group=test error=\"out of luck\"\n"));
  EXPECT_EQ(result_, absl::OkStatus());
}

TEST_F(TaskGroupTest, TakesNothingOnceDrained) {
  Drain(absl::Seconds(10));
  ::testing::internal::CaptureStderr();
  group_.Spawn(Throw());
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              HasSubstr("task comes too late"));
  EXPECT_EQ(group_.size(), 0);
}

TEST_F(TaskGroupTest, ADestroyedGroupCancelsItsTasks) {
  {
    TaskGroup group(loop_.get_executor(), "short");
    group.Spawn(SleepFor(absl::Hours(1), result_));
    loop_.poll();
  }
  loop_.run();
  EXPECT_EQ(result_, absl::CancelledError("wait cancelled"));
}

}  // namespace
}  // namespace lamplighter
