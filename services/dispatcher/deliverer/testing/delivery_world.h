#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/random/random.h"
#include "absl/types/optional.h"
#include "common/time/testing/fake_clock.h"
#include "services/dispatcher/deliverer/deliverer.h"
#include "services/dispatcher/ledger/ledger.h"

namespace lamplighter::dispatcher {

// A forge, the topics of intents, retries and the ledger, and a dispatcher
// between them that may die at any moment and be born again at the committed
// offsets, with what the ledger's topic says.
class DeliveryWorld final : public DeliveryPort {
 public:
  explicit DeliveryWorld(uint64_t seed);

  // Random steps, and then rest: everything must end within simulated days.
  void RunSchedule();
  void ExpectRightEnd() const;

  // What happened, to see that schedules reach what they are for.
  struct Reached {
    int64_t crashes = 0;
    int64_t parked = 0;
    int64_t late = 0;
    int64_t unchanged = 0;
    int64_t set_unknown_to_us = 0;  // by calls under way at a crash
    int64_t stood_in = 0;           // pendings, and errors in their place
  };
  const Reached& reached() const { return reached_; }

 private:
  static constexpr int kPartitions = 2;
  struct Meant {
    Version version;
    std::string text;
  };
  struct RunningCall {
    uint64_t id;
    v1::StatusIntent intent;
    Version version;
    bool known_different;
  };
  // A record on its way to a topic; its origin is done once all of its batch
  // are there.
  struct Batch {
    RecordPosition origin;
    int unwritten = 0;
  };
  struct Write {
    std::shared_ptr<Batch> batch;
    v1::StatusOutcome ledger;                // to the ledger, or
    absl::optional<v1::StatusIntent> retry;  // to the retries
  };
  struct Parked {
    v1::StatusIntent intent;
    bool done = false;
  };

  int Draw(int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(random_);
  }
  static std::string KeyOf(const v1::StatusIntent& intent) {
    return intent.repository_id();
  }
  static std::string TextOf(const v1::StatusIntent& intent);
  static int PartitionOf(const v1::StatusIntent& intent);

  void Step();
  void Append();
  void ConsumeSome(int most);
  void AnswerOne();
  bool WriteToForge(const RunningCall& call);
  bool Refuses(const v1::StatusIntent& intent);
  void ReturnRetries();
  void AdvanceToNextDue();
  void WriteOne(std::deque<Write>& queue);
  void WriteAll();
  void Crash();
  void Rebalance(int partition);
  void Restore(int partition);
  void NoteLedger(int partition);
  void Rewind(int partition);
  size_t Committed(int partition) const;
  bool AtRest() const;

  void Call(uint64_t call, const ReceivedIntent& received,
            bool known_different) override;
  void Finish(FinishedIntent finished) override;
  void Park(ParkedIntent parked) override;

  std::mt19937_64 random_;
  absl::BitGen jitter_;
  // With a ledger that forgets, nothing may come late.
  const bool forgetful_;
  const bool crowded_;
  FakeClock clock_;
  bool healthy_ = true;
  int64_t time_ = 1'700'000'000;
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<Deliverer> deliverer_;

  // What Kafka holds.
  std::vector<v1::StatusIntent> intents_[kPartitions];
  std::vector<v1::StatusOutcome> ledger_topic_[kPartitions];
  std::vector<Parked> retries_;
  std::map<int, std::set<size_t>> done_;  // of the intents
  // What it has been given and not acknowledged.
  std::deque<Write> ledger_writes_;
  std::deque<Write> retry_writes_;
  std::deque<std::shared_ptr<Batch>> others_;  // to topics nobody reads here
  size_t next_[kPartitions] = {};
  size_t inherited_end_[kPartitions] = {};

  std::vector<RunningCall> calls_;
  std::map<std::string, int> running_;
  std::map<std::string, std::string> shown_;
  std::map<std::string, Version> newest_written_;
  std::map<std::string, Meant> meant_;
  std::set<std::string> stood_in_;  // keys
  int repeats_ = 0;
  int most_calls_of_a_key_ = 0;
  int older_over_newer_ = 0;
  Reached reached_;
};

}  // namespace lamplighter::dispatcher
