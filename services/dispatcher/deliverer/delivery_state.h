#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/kafka/record.h"
#include "services/dispatcher/deliverer/deliverer.h"
#include "services/dispatcher/deliverer/fair_queue.h"
#include "services/dispatcher/deliverer/finished_intent.h"
#include "services/dispatcher/ledger/ledger.h"

namespace lamplighter::dispatcher {

// What Deliverer holds: its own business only.

// An intent on its way.
struct Deliverer::Work : ReceivedIntent {
  explicit Work(ReceivedIntent received)
      : ReceivedIntent(std::move(received)) {}

  Version version;
  size_t bytes = 0;
  absl::Time taken_at;     // first, by this process or another
  absl::Duration expires;  // monotonic
  // Not before then, because the last try failed.
  absl::Duration retry_at = -absl::InfiniteDuration();
  Attempts attempts;
  // In a row, those of an intent it replaced included: all, and those that
  // concern it alone.
  int failures = 0;
  int own_failures = 0;
  absl::optional<Version> remember;  // see FinishedIntent
  bool forgotten = false;            // another process has it now
};

// One (repository, sha, context) that has work.
struct Deliverer::Key {
  enum class Place { kNowhere, kInLane, kLater };

  LedgerKey id;
  TopicPartition partition;
  absl::optional<Work> waiting;
  absl::optional<Work> running;
  Place place = Place::kNowhere;   // of the waiting work
  Lane* lane = nullptr;            // of the waiting work, if it is anywhere
  FairQueue<Key*>::Place in_lane;  // of the waiting work, with kInLane
  bool keeps_place = false;        // it replaces what stood there
  absl::Duration due;              // of the waiting work, with kLater
};

// The work of one Provider object.
struct Deliverer::Lane {
  FairQueue<Key*> ready;
  size_t waiting = 0;  // ready, or to be so later
  int running = 0;
  int failures = 0;  // in a row; while there are any, one call at a time
  absl::Duration opens = -absl::InfiniteDuration();
  absl::Duration last_failure = -absl::InfiniteDuration();
  absl::Status error;     // the last
  bool has_turn = false;  // is in turns_
};

struct Deliverer::CallState {
  Key* key;
  Lane* lane;
  TopicPartition partition;
  absl::Duration started;
};

}  // namespace lamplighter::dispatcher
