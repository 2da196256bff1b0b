#include "services/dispatcher/deliverer/finished_intent.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/time/proto_time.h"

namespace lamplighter::dispatcher {

FinishedIntent MakeFinished(ReceivedIntent received, const Attempts& attempts,
                            v1::StatusOutcome::Result result,
                            const std::string& detail, absl::Time now) {
  FinishedIntent finished;
  *finished.outcome.mutable_intent() = std::move(received.intent);
  finished.outcome.set_result(result);
  finished.outcome.set_attempts(attempts.count);
  finished.outcome.set_detail(detail);
  *finished.outcome.mutable_decided_at() = ToProto(now);
  finished.origin = std::move(received.origin);
  finished.traceparent = std::move(received.traceparent);
  return finished;
}

FinishedIntent MakeGivenUp(ReceivedIntent received, const Attempts& attempts,
                           v1::DeadLetter::Reason reason,
                           const absl::Status& error, absl::Time now) {
  v1::DeadLetter letter;
  letter.set_reason(reason);
  letter.set_detail(absl::StrCat(absl::StatusCodeToString(error.code()), ": ",
                                 error.message()));
  *letter.mutable_intent() = received.intent;
  letter.set_original_topic(received.origin.topic);
  letter.set_original_partition(received.origin.partition);
  letter.set_original_offset(received.origin.offset);
  letter.set_attempts(attempts.count);
  *letter.mutable_first_attempt_at() = ToProto(attempts.first_at);
  *letter.mutable_given_up_at() = ToProto(now);
  FinishedIntent finished =
      MakeFinished(std::move(received), attempts,
                   v1::StatusOutcome::DEAD_LETTERED, letter.detail(), now);
  finished.dead_letter = std::move(letter);
  return finished;
}

}  // namespace lamplighter::dispatcher
