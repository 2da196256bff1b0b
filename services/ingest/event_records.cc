#include "services/ingest/event_records.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/kafka/cloud_event.h"
#include "common/kafka/topic_names.h"
#include "common/time/proto_time.h"
#include "services/ingest/metrics.h"
#include "services/ingest/raw_body.h"

namespace lamplighter::ingest {
namespace {

CloudEvent Attributes(std::string traceparent) {
  CloudEvent attributes;
  attributes.content_type = "application/protobuf";
  attributes.traceparent = std::move(traceparent);
  return attributes;
}

template <typename Event>
Record Finish(Event& event, const CloudEvent& attributes, std::string topic,
              std::string key, size_t max_bytes) {
  Record record;
  record.topic = std::move(topic);
  record.key = std::move(key);
  record.headers = ToHeaders(attributes);
  if (SizeOf(record) + event.ByteSizeLong() > max_bytes) {
    OmitBody(*event.mutable_raw());
  }
  event.SerializeToString(&record.value);
  return record;
}

}  // namespace

size_t SizeOf(const Record& record) {
  size_t size = record.key.size() + record.value.size();
  for (const RecordHeader& header : record.headers) {
    size += header.name.size() + header.value.size();
  }
  return size;
}

Record MakeFluxRecord(v1::FluxEvent event, std::string traceparent,
                      size_t max_bytes) {
  const v1::ObjectReference& object = event.involved_object();
  CloudEvent attributes = Attributes(std::move(traceparent));
  attributes.id = event.id();
  attributes.source = absl::StrCat("//", event.cluster(), "/", event.source());
  attributes.type = "dev.lamplighter.flux-event.v1";
  attributes.subject =
      absl::StrCat(object.kind(), "/", object.namespace_(), "/", object.name());
  attributes.time = FromProto(event.has_timestamp() ? event.timestamp()
                                                    : event.received_at());
  std::string key = absl::StrCat(event.cluster(), "/", object.namespace_(), "/",
                                 object.kind(), "/", object.name());
  return Finish(event, attributes, kFluxEventsTopic, std::move(key), max_bytes);
}

Record MakeGitRecord(v1::GitEvent event, std::string traceparent,
                     size_t max_bytes) {
  CloudEvent attributes = Attributes(std::move(traceparent));
  attributes.id = event.id();
  attributes.source = absl::StrCat("//", event.instance(), "/", event.source());
  attributes.type =
      absl::StrCat("dev.lamplighter.git.", NameOf(event.type()), ".v1");
  attributes.subject = event.repository().id();
  attributes.time = FromProto(event.has_occurred_at() ? event.occurred_at()
                                                      : event.received_at());
  std::string key = event.repository().id();
  if (key.empty()) key = event.instance();
  if (key.empty()) key = event.source();
  return Finish(event, attributes, kGitEventsTopic, std::move(key), max_bytes);
}

}  // namespace lamplighter::ingest
