#include "services/dispatcher/records.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/kafka/cloud_event.h"
#include "common/kafka/topic_names.h"
#include "common/time/proto_time.h"
#include "services/dispatcher/ledger/ledger_key.h"

namespace lamplighter::dispatcher {
namespace {

constexpr char kSource[] = "//lamplighter/dispatcher";
// More than the headers of a dead letter and a changed detail ever take.
constexpr size_t kOverhead = 2048;

Record MakeRecord(const char* topic, std::string key, CloudEvent attributes,
                  absl::string_view traceparent,
                  const google::protobuf::Message& value) {
  attributes.source = kSource;
  attributes.content_type = "application/protobuf";
  attributes.traceparent = std::string(traceparent);
  return {.topic = topic,
          .key = std::move(key),
          .value = value.SerializeAsString(),
          .headers = ToHeaders(attributes)};
}

}  // namespace

Record MakeIntentRecord(const v1::StatusIntent& intent,
                        absl::string_view traceparent) {
  CloudEvent attributes;
  attributes.id = intent.id();
  attributes.type = "dev.lamplighter.status-intent.v1";
  attributes.subject = intent.repository_id();
  attributes.time = FromProto(intent.event_time());
  return MakeRecord(kStatusIntentsTopic, intent.repository_id(),
                    std::move(attributes), traceparent, intent);
}

Record MakeRetryRecord(const v1::StatusIntent& intent,
                       absl::string_view traceparent) {
  Record record = MakeIntentRecord(intent, traceparent);
  record.topic = kStatusRetriesTopic;
  return record;
}

Record MakeOutcomeRecord(const v1::StatusOutcome& outcome,
                         absl::string_view traceparent) {
  const v1::StatusIntent& intent = outcome.intent();
  CloudEvent attributes;
  attributes.id = intent.id();
  attributes.type = "dev.lamplighter.status-outcome.v1";
  attributes.subject = intent.repository_id();
  attributes.time = FromProto(outcome.decided_at());
  return MakeRecord(kStatusOutcomesTopic, intent.repository_id(),
                    std::move(attributes), traceparent, outcome);
}

Record MakeLedgerRecord(v1::StatusOutcome outcome, int32_t partition,
                        absl::string_view traceparent, size_t max_bytes) {
  std::string key = LedgerName(outcome.intent());
  if (outcome.ByteSizeLong() + key.size() + kOverhead > max_bytes) {
    outcome.clear_roll_up_parts();
  }
  Record record = MakeOutcomeRecord(outcome, traceparent);
  record.topic = kStatusLedgerTopic;
  record.key = std::move(key);
  record.partition = partition;
  return record;
}

Record MakeDeadLetterRecord(v1::DeadLetter letter, const std::string& key,
                            absl::string_view traceparent, size_t max_bytes) {
  // Key and headers take their part.
  const size_t room = max_bytes - std::min(max_bytes, kOverhead + key.size());
  if (letter.ByteSizeLong() > room && letter.has_flux_event()) {
    v1::RawBody& raw = *letter.mutable_flux_event()->mutable_raw();
    raw.set_encoding(v1::RawBody::OMITTED);
    raw.clear_data();
  }
  if (letter.ByteSizeLong() > room) letter.clear_original_headers();
  if (letter.ByteSizeLong() > room && !letter.undecodable().empty()) {
    std::string& bytes = *letter.mutable_undecodable();
    bytes.resize(bytes.size() -
                 std::min(bytes.size(), letter.ByteSizeLong() - room));
    absl::StrAppend(letter.mutable_detail(), "; cut to fit this record");
  }
  CloudEvent attributes;
  // The same record makes the same dead letter, however often it is read.
  attributes.id =
      absl::StrCat(letter.original_topic(), "/", letter.original_partition(),
                   "/", letter.original_offset(), "/", letter.intent().id());
  attributes.type = "dev.lamplighter.dead-letter.v1";
  attributes.subject = key;
  attributes.time = FromProto(letter.given_up_at());
  return MakeRecord(kDeadLettersTopic, key, std::move(attributes), traceparent,
                    letter);
}

v1::DeadLetter MakeUndecodable(const Record& record,
                               const RecordPosition& position, absl::Time now) {
  v1::DeadLetter letter;
  letter.set_reason(v1::DeadLetter::UNDECODABLE);
  letter.set_detail(
      absl::StrCat("the value is not what ", position.topic, " holds"));
  letter.set_undecodable(record.value);
  SetOrigin(letter, record, position);
  *letter.mutable_given_up_at() = ToProto(now);
  return letter;
}

void SetOrigin(v1::DeadLetter& letter, const std::string& key,
               const std::vector<RecordHeader>& headers,
               const RecordPosition& position) {
  letter.set_original_topic(position.topic);
  letter.set_original_partition(position.partition);
  letter.set_original_offset(position.offset);
  letter.set_original_key(key);
  letter.clear_original_headers();
  for (const auto& [name, value] : headers) {
    v1::Header& header = *letter.add_original_headers();
    header.set_name(name);
    header.set_value(value);
  }
}

void SetOrigin(v1::DeadLetter& letter, const Record& record,
               const RecordPosition& position) {
  SetOrigin(letter, record.key, record.headers, position);
  letter.set_replays(ReplaysOf(record));
}

int ReplaysOf(const Record& record) {
  int replays = 0;
  const auto header = FindHeader(record, "lamplighter_replays");
  if (!header.has_value() || !absl::SimpleAtoi(*header, &replays)) return 0;
  return std::max(replays, 0);
}

std::string TraceparentOf(const Record& record) {
  return std::string(FindHeader(record, "traceparent").value_or(""));
}

}  // namespace lamplighter::dispatcher
