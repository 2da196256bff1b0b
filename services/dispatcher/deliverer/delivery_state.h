#pragma once

#include <deque>
#include <list>
#include <string>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/kafka/record.h"
#include "proto/lamplighter/v1/statuses.pb.h"
#include "services/dispatcher/deliverer/deliverer.h"
#include "services/dispatcher/deliverer/finished_intent.h"

namespace lamplighter::dispatcher {

// What Deliverer holds: its own business only.

// An intent on its way.
struct Deliverer::Work : ReceivedIntent {
  absl::Time event_time;
  absl::Duration submitted;  // monotonic
  // Not before then, because the last try failed.
  absl::Duration retry_at = -absl::InfiniteDuration();
  Attempts attempts;
  int failures = 0;        // in a row, those of an intent it replaced included
  bool forgotten = false;  // another process has it now
};

// One (repository, sha, context).
struct Deliverer::Key {
  // What the forge showed when we last looked.
  struct Shown {
    v1::CommitState state;
    std::string description;
    std::string target_url;
    absl::Time event_time;
    absl::Duration written;  // monotonic; long ago if it was there before
    bool certain = true;     // no call has failed since
  };
  enum class Place { kNowhere, kInLane, kLater };

  bool SameAsShown(const v1::StatusIntent& intent) const {
    return shown.has_value() && shown->certain &&
           shown->state == intent.state() &&
           shown->description == intent.description() &&
           shown->target_url == intent.target_url();
  }

  std::string name;
  TopicPartition partition;
  absl::optional<Work> waiting;
  absl::optional<Work> running;
  absl::optional<Shown> shown;
  Place place = Place::kNowhere;  // of the waiting work
  Lane* lane = nullptr;           // of the waiting work, with kInLane
  absl::Duration due;             // of the waiting work, with kLater
  bool idle = false;              // is in idle_, at idle_position
  std::list<Key*>::iterator idle_position;
};

// The work of one Provider object.
struct Deliverer::Lane {
  std::deque<Key*> ready;
  int running = 0;
  int failures = 0;  // in a row; while there are any, one call at a time
  absl::Duration opens = -absl::InfiniteDuration();
  absl::Duration last_failure = -absl::InfiniteDuration();
  bool has_turn = false;  // is in turns_
};

struct Deliverer::CallState {
  Key* key;
  Lane* lane;
  TopicPartition partition;
  absl::Duration started;
};

}  // namespace lamplighter::dispatcher
