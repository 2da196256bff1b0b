#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/kafka/record.h"
#include "proto/lamplighter/v1/statuses.pb.h"

namespace lamplighter::dispatcher {

// An intent as it was read.
struct ReceivedIntent {
  v1::StatusIntent intent;
  RecordPosition origin;
  std::string traceparent;  // of its journey; may be empty
};

// An intent that needs no more work.
struct FinishedIntent {
  v1::StatusOutcome outcome;
  // Set with DEAD_LETTERED.
  absl::optional<v1::DeadLetter> dead_letter;
  RecordPosition origin;
  std::string traceparent;
};

// What was tried for an intent.
struct Attempts {
  int count = 0;
  absl::Time first_at;
};

// The intent was decided upon `now`, with `result`.
FinishedIntent MakeFinished(ReceivedIntent received, const Attempts& attempts,
                            v1::StatusOutcome::Result result,
                            const std::string& detail, absl::Time now);

// The intent was given up `now`, because of `error`.
FinishedIntent MakeGivenUp(ReceivedIntent received, const Attempts& attempts,
                           v1::DeadLetter::Reason reason,
                           const absl::Status& error, absl::Time now);

}  // namespace lamplighter::dispatcher
