// Random schedules of intents, failures, rebalances and crashes against a model
// of a forge: whatever happens, the forge ends up showing what was meant last,
// and nothing is lost.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/kafka/record.h"
#include "common/time/testing/fake_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/dispatcher/deliverer/deliverer.h"

namespace lamplighter::dispatcher {
namespace {

constexpr int kSchedules = 10'000;
constexpr int kPartitions = 2;

// A forge, a partitioned log of intents, and a dispatcher in front of them that
// may die and be born again at the last committed offsets.
class World final : public DeliveryPort {
 public:
  // What a dispatcher knows of earlier statuses dies with it, and late events
  // cannot be told from new ones then: worlds have either crashes or late
  // events.
  explicit World(uint64_t seed)
      : random_(seed), jitter_(std::seed_seq{seed}), crashes_(Draw(0, 1) == 0) {
    Restart();
  }

  void RunSchedule() {
    const int steps = Draw(5, 60);
    for (int step = 0; step < steps; ++step) Step();
    healthy_ = true;
    // Everything must come to rest within simulated days.
    for (int i = 0; i < 2000 && !AtRest(); ++i) {
      ConsumeAll();
      AnswerOne();
      AdvanceToNextDue();
    }
  }

  void ExpectRightEnd() const {
    EXPECT_TRUE(AtRest()) << "work is stuck";
    for (const auto& [key, meant] : meant_) {
      const auto shown = shown_.find(key);
      ASSERT_NE(shown, shown_.end()) << key << " was lost";
      EXPECT_EQ(shown->second, meant.text) << key << " is stale";
    }
    EXPECT_LE(most_calls_of_a_key_, 1) << "two calls at once for one key";
    EXPECT_EQ(posts_of_equals_without_cause_, 0);
  }

 private:
  struct Meant {
    int64_t time;
    std::string text;
  };
  struct RunningCall {
    uint64_t id;
    v1::StatusIntent intent;
    bool known_different;
  };

  int Draw(int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(random_);
  }
  static std::string KeyOf(const v1::StatusIntent& intent) {
    return absl::StrCat(intent.sha(), intent.context());
  }
  static std::string TextOf(const v1::StatusIntent& intent) {
    return absl::StrCat(intent.state(), intent.description());
  }

  void Step() {
    switch (Draw(0, 9)) {
      case 0:
      case 1:
      case 2:
        Append();
        break;
      case 3:
      case 4:
        ConsumeAll();
        break;
      case 5:
      case 6:
        AnswerOne();
        break;
      case 7:
        healthy_ = Draw(0, 2) > 0;
        break;
      case 8:
        clock_.Advance(absl::Seconds(Draw(0, 120)));
        deliverer_->Tick();
        break;
      default:
        if (crashes_ && Draw(0, 3) == 0) Restart();
        if (crashes_ && Draw(0, 3) == 0) Rebalance(Draw(0, kPartitions - 1));
    }
  }

  // Somebody means something: usually later than before, at times not.
  void Append() {
    v1::StatusIntent intent;
    const int key = Draw(0, 3);
    intent.set_repository_id(absl::StrCat("r", key));
    intent.set_sha("s");
    intent.set_context(absl::StrCat("c", key));
    intent.mutable_provider()->set_name(absl::StrCat("p", key % 2));
    intent.set_state(Draw(0, 1) == 0 ? v1::SUCCESS : v1::FAILURE);
    intent.set_description(absl::StrCat("d", Draw(0, 2)));
    time_ += Draw(0, 2);
    const bool late = !crashes_ && Draw(0, 5) == 0;
    const int64_t time = late ? time_ - Draw(0, 5) : time_;
    intent.mutable_event_time()->set_seconds(time);
    Meant& meant = meant_[KeyOf(intent)];
    if (meant.text.empty() || time >= meant.time) {
      meant = {time, TextOf(intent)};
    }
    log_[key % kPartitions].push_back(std::move(intent));
  }

  void ConsumeAll() {
    for (int p = 0; p < kPartitions; ++p) {
      while (next_[p] < log_[p].size()) {
        const size_t offset = next_[p]++;
        deliverer_->Submit({log_[p][offset],
                            {"intents", p, static_cast<int64_t>(offset)},
                            ""});
      }
    }
  }

  // One call ends: it may have worked, failed before or after the write, or
  // both sides may disagree about it.
  void AnswerOne() {
    if (calls_.empty()) return;
    const auto it =
        calls_.begin() + Draw(0, static_cast<int>(calls_.size()) - 1);
    const RunningCall call = *it;
    calls_.erase(it);
    --running_[KeyOf(call.intent)];
    const bool fails = !healthy_ || Draw(0, 9) == 0;
    const bool writes = !fails || Draw(0, 2) == 0;
    v1::SetCommitStatusResponse response;
    if (writes) response.set_written(Write(call));
    if (fails) {
      deliverer_->OnAnswer(call.id, Draw(0, 1) == 0
                                        ? absl::UnavailableError("away")
                                        : absl::DeadlineExceededError("?"));
    } else {
      deliverer_->OnAnswer(call.id, response);
    }
  }

  // As a provider worker does it: reads first, unless the caller knows better.
  bool Write(const RunningCall& call) {
    std::string& shown = shown_[KeyOf(call.intent)];
    const bool equal = shown == TextOf(call.intent);
    if (equal && call.known_different) ++posts_of_equals_without_cause_;
    if (equal) return false;
    shown = TextOf(call.intent);
    return true;
  }

  void AdvanceToNextDue() {
    const absl::Duration due = deliverer_->NextDue();
    if (due == absl::InfiniteDuration()) return;
    if (due > clock_.MonotonicNow())
      clock_.Advance(due - clock_.MonotonicNow());
    deliverer_->Tick();
  }

  // kill -9, and a new process at the committed offsets. A call under way may
  // still reach the forge, but before the new process is there.
  void Restart() {
    for (const RunningCall& call : calls_) {
      if (Draw(0, 1) == 0) Write(call);
    }
    calls_.clear();
    running_.clear();
    deliverer_ = std::make_unique<Deliverer>(Deliverer::Options{}, clock_,
                                             jitter_, *this);
    for (int p = 0; p < kPartitions; ++p) Rewind(p);
  }

  // Reading goes on at the committed offset; what was done beyond it is not
  // known any more.
  void Rewind(int partition) {
    next_[partition] = Committed(partition);
    done_[partition].erase(done_[partition].lower_bound(next_[partition]),
                           done_[partition].end());
  }

  // The partition goes to another process and comes back: with its work
  // finished, as the consumer waits for calls under way.
  void Rebalance(int partition) {
    const TopicPartition given_up = {"intents", partition};
    deliverer_->Forget(given_up);
    while (deliverer_->Running(given_up) > 0) AnswerOne();
    Rewind(partition);
  }

  size_t Committed(int partition) const {
    size_t offset = 0;
    const auto done = done_.find(partition);
    if (done == done_.end()) return 0;
    while (done->second.contains(offset)) ++offset;
    return offset;
  }

  bool AtRest() const {
    for (int p = 0; p < kPartitions; ++p) {
      if (Committed(p) < log_[p].size()) return false;
    }
    return calls_.empty() && deliverer_->held() == 0;
  }

  void Call(uint64_t call, const ReceivedIntent& received,
            bool known_different) override {
    int& running = running_[KeyOf(received.intent)];
    most_calls_of_a_key_ = std::max(most_calls_of_a_key_, ++running);
    calls_.push_back({call, received.intent, known_different});
  }

  void Finish(FinishedIntent finished) override {
    done_[finished.origin.partition].insert(finished.origin.offset);
  }

  std::mt19937_64 random_;
  absl::BitGen jitter_;
  const bool crashes_;
  FakeClock clock_;
  bool healthy_ = true;
  int64_t time_ = 1'700'000'000;
  std::unique_ptr<Deliverer> deliverer_;

  std::vector<v1::StatusIntent> log_[kPartitions];
  size_t next_[kPartitions] = {};
  std::map<int, std::set<size_t>> done_;

  std::vector<RunningCall> calls_;
  std::map<std::string, int> running_;
  std::map<std::string, std::string> shown_;
  std::map<std::string, Meant> meant_;
  int most_calls_of_a_key_ = 0;
  int posts_of_equals_without_cause_ = 0;
};

TEST(DelivererPropertyTest, TheForgeEndsUpShowingWhatWasMeantLast) {
  uint64_t first = std::random_device()();
  int schedules = kSchedules;
  // To repeat a failure: SEED=<the seed printed>.
  if (const char* seed = std::getenv("SEED"); seed != nullptr) {
    ASSERT_TRUE(absl::SimpleAtoi(seed, &first));
    schedules = 1;
  }
  for (int i = 0; i < schedules; ++i) {
    SCOPED_TRACE(absl::StrCat("SEED=", first + i));
    World world(first + i);
    world.RunSchedule();
    world.ExpectRightEnd();
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace lamplighter::dispatcher
