#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/kafka/record.h"
#include "proto/lamplighter/v1/statuses.pb.h"

namespace lamplighter::dispatcher {

// The records that the dispatcher writes, as docs/topics.md describes them.
// `traceparent` is that of the journey so far; each record is a new span of it.

Record MakeIntentRecord(const v1::StatusIntent& intent,
                        absl::string_view traceparent);

Record MakeOutcomeRecord(const v1::StatusOutcome& outcome,
                         absl::string_view traceparent);

// `key` is that of the record that it was made from. What would make it larger
// than `max_bytes` is left out: the raw body of an event, the end of a value
// that could not be decoded.
Record MakeDeadLetterRecord(v1::DeadLetter letter, const std::string& key,
                            absl::string_view traceparent, size_t max_bytes);

// What is told of a record whose value is not what its topic holds.
v1::DeadLetter MakeUndecodable(const Record& record,
                               const RecordPosition& position, absl::Time now);

// The journey that `record` is part of; empty if it does not tell.
std::string TraceparentOf(const Record& record);

}  // namespace lamplighter::dispatcher
