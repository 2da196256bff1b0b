#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <set>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/node_hash_map.h"
#include "absl/random/bit_gen_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/kafka/record.h"
#include "common/time/backoff.h"
#include "common/time/clock.h"
#include "proto/lamplighter/v1/provider.pb.h"
#include "proto/lamplighter/v1/statuses.pb.h"
#include "services/dispatcher/deliverer/finished_intent.h"
#include "services/dispatcher/ledger/ledger.h"

namespace lamplighter::dispatcher {

// What the deliverer makes happen. All are called within the deliverer's own
// functions, and must not call it back from there.
class DeliveryPort {
 public:
  virtual ~DeliveryPort() = default;

  // Ask a provider worker to set the status; report to OnAnswer() with `call`.
  // `known_different`: see SetCommitStatusRequest.
  virtual void Call(uint64_t call, const ReceivedIntent& received,
                    bool known_different) = 0;

  // Tell the world what became of an intent, and be done with its record.
  virtual void Finish(FinishedIntent finished) = 0;

  // Keep an intent elsewhere until its time has come, and be done with its
  // record.
  virtual void Park(ParkedIntent parked) = 0;
};

// Decides when which status is set. The heart of the dispatcher, and no more
// than its decisions: it knows no Kafka, no gRPC and no timer, but a clock, and
// is told and tells through plain calls. On the loop only.
//
// Of all intents for one (repository, sha, context) only the newest counts, by
// event time, then by order of arrival: an older one is superseded, even while
// it waits; one that equals what the ledger says the forge shows needs no call;
// and of one key never two calls run at once, so that what the forge shows last
// is what was meant last. What only stands in for a result (`pending_until`) is
// older than any, and a pending of it takes the place of nothing.
//
// Keys are worked on at once, but for each Provider object (one credential) in
// a lane of its own. When a call fails for a reason that other calls of the
// lane share (forge away, rate limit, credential refused), the lane closes for
// a while, and then tries one call at a time until one succeeds. So a forge
// that is away, limited or locked delays its own work only, and hears from us
// rarely. Within a lane repositories take turns.
//
// What has to wait for long is parked: it leaves, and comes back as another
// intent that says what was tried. So is what cannot be done now, where so much
// waits that reading would have to stop.
class Deliverer {
 public:
  struct Options {
    // An intent that has been failing for so long is dead-lettered.
    absl::Duration give_up_after = absl::Hours(24);
    int max_calls = 64;
    int max_calls_per_lane = 32;
    // Between tries of a lane or an intent that fails.
    Backoff backoff = {};
    // The same while the credential is refused: whoever rotates it late loses
    // nothing.
    Backoff refused_backoff = {absl::Seconds(30), absl::Minutes(5)};
    // An unknown repository or commit may appear yet: so many tries, so far
    // apart.
    int not_found_tries = 3;
    absl::Duration not_found_interval = absl::Seconds(30);
    // Tries of a call that fails with a bug (INTERNAL, UNKNOWN, ...).
    int internal_tries = 5;
    // Where only the message of an unchanged error changes, it is rewritten no
    // more often.
    absl::Duration message_interval = absl::Minutes(5);
    // What has to wait longer for its next try is parked, for as long as that
    // or, at most, max_parked.
    absl::Duration park_after = absl::Minutes(1);
    absl::Duration max_parked = absl::Minutes(5);
    // From so many intents, or bytes of them, on everything is parked that has
    // to wait, but for one of each lane to try it with.
    size_t crowded_at = 5000;
    size_t crowded_at_bytes = 32 << 20;
    // Of each partition, statuses that a former process may have been setting
    // and that are therefore read first: as many as it held at most.
    size_t max_inherited = 10'000;
  };

  // All that is given must outlive the deliverer, which alone changes `ledger`
  // while there is work.
  Deliverer(const Options& options, const Clock& clock, absl::BitGenRef random,
            Ledger& ledger, DeliveryPort& port);
  Deliverer(const Deliverer&) = delete;
  Deliverer& operator=(const Deliverer&) = delete;
  ~Deliverer();

  // Takes on an intent of a partition that the ledger knows. Those of one key
  // come in the order of their origins.
  void Submit(ReceivedIntent received);

  // The answer to a Call().
  void OnAnswer(uint64_t call,
                const absl::StatusOr<v1::SetCommitStatusResponse>& answer);

  // Starts what has become due.
  void Tick();

  // When Tick() has something to do next, by Clock::MonotonicNow();
  // InfiniteDuration if nothing waits for time to pass.
  absl::Duration NextDue() const;

  // Forgets what waits of `partition`, which another process works on from now
  // on. A call that runs still finishes its intent if it
  // succeeds, and is forgotten if it fails.
  void Forget(const TopicPartition& partition);

  // From now on no call is started; what waits stays.
  void StopCalling() { calling_ = false; }

  // Calls under way: all, and of one partition.
  size_t running() const { return calls_.size(); }
  size_t Running(const TopicPartition& partition) const;

  // Intents that wait or are being set.
  size_t held() const { return held_; }

 private:
  struct Work;
  struct Key;
  struct Lane;
  struct CallState;

  Work MakeWork(ReceivedIntent received) const;
  Key& FindOrMakeKey(const v1::StatusIntent& intent);
  Lane& LaneOf(const v1::StatusIntent& intent);
  // Whether a former process may have set what the ledger does not know of.
  // Each yes counts towards max_inherited.
  bool MayBeSet(const Work& work);
  // Whether `work` is a pending for a commit that has a status of the context,
  // whichever: a pending comes first or not at all.
  static bool IsNeedless(const LedgerEntry* known, const Work& work);
  // Whether `work` may not be set, because something newer is known; and why.
  absl::optional<std::string> WhySuperseded(const Key& key,
                                            const LedgerEntry* known,
                                            const Work& work) const;

  // Decides where the waiting work of `key`, which runs none, goes: out, to its
  // lane, to wait for its time, or elsewhere.
  void Place(Key& key);
  // Takes `key` out of its lane's queue or off the waiting ones.
  void Unplace(Key& key);
  // When an error's message may be written again.
  absl::Duration MessageDue(const LedgerEntry* known,
                            const v1::StatusIntent& intent) const;
  bool Crowded() const;
  void Pump();
  void Start(Key& key);
  bool CanStart(const Lane& lane) const;
  void Activate(Lane& lane);

  void OnSuccess(Key& key, Work work,
                 const v1::SetCommitStatusResponse& answer);
  void OnFailure(Key& key, Work work, const CallState& call,
                 const absl::Status& error);
  // Whether waiting can mend `error`, given what was tried.
  bool ShouldRetry(const Work& work, const absl::Status& error) const;
  void CloseLane(Lane& lane, absl::Duration started, const absl::Status& error);
  // Gives up and parks what should not wait in a lane that has closed.
  void Relieve(Lane& lane);

  // What follows ends a work, whose key is to be settled afterwards.
  void FinishUnchanged(Key& key, const LedgerEntry& known);
  void Supersede(Key& key, Work work, const std::string& why);
  void GiveUp(Key& key, Work work, v1::DeadLetter::Reason reason,
              const absl::Status& error);
  // `wait`: until it may be tried.
  void Park(Key& key, Work work, absl::Duration wait);
  void Finish(Work work, v1::StatusOutcome::Result result,
              const std::string& detail = "");
  // Of a work that ends without success: the ledger's topic must not forget
  // that the forge may show something else than it says.
  void RecordTries(Key& key, Work& work);
  void Drop(const Work& work);  // it is no longer held

  // Goes on with `key` after a call of it ended.
  void Continue(Key& key);
  // Forgets a key that has no work.
  void Settle(Key& key);
  uint32_t NowSeconds() const;

  const Options options_;
  const Clock& clock_;
  absl::BitGenRef random_;
  Ledger& ledger_;
  DeliveryPort& port_;
  bool calling_ = true;
  size_t held_ = 0;
  size_t held_bytes_ = 0;
  uint64_t next_call_ = 1;

  absl::node_hash_map<LedgerKey, Key> keys_;  // those that have work
  absl::node_hash_map<std::string, Lane> lanes_;
  absl::flat_hash_map<uint64_t, CallState> calls_;
  absl::flat_hash_map<TopicPartition, size_t> inherited_;  // that MayBeSet()
  std::set<std::pair<absl::Duration, Key*>> later_;    // by when they are due
  std::set<std::pair<absl::Duration, Lane*>> closed_;  // by when they open
  std::deque<Lane*> turns_;  // lanes that may start a call, each once
};

}  // namespace lamplighter::dispatcher
