#include "common/kafka/rdkafka_record.h"

#include <cstddef>
#include <string>

namespace lamplighter {
namespace {

std::string ToString(const void* data, size_t size) {
  if (data == nullptr) return {};
  return {static_cast<const char*>(data), size};
}

}  // namespace

ConsumedRecord ToConsumedRecord(const rd_kafka_message_t& message) {
  const char* const topic = rd_kafka_topic_name(message.rkt);
  ConsumedRecord consumed{{topic,
                           ToString(message.key, message.key_len),
                           ToString(message.payload, message.len),
                           {},
                           /*tombstone=*/message.payload == nullptr},
                          {topic, message.partition, message.offset}};
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) !=
      RD_KAFKA_RESP_ERR_NO_ERROR) {
    return consumed;  // it has none
  }
  consumed.record.headers.reserve(rd_kafka_header_cnt(headers));
  const char* name = nullptr;
  const void* value = nullptr;
  size_t size = 0;
  for (size_t i = 0;
       rd_kafka_header_get_all(headers, i, &name, &value, &size) ==
       RD_KAFKA_RESP_ERR_NO_ERROR;
       ++i) {
    consumed.record.headers.push_back({name, ToString(value, size)});
  }
  return consumed;
}

RdkafkaPtr<rd_kafka_headers_t> ToRdkafkaHeaders(
    const std::vector<RecordHeader>& headers) {
  RdkafkaPtr<rd_kafka_headers_t> made(rd_kafka_headers_new(headers.size()));
  for (const auto& [name, value] : headers) {
    // Fails for want of memory only.
    rd_kafka_header_add(made.get(), name.data(),
                        static_cast<ssize_t>(name.size()), value.data(),
                        static_cast<ssize_t>(value.size()));
  }
  return made;
}

}  // namespace lamplighter
