#include "common/kafka/record_span.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/tracing/attributes.h"

namespace lamplighter {
namespace {

constexpr char kTraceparent[] = "traceparent";

void Describe(Span& span, absl::string_view operation, const Record& record) {
  span.Set(attribute::kMessagingSystem, "kafka")
      .Set(attribute::kMessagingOperationType, operation)
      .Set(attribute::kMessagingOperationName, operation)
      .Set(attribute::kMessagingDestination, record.topic);
  constexpr std::pair<const char*, const char*> kEventHeaders[] = {
      {"ce_id", attribute::kEventId},
      {"ce_source", attribute::kEventSource},
      {"ce_type", attribute::kEventType},
      {"ce_subject", attribute::kEventSubject}};
  for (const auto& [header, name] : kEventHeaders) {
    if (const auto value = FindHeader(record, header)) span.Set(name, *value);
  }
}

void SetTraceparent(Record& record, std::string traceparent) {
  for (RecordHeader& header : record.headers) {
    if (header.name != kTraceparent) continue;
    header.value = std::move(traceparent);
    return;
  }
  record.headers.push_back({kTraceparent, std::move(traceparent)});
}

}  // namespace

Span BeginSendSpan(const Span& parent, Record& record) {
  // Then the record has the right one already, or none is right.
  if (!parent.recorded()) return parent.Child("", SpanKind::kProducer);
  Span span =
      parent.Child(absl::StrCat("send ", record.topic), SpanKind::kProducer);
  Describe(span, "send", record);
  SetTraceparent(record, span.context().ToTraceparent());
  return span;
}

Span BeginProcessSpan(const Tracer& tracer, const ConsumedRecord& consumed) {
  const Record& record = consumed.record;
  Span span = tracer.Begin("process", SpanKind::kConsumer,
                           FindHeader(record, kTraceparent).value_or(""));
  if (!span.recorded()) return span;
  span.SetName(absl::StrCat("process ", record.topic));
  Describe(span, "process", record);
  span.Set(attribute::kMessagingPartition,
           absl::StrCat(consumed.position.partition))
      .Set(attribute::kKafkaOffset, consumed.position.offset);
  return span;
}

}  // namespace lamplighter
