#include "services/dispatcher/deliverer/finished_intent.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/time/proto_time.h"
#include "services/dispatcher/records.h"

namespace lamplighter::dispatcher {
namespace {

// The intent as it was asked for.
v1::StatusIntent Original(const ReceivedIntent& received) {
  v1::StatusIntent intent = received.intent;
  if (received.part.has_value()) {
    intent.set_state(received.part->state());
    intent.clear_description();  // made from the parts
    *intent.mutable_event_time() = received.part->event_time();
  }
  return intent;
}

}  // namespace

FinishedIntent MakeFinished(ReceivedIntent received, const Attempts& attempts,
                            v1::StatusOutcome::Result result,
                            const std::string& detail, absl::Time now) {
  FinishedIntent finished;
  finished.outcome.set_order(received.order());
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
  *letter.mutable_intent() = Original(received);
  letter.mutable_intent()->clear_retry();  // a replay is a new beginning
  SetOrigin(letter, received.intent.repository_id(), received.headers,
            received.origin);
  letter.set_replays(received.intent.replays());
  letter.set_attempts(attempts.count);
  if (attempts.count > 0) {
    *letter.mutable_first_attempt_at() = ToProto(attempts.first_at);
  }
  *letter.mutable_given_up_at() = ToProto(now);
  FinishedIntent finished =
      MakeFinished(std::move(received), attempts,
                   v1::StatusOutcome::DEAD_LETTERED, letter.detail(), now);
  finished.dead_letter = std::move(letter);
  return finished;
}

ParkedIntent MakeParked(ReceivedIntent received, const Attempts& attempts,
                        absl::Time not_before, absl::Time taken_at) {
  ParkedIntent parked;
  parked.intent = Original(received);
  v1::Retry& retry = *parked.intent.mutable_retry();
  retry.Clear();
  retry.set_attempts(attempts.count);
  if (attempts.count > 0) {
    *retry.mutable_first_attempt_at() = ToProto(attempts.first_at);
  }
  *retry.mutable_not_before() = ToProto(not_before);
  retry.set_first_offset(received.first_offset());
  *retry.mutable_taken_at() = ToProto(taken_at);
  parked.origin = std::move(received.origin);
  parked.traceparent = std::move(received.traceparent);
  return parked;
}

void SetVersion(v1::StatusOutcome& outcome, const Version& version) {
  v1::StatusIntent& intent = *outcome.mutable_intent();
  outcome.set_order(version.order);
  if (VersionOf(intent, version.order) == version) return;
  intent.clear_pending_until();  // whose versions are others
  *intent.mutable_event_time() = ToProto(absl::FromUnixNanos(version.time));
}

}  // namespace lamplighter::dispatcher
