#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/kafka/record.h"
#include "proto/lamplighter/v1/statuses.pb.h"

namespace lamplighter::dispatcher {

// The records that the dispatcher writes, as docs/topics.md describes them.
// `traceparent` is that of the work that they come from, and goes with them.

Record MakeIntentRecord(const v1::StatusIntent& intent,
                        absl::string_view traceparent);

// Of an intent that comes back from status-retries, or goes there: `retry` is
// set in it.
Record MakeRetryRecord(const v1::StatusIntent& intent,
                       absl::string_view traceparent);

Record MakeOutcomeRecord(const v1::StatusOutcome& outcome,
                         absl::string_view traceparent);

// Of the ledger: the last outcome of its (repository, sha, context), on the
// `partition` that its intent has on status-intents. The parts of a roll-up are
// left out where the record would be larger than `max_bytes`.
Record MakeLedgerRecord(v1::StatusOutcome outcome, int32_t partition,
                        absl::string_view traceparent, size_t max_bytes);

// Where a record lay and what a replay needs of it, for its dead letter.
void SetOrigin(v1::DeadLetter& letter, const std::string& key,
               const std::vector<RecordHeader>& headers,
               const RecordPosition& position);
// The same of `record`, and how often it was replayed.
void SetOrigin(v1::DeadLetter& letter, const Record& record,
               const RecordPosition& position);

// How often `record` was replayed from the dead letters, by its header
// `lamplighter_replays`.
int ReplaysOf(const Record& record);

// `key` is that of the record that it was made from. What would make it larger
// than `max_bytes` is left out: the raw body of an event, the record's headers,
// the end of a value that could not be decoded.
Record MakeDeadLetterRecord(v1::DeadLetter letter, const std::string& key,
                            absl::string_view traceparent, size_t max_bytes);

// What is told of a record whose value is not what its topic holds.
v1::DeadLetter MakeUndecodable(const Record& record,
                               const RecordPosition& position, absl::Time now);

// The journey that `record` is part of; empty if it does not tell.
std::string TraceparentOf(const Record& record);

}  // namespace lamplighter::dispatcher
