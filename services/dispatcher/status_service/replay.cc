#include "services/dispatcher/status_service/replay.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/kafka/cloud_event.h"
#include "common/kafka/topic_names.h"
#include "common/time/proto_time.h"

namespace lamplighter::dispatcher {
namespace {

constexpr char kSource[] = "//lamplighter/dispatcher";

std::vector<RecordHeader> OriginalHeaders(const FoundDeadLetter& found,
                                          CloudEvent instead) {
  std::vector<RecordHeader> headers;
  for (const v1::Header& header : found.letter.original_headers()) {
    headers.push_back({header.name(), header.value()});
  }
  if (!headers.empty()) return headers;
  // A letter that was written before they were kept.
  instead.content_type = "application/protobuf";
  instead.traceparent =
      std::string(FindHeader(found.record, "traceparent").value_or(""));
  return ToHeaders(instead);
}

std::string OriginalKey(const FoundDeadLetter& found) {
  return found.letter.original_key().empty() ? found.record.key
                                             : found.letter.original_key();
}

Record ReplayIntent(const FoundDeadLetter& found, absl::Time now) {
  v1::StatusIntent intent = found.letter.intent();
  intent.clear_retry();
  if (found.letter.original_topic() == kStatusIntentsTopic) {
    // Of equal event times the one that was routed later wins: it keeps its
    // turn. One that came from status-retries has lost it.
    intent.mutable_retry()->set_first_offset(found.letter.original_offset());
    *intent.mutable_retry()->mutable_taken_at() = ToProto(now);
  }
  intent.set_replays(ReplaysOf(found.letter) + 1);
  CloudEvent instead;
  instead.id = intent.id();
  instead.source = kSource;
  instead.type = "dev.lamplighter.status-intent.v1";
  instead.subject = intent.repository_id();
  instead.time = FromProto(intent.event_time());
  Record record;
  record.topic = kStatusIntentsTopic;
  record.key = OriginalKey(found);
  record.value = intent.SerializeAsString();
  record.headers = OriginalHeaders(found, std::move(instead));
  return record;
}

Record ReplayEvent(const FoundDeadLetter& found) {
  const v1::FluxEvent& event = found.letter.flux_event();
  CloudEvent instead;
  instead.id = event.id();
  instead.source = absl::StrCat("//", event.cluster(), "/", event.source());
  instead.type = "dev.lamplighter.flux-event.v1";
  instead.time = FromProto(event.received_at());
  Record record;
  record.topic = kFluxEventsTopic;
  record.key = OriginalKey(found);
  record.value = event.SerializeAsString();
  record.headers = OriginalHeaders(found, std::move(instead));
  record.headers.erase(
      std::remove_if(record.headers.begin(), record.headers.end(),
                     [](const RecordHeader& header) {
                       return header.name == kReplaysHeader;
                     }),
      record.headers.end());
  record.headers.push_back(
      {kReplaysHeader, absl::StrCat(ReplaysOf(found.letter) + 1)});
  return record;
}

}  // namespace

int ReplaysOf(const v1::DeadLetter& letter) {
  return std::max(letter.replays(), letter.intent().replays());
}

absl::optional<Record> MakeReplay(const FoundDeadLetter& found,
                                  absl::Time now) {
  if (found.letter.has_intent()) return ReplayIntent(found, now);
  if (found.letter.has_flux_event()) return ReplayEvent(found);
  return absl::nullopt;
}

Record MakeMark(const DeadLetterId& id, v1::DeadLetterMark::Action action,
                const std::string& client, absl::Time now) {
  v1::DeadLetterMark mark;
  mark.set_action(action);
  *mark.mutable_marked_at() = ToProto(now);
  mark.set_client(client);
  CloudEvent attributes;
  attributes.id = absl::StrCat(ToString(id), "/", absl::ToUnixNanos(now));
  attributes.source = kSource;
  attributes.type = "dev.lamplighter.dead-letter-mark.v1";
  attributes.subject = ToString(id);
  attributes.time = now;
  attributes.content_type = "application/protobuf";
  Record record;
  record.topic = kDeadLetterMarksTopic;
  record.key = ToString(id);
  record.value = mark.SerializeAsString();
  record.headers = ToHeaders(attributes);
  return record;
}

}  // namespace lamplighter::dispatcher
