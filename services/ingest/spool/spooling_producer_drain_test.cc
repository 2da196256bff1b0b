#include <algorithm>
#include <chrono>
#include <exception>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "boost/asio/co_spawn.hpp"
#include "common/kafka/record.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/ingest/spool/spooling_producer.h"
#include "services/ingest/spool/testing/spooling_producer_test.h"

namespace lamplighter::ingest {
namespace {

namespace asio = boost::asio;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_F(SpoolingProducerTest, DrainsInOrderAndThenSendsStraightAgain) {
  broker_.Fail(absl::UnavailableError("away"));
  std::vector<std::string> wanted;
  for (int i = 0; i < 20; ++i) {
    wanted.push_back(absl::StrCat(i));
    ASSERT_THAT(ProduceAndAwait(absl::StrCat("key", i % 3), wanted.back()),
                IsOk());
  }
  broker_.Take();
  AwaitDrained();
  EXPECT_EQ(broker_.Values(), wanted);
  EXPECT_EQ(broker_.records()[3].key, "key0");
  EXPECT_EQ(broker_.records()[3].headers.at(0).value, "3");
  EXPECT_EQ(Metric("spool_drained_total"), 20);

  ASSERT_THAT(ProduceAndAwait("k", "straight"), IsOk());
  EXPECT_EQ(broker_.Values().back(), "straight");
  EXPECT_EQ(Metric("spool_spooled_total"), 20);
}

TEST_F(SpoolingProducerTest, PutsArrivalsBehindWhatIsBeingDrained) {
  broker_.Fail(absl::UnavailableError("away"));
  ASSERT_THAT(ProduceAndAwait("k", "1"), IsOk());
  ASSERT_THAT(ProduceAndAwait("k", "2"), IsOk());
  broker_.Park();
  RunUntil([this] { return broker_.parked() > 0; });
  // "1" is on its way, alone: the first asks whether the broker is back.
  ASSERT_THAT(ProduceAndAwait("k", "3"), IsOk());
  EXPECT_THAT(broker_.Values(), IsEmpty());
  broker_.Take();
  broker_.ReleaseAll();
  AwaitDrained();
  EXPECT_THAT(broker_.Values(), ElementsAre("1", "2", "3"));
}

TEST_F(SpoolingProducerTest, HoldsArrivalsWhileTheLastOfTheSpoolIsOnItsWay) {
  broker_.Fail(absl::UnavailableError("away"));
  for (const char* const value : {"1", "2"}) {
    ASSERT_THAT(ProduceAndAwait("k", value), IsOk());
  }
  broker_.Park();
  // "1" asks the way, then "2" goes, and it is all there was.
  RunUntil([this] { return broker_.parked() == 1; });
  broker_.ReleaseAll();
  RunUntil([this] { return broker_.parked() == 1; });
  ASSERT_THAT(ProduceAndAwait("k", "3"), IsOk());  // onto the spool
  broker_.ReleaseAll();
  RunUntil([this] { return broker_.parked() == 1; });
  const auto held = Produce("k", "4");  // "3" is the last
  broker_.Take();
  broker_.ReleaseAll();
  ASSERT_THAT(Await(held), IsOk());
  EXPECT_EQ((**held)->partition, 0);
  EXPECT_THAT(broker_.Values(), ElementsAre("1", "2", "3", "4"));
  EXPECT_EQ(Metric("spool_spooled_total"), 3);
}

TEST_F(SpoolingProducerTest, SpoolsWhatItHeldWhenTheBrokerGoesAwayAgain) {
  options_.spool.max_waiting_records = 2;
  Open();
  broker_.Fail(absl::UnavailableError("away"));
  ASSERT_THAT(ProduceAndAwait("k", "1"), IsOk());
  ASSERT_THAT(ProduceAndAwait("k", "2"), IsOk());
  broker_.Park();
  RunUntil([this] { return broker_.parked() == 1; });
  broker_.ReleaseAll();
  RunUntil([this] { return broker_.parked() == 1; });
  ASSERT_THAT(ProduceAndAwait("k", "3"), IsOk());
  broker_.ReleaseAll();
  RunUntil([this] { return broker_.parked() == 1; });
  const auto held = Produce("k", "4");
  const auto too = Produce("k", "5");
  EXPECT_THAT(Await(Produce("k", "one too many")),
              StatusIs(absl::StatusCode::kResourceExhausted));
  broker_.Fail(absl::UnavailableError("away"));
  broker_.EndAll(absl::UnavailableError("away"));
  EXPECT_THAT(Await(held), IsOk());
  EXPECT_THAT(Await(too), IsOk());
  EXPECT_EQ((**held)->partition, -1);
  broker_.Take();
  AwaitDrained();
  EXPECT_THAT(broker_.Values(), ElementsAre("1", "2", "3", "4", "5"));
}

TEST_F(SpoolingProducerTest, KeepsThePlaceOfARecordThatFailsLate) {
  broker_.Park();
  const auto first = Produce("k", "1");
  broker_.Fail(absl::UnavailableError("away"));
  ASSERT_THAT(ProduceAndAwait("other", "2"), IsOk());
  ASSERT_THAT(ProduceAndAwait("k", "3"), IsOk());
  broker_.Take();
  // Nothing is drained while it is not known what becomes of the first.
  for (int i = 0; i < 50; ++i) loop_.run_one();
  EXPECT_THAT(broker_.Values(), IsEmpty());
  broker_.EndAll(absl::UnavailableError("timed out"));
  ASSERT_THAT(Await(first), IsOk());
  AwaitDrained();
  EXPECT_THAT(broker_.Values(), ElementsAre("1", "2", "3"));
}

TEST_F(SpoolingProducerTest, SendsAgainFromTheFirstThatFailedInABatch) {
  broker_.Fail(absl::UnavailableError("away"));
  for (const char* const value : {"1", "2", "3", "4"}) {
    ASSERT_THAT(ProduceAndAwait("k", value), IsOk());
  }
  broker_.Park();
  RunUntil([this] { return broker_.parked() == 1; });
  broker_.ReleaseAll();
  RunUntil([this] { return broker_.parked() == 3; });
  broker_.End(1, absl::UnavailableError("lost"));  // "3"
  broker_.Take();
  broker_.ReleaseAll();
  AwaitDrained();
  EXPECT_THAT(broker_.Values(), ElementsAre("1", "2", "4", "3", "4"));
}

TEST_F(SpoolingProducerTest, DrainsWhatAnEarlierProcessLeftBeforeAnythingNew) {
  broker_.Fail(absl::UnavailableError("away"));
  ASSERT_THAT(ProduceAndAwait("k", "1"), IsOk());
  ASSERT_THAT(ProduceAndAwait("k", "2"), IsOk());
  broker_.Take();
  Open();
  EXPECT_THAT(ProduceAndAwait("k", "3"), IsOk());
  AwaitDrained();
  EXPECT_THAT(broker_.Values(), ElementsAre("1", "2", "3"));
}

TEST_F(SpoolingProducerTest, LeavesOnTheSpoolWhatIsNotAcknowledgedAtAStop) {
  broker_.Fail(absl::UnavailableError("away"));
  ASSERT_THAT(ProduceAndAwait("k", "1"), IsOk());
  ASSERT_THAT(ProduceAndAwait("k", "2"), IsOk());
  broker_.Park();
  RunUntil([this] { return broker_.parked() == 1; });
  bool stopped = false;
  asio::co_spawn(loop_, producer_->Stop(absl::ZeroDuration()),
                 [&](const std::exception_ptr&) { stopped = true; });
  broker_.ReleaseAll();
  RunUntil([&] { return stopped; });
  EXPECT_THAT(broker_.Values(), ElementsAre("1"));
  broker_.Take();
  Open();
  AwaitDrained();
  EXPECT_EQ(broker_.Values().back(), "2");
}

// Senders that send one after the other, a broker that comes and goes and may
// have taken what it said it had not, and processes that begin anew.
TEST_F(SpoolingProducerTest, LosesNothingAndKeepsEachKeysOrderWhateverHappens) {
  constexpr int kKeys = 8;
  std::mt19937 random(20261121);  // NOLINT: the same each time, on purpose
  options_.max_batch_records = 5;
  Open();
  std::vector<std::shared_ptr<Result>> under_way(kKeys);
  std::vector<int> next(kKeys);
  std::map<std::string, std::vector<int>> accepted;
  std::vector<int> value(kKeys);
  for (int step = 0; step < 4000; ++step) {
    const int what = static_cast<int>(random() % 200);
    if (what == 0) Open();
    if (what < 3) broker_.Fail(absl::UnavailableError("away"));
    if (what == 3) broker_.FailAfterTaking(absl::UnavailableError("who knows"));
    if (what >= 4 && what < 8) broker_.Take();
    const int key = static_cast<int>(random() % kKeys);
    const std::string name = absl::StrCat("key", key);
    std::shared_ptr<Result>& sent = under_way[key];
    if (what == 0) std::fill(under_way.begin(), under_way.end(), nullptr);
    if (sent != nullptr && sent->has_value()) {
      if ((*sent)->ok()) accepted[name].push_back(value[key]);
      sent = nullptr;
    }
    if (sent == nullptr) {
      value[key] = next[key]++;
      sent = Produce(name, absl::StrCat(value[key]));
    }
    for (uint32_t turns = random() % 4; turns > 0; --turns) {
      loop_.run_one_for(std::chrono::milliseconds(1));
    }
  }
  for (int key = 0; key < kKeys; ++key) {
    if (under_way[key] == nullptr) continue;
    if (Await(under_way[key]).ok()) {
      accepted[absl::StrCat("key", key)].push_back(value[key]);
    }
  }
  broker_.Take();
  AwaitDrained();

  size_t total = 0;
  std::map<std::string, std::vector<int>> first_seen;
  for (const Record& record : broker_.records()) {
    std::vector<int>& seen = first_seen[record.key];
    const int number = std::stoi(record.value);
    if (std::find(seen.begin(), seen.end(), number) == seen.end()) {
      seen.push_back(number);
    }
  }
  for (auto& [key, seen] : first_seen) {
    EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end())) << key;
    EXPECT_TRUE(std::includes(seen.begin(), seen.end(), accepted[key].begin(),
                              accepted[key].end()))
        << key;
    total += accepted[key].size();
  }
  EXPECT_GT(total, 500u);
  EXPECT_GT(broker_.failures(), 100);
}

}  // namespace
}  // namespace lamplighter::ingest
