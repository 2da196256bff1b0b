#include "services/provider/turns.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "boost/asio/co_spawn.hpp"
#include "boost/asio/detached.hpp"
#include "boost/asio/io_context.hpp"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;
using ::absl::StatusCode;
using ::testing::ElementsAre;

using TurnOr = absl::StatusOr<Turns::Turn>;

class TurnsTest : public ::testing::Test {
 protected:
  // Asks for a turn; what comes of it is at that place in `taken_`.
  size_t Ask(const std::string& credential,
             absl::Duration wait = absl::Minutes(1)) {
    const size_t i = taken_.size();
    taken_.emplace_back();
    asio::co_spawn(loop_, turns_.Take(credential, wait),
                   [this, i](const std::exception_ptr&, TurnOr turn) {
                     taken_[i] = std::make_unique<TurnOr>(std::move(turn));
                     order_.push_back(i);
                   });
    Poll();
    return i;
  }

  void End(size_t i) {
    taken_[i].reset();
    Poll();
  }

  void Poll() {
    loop_.restart();
    loop_.poll();
  }

  bool Has(size_t i) const { return taken_[i] != nullptr && taken_[i]->ok(); }

  asio::io_context loop_;
  Turns turns_{2, 3};
  std::vector<std::unique_ptr<TurnOr>> taken_;
  std::vector<size_t> order_;
};

TEST_F(TurnsTest, LetsSoManyOfACredentialWorkAtOnce) {
  Ask("a");
  Ask("a");
  const size_t third = Ask("a");
  EXPECT_FALSE(Has(third));
  EXPECT_TRUE(Has(Ask("b"))) << "another credential does not wait";
  End(0);
  EXPECT_TRUE(Has(third));
}

TEST_F(TurnsTest, GivesTurnsInTheOrderTheyWereAskedFor) {
  for (int i = 0; i < 5; ++i) Ask("a");
  for (size_t i = 0; i < 5; ++i) End(i);
  EXPECT_THAT(order_, ElementsAre(0, 1, 2, 3, 4));
}

TEST_F(TurnsTest, RefusesWhereTooManyWait) {
  for (int i = 0; i < 5; ++i) Ask("a");
  const size_t sixth = Ask("a");
  EXPECT_THAT(*taken_[sixth], StatusIs(StatusCode::kUnavailable));
}

TEST_F(TurnsTest, GivesUpInTimeAndLeavesTheLine) {
  Ask("a");
  Ask("a");
  const size_t late = Ask("a", absl::Milliseconds(1));
  const size_t next = Ask("a");
  loop_.restart();
  while (taken_[late] == nullptr) loop_.run_one();
  EXPECT_THAT(*taken_[late], StatusIs(StatusCode::kUnavailable));
  End(0);
  EXPECT_TRUE(Has(next)) << "the turn goes to who still waits";
}

TEST_F(TurnsTest, FreesATurnThatNobodyWaitsFor) {
  for (int round = 0; round < 10; ++round) {
    const size_t i = Ask("a");
    EXPECT_TRUE(Has(i));
    End(i);
  }
}

}  // namespace
}  // namespace lamplighter::provider
