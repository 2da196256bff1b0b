#pragma once

#include <vector>

#include "common/kafka/consumer.h"
#include "common/kafka/rdkafka_client.h"
#include "common/kafka/record.h"
#include "librdkafka/rdkafka.h"

namespace lamplighter {

// A copy of what was read.
ConsumedRecord ToConsumedRecord(const rd_kafka_message_t& message);

RdkafkaPtr<rd_kafka_headers_t> ToRdkafkaHeaders(
    const std::vector<RecordHeader>& headers);

}  // namespace lamplighter
