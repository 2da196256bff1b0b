// Pushes, results and time-outs in every order, with restarts in between: what
// the commit shows in the end, by way of the intents' and the ledger's topics.

#include <algorithm>
#include <chrono>
#include <exception>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/co_spawn.hpp"
#include "boost/asio/io_context.hpp"
#include "common/async/timer_sleeper.h"
#include "common/kafka/testing/fake_consumer.h"
#include "common/kafka/testing/fake_producer.h"
#include "common/kafka/testing/fake_topic_reader.h"
#include "common/kafka/topic_names.h"
#include "common/metrics/metrics.h"
#include "common/time/proto_time.h"
#include "common/time/testing/fake_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/dispatcher/deliverer/intent_handler.h"
#include "services/dispatcher/deliverer/status_setter.h"

namespace lamplighter::dispatcher {
namespace {

constexpr char kOldCommit[] = "0ldc0mm17";
constexpr char kCommit[] = "newc0mm17";

// Shows what is set, but as a provider worker does: what stands in for a result
// takes the place of nothing, or of what is pending.
class FakeForge final : public StatusSetter {
 public:
  boost::asio::awaitable<absl::StatusOr<v1::SetCommitStatusResponse>> Set(
      v1::SetCommitStatusRequest request,
      std::string /*traceparent*/) override {
    const v1::StatusIntent& intent = request.intent();
    v1::CommitState& state = shown[{intent.sha(), intent.context()}];
    v1::SetCommitStatusResponse response;
    response.set_written(state != intent.state());
    const bool may_replace =
        !intent.has_pending_until() || state == intent.state() ||
        state == v1::COMMIT_STATE_UNSPECIFIED ||
        (state == v1::PENDING && intent.state() == v1::ERROR);
    if (!may_replace) co_return absl::AlreadyExistsError("shown");
    if (response.written()) history[intent.context()].push_back(intent.state());
    state = intent.state();
    co_return response;
  }

  v1::CommitState Shown(const std::string& context) {
    return shown[{kCommit, context}];
  }

  std::map<std::pair<std::string, std::string>, v1::CommitState> shown;
  std::map<std::string, std::vector<v1::CommitState>> history;
};

// A dispatcher's deliverer.
struct Process {
  Process(boost::asio::io_context& loop, FakeTopic& ledger, FakeForge& forge,
          const Clock& clock)
      : producer(loop),
        reader(ledger),
        handler(
            {.deliverer = {},
             .roll_ups = {},
             .restorer = {},
             .pending = PendingStatuses::Options{.contexts = {}, .seen = {}}},
            loop, forge, consumer, producer, reader, sleeper, clock, metrics) {
    EXPECT_TRUE(consumer.Start(handler).ok());
  }

  FakeConsumer consumer;
  FakeProducer producer;
  FakeTopicReader reader;
  TimerSleeper sleeper;
  Metrics registry;
  DispatcherMetrics metrics{registry};
  IntentHandler handler;
  size_t read = 0;      // of the intents
  size_t produced = 0;  // that are on their topics
};

class PendingFlowTest : public ::testing::Test {
 protected:
  PendingFlowTest() { Begin(); }
  ~PendingFlowTest() override { End(); }

  void Begin() {
    ledger_ = std::make_unique<FakeTopic>(kStatusLedgerTopic);
    forge_ = std::make_unique<FakeForge>();
    clock_ = std::make_unique<FakeClock>();
    intents_.clear();
    Start();
    Append(Result(kOldCommit, "web"));
    Append(Result(kOldCommit, "db"));
    Settle();
    forge_->history.clear();
    // The forge's clock is right, and the cluster's is not.
    pushed_ = clock_->Now();
  }
  void Start() {
    process_ = std::make_unique<Process>(loop_, *ledger_, *forge_, *clock_);
    process_->consumer.Assign({{kStatusIntentsTopic, 0}});
  }
  void End() {
    bool ended = false;
    boost::asio::co_spawn(
        loop_, process_->handler.Drain(absl::ZeroDuration()),
        [&ended](const std::exception_ptr& /*error*/) { ended = true; });
    loop_.restart();
    while (!ended) ASSERT_GT(loop_.run_one_for(std::chrono::seconds(10)), 0u);
    process_.reset();
  }
  // The next process reads everything again: more than ever happens.
  void Restart() {
    End();
    Start();
    Settle();
  }

  static v1::StatusIntent Commit(const std::string& sha) {
    v1::StatusIntent intent;
    intent.set_repository_id("github.com/acme/fleet");
    intent.set_sha(sha);
    return intent;
  }
  v1::StatusIntent Result(const std::string& sha,
                          const std::string& context) const {
    v1::StatusIntent intent = Commit(sha);
    intent.set_id(absl::StrCat("event/", sha, "/", context));
    intent.set_context(context);
    intent.set_state(v1::SUCCESS);
    *intent.mutable_event_time() = ToProto(clock_->Now() - absl::Minutes(10));
    return intent;
  }
  void Append(const v1::StatusIntent& intent) {
    Record record;
    record.topic = kStatusIntentsTopic;
    record.key = intent.repository_id();
    record.value = intent.SerializeAsString();
    intents_.push_back(std::move(record));
  }
  void AppendPush() {
    v1::StatusIntent intent = Commit(kCommit);
    intent.set_id("delivery/pending");
    intent.set_state(v1::PENDING);
    intent.set_seen_contexts(true);
    *intent.mutable_event_time() = ToProto(pushed_);
    *intent.mutable_pending_until() = ToProto(pushed_ + absl::Hours(1));
    Append(intent);
  }

  // Until nothing happens any more.
  void Settle() {
    for (int idle = 0; idle < 3;) {
      const size_t before = intents_.size();
      while (process_->read < intents_.size()) {
        process_->consumer.Push(intents_[process_->read++]);
      }
      loop_.restart();
      loop_.run_for(std::chrono::milliseconds(1));
      const std::vector<Record>& records = process_->producer.records();
      const bool moved = process_->produced < records.size();
      for (; process_->produced < records.size(); ++process_->produced) {
        const Record& record = records[process_->produced];
        if (record.topic == kStatusIntentsTopic) intents_.push_back(record);
        if (record.topic == kStatusLedgerTopic) ledger_->Write(record);
      }
      const bool done = process_->consumer.done().size() >= process_->read;
      idle = moved || !done || intents_.size() > before ? 0 : idle + 1;
    }
  }

  boost::asio::io_context loop_;
  std::unique_ptr<FakeTopic> ledger_;
  std::unique_ptr<FakeForge> forge_;
  std::unique_ptr<FakeClock> clock_;
  std::vector<Record> intents_;
  std::unique_ptr<Process> process_;
  absl::Time pushed_;
};

TEST_F(PendingFlowTest, APushShowsPendingAResultReplacesItTheRestTimesOut) {
  AppendPush();
  Settle();
  EXPECT_EQ(forge_->Shown("web"), v1::PENDING);
  EXPECT_EQ(forge_->Shown("db"), v1::PENDING);
  Append(Result(kCommit, "web"));
  Settle();
  EXPECT_EQ(forge_->Shown("web"), v1::SUCCESS);
  clock_->Advance(absl::Hours(2));
  Restart();
  EXPECT_EQ(forge_->Shown("web"), v1::SUCCESS);
  EXPECT_EQ(forge_->Shown("db"), v1::ERROR);
  EXPECT_EQ(process_->metrics.pendings_timed_out.Value(), 1);
  Append(Result(kCommit, "db"));
  Settle();
  EXPECT_EQ(forge_->Shown("db"), v1::SUCCESS) << "it came late, and is older";
}

TEST_F(PendingFlowTest, WhateverTheOrderTheResultIsWhatIsShown) {
  std::string order = "PRT";  // push, result, time-out
  std::sort(order.begin(), order.end());
  do {
    for (int restarts = 0; restarts < 8; ++restarts) {
      SCOPED_TRACE(absl::StrCat(order, " with restarts ", restarts));
      End();
      Begin();
      for (size_t step = 0; step < order.size(); ++step) {
        if (order[step] == 'P') AppendPush();
        if (order[step] == 'R') Append(Result(kCommit, "web"));
        if (order[step] == 'T') {
          Settle();
          clock_->Advance(absl::Hours(2));
          Restart();
        }
        // Either at once with the next, or with time in between.
        if ((restarts >> step) & 1) Restart();
      }
      Settle();
      EXPECT_EQ(forge_->Shown("web"), v1::SUCCESS);
      const bool in_time = order.find('P') < order.find('T');
      EXPECT_EQ(forge_->Shown("db"),
                in_time ? v1::ERROR : v1::COMMIT_STATE_UNSPECIFIED);
      for (const auto& [context, states] : forge_->history) {
        const auto result =
            std::find(states.begin(), states.end(), v1::SUCCESS);
        EXPECT_TRUE(result == states.end() || result + 1 == states.end())
            << context << ": a result was overwritten";
      }
      if (HasFailure()) return;
    }
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_F(PendingFlowTest, AStatusThatTheLedgerDoesNotKnowStays) {
  forge_->shown[{kCommit, "web"}] = v1::SUCCESS;
  AppendPush();
  Settle();
  EXPECT_EQ(forge_->Shown("web"), v1::SUCCESS);
  EXPECT_EQ(forge_->Shown("db"), v1::PENDING);
  EXPECT_EQ(process_->metrics.superseded.Value(), 1);
  clock_->Advance(absl::Hours(2));
  Restart();
  EXPECT_EQ(forge_->Shown("web"), v1::SUCCESS) << "and does not time out";
  EXPECT_EQ(forge_->Shown("db"), v1::ERROR);
}

TEST_F(PendingFlowTest, APushAgainDoesNotBeginAnew) {
  AppendPush();
  Settle();
  clock_->Advance(absl::Hours(2));
  Restart();
  pushed_ = clock_->Now();  // redelivered
  AppendPush();
  Settle();
  EXPECT_THAT(forge_->history["web"],
              ::testing::ElementsAre(v1::PENDING, v1::ERROR));
}

}  // namespace
}  // namespace lamplighter::dispatcher
