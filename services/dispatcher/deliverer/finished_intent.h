#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/kafka/record.h"
#include "proto/lamplighter/v1/statuses.pb.h"
#include "services/dispatcher/ledger/ledger.h"

namespace lamplighter::dispatcher {

// An intent as it was read.
struct ReceivedIntent {
  v1::StatusIntent intent;
  RecordPosition origin;
  std::string traceparent;  // of its journey; may be empty
  // Of the record, where somebody may ask for them again.
  std::vector<RecordHeader> headers = {};
  bool inherited = false;  // see ConsumedRecord

  // Of a roll-up, once `intent` says what all parts do: what its own object
  // reported, and the order of all.
  absl::optional<v1::RollUpPart> part = absl::nullopt;
  absl::optional<int64_t> merged_order = absl::nullopt;

  // What decides between equal event times.
  int64_t order() const { return merged_order.value_or(first_offset()); }
  // Where it lay at first on status-intents.
  int64_t first_offset() const {
    return intent.has_retry() ? intent.retry().first_offset() : origin.offset;
  }
};

// An intent that needs no more work.
struct FinishedIntent {
  v1::StatusOutcome outcome;
  // Set with DEAD_LETTERED.
  absl::optional<v1::DeadLetter> dead_letter;
  RecordPosition origin;
  std::string traceparent;
  // Set where the ledger's topic must know of it, as of this version, before
  // its origin is done.
  absl::optional<Version> remember;
};

// An intent that waits elsewhere for its next try.
struct ParkedIntent {
  v1::StatusIntent intent;  // with `retry`
  RecordPosition origin;
  std::string traceparent;
  // Set where the ledger's topic must know what was tried before the origin is
  // done.
  absl::optional<v1::StatusOutcome> tried;
};

// What was tried for an intent.
struct Attempts {
  int count = 0;
  absl::Time first_at;  // if there was any
};

// The intent was decided upon `now`, with `result`.
FinishedIntent MakeFinished(ReceivedIntent received, const Attempts& attempts,
                            v1::StatusOutcome::Result result,
                            const std::string& detail, absl::Time now);

// The intent was given up `now`, because of `error`.
FinishedIntent MakeGivenUp(ReceivedIntent received, const Attempts& attempts,
                           v1::DeadLetter::Reason reason,
                           const absl::Status& error, absl::Time now);

// The intent is to be tried again at `not_before`, and is given up so long
// after `taken_at`. `tried` is not set.
ParkedIntent MakeParked(ReceivedIntent received, const Attempts& attempts,
                        absl::Time not_before, absl::Time taken_at);

// Makes of `outcome` one of `version`, for the ledger's topic.
void SetVersion(v1::StatusOutcome& outcome, const Version& version);

}  // namespace lamplighter::dispatcher
