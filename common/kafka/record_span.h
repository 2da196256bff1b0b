#pragma once

#include "common/kafka/consumer.h"
#include "common/kafka/record.h"
#include "common/tracing/tracer.h"

namespace lamplighter {

// The span of sending `record`, as part of `parent`; the record carries it to
// its consumers. Ends when the broker has the record.
Span BeginSendSpan(const Span& parent, Record& record);

// The span of working on a record; goes on with the record's journey.
Span BeginProcessSpan(const Tracer& tracer, const ConsumedRecord& consumed);

}  // namespace lamplighter
