#pragma once

#include <string>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/kafka/record.h"
#include "proto/lamplighter/v1/statuses.pb.h"
#include "services/dispatcher/status_service/dead_letter_scan.h"

namespace lamplighter::dispatcher {

// How often a dead letter's subject may be replayed before it is left alone.
inline constexpr int kMaxReplays = 3;

// Of a flux event that was replayed: how often.
inline constexpr char kReplaysHeader[] = "lamplighter_replays";

// How often the letter's subject was replayed.
int ReplaysOf(const v1::DeadLetter& letter);

// The record that puts the letter's subject on its topic again: with its key,
// headers and journey, and with the event time and the place in the order that
// it had, so that nothing newer is overwritten. The time that it may be tried
// for begins anew, at `now`. None where it was never decoded.
absl::optional<Record> MakeReplay(const FoundDeadLetter& found, absl::Time now);

// The record that marks a dead letter as dealt with.
Record MakeMark(const DeadLetterId& id, v1::DeadLetterMark::Action action,
                const std::string& client, absl::Time now);

}  // namespace lamplighter::dispatcher
