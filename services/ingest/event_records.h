#pragma once

#include <cstddef>
#include <string>

#include "common/kafka/record.h"
#include "proto/lamplighter/v1/events.pb.h"

namespace lamplighter::ingest {

// The record that carries `event`: CloudEvents 1.0 attributes in its headers,
// the event as its value. The raw body is left out of it where the record would
// be larger than `max_bytes`; what is still larger then is returned as it is.
//
//   ce_id       event.id
//   ce_source   //CLUSTER/SOURCE or //INSTANCE/SOURCE
//   ce_type     dev.lamplighter.flux-event.v1, dev.lamplighter.git.push.v1, ...
//   ce_subject  KIND/NAMESPACE/NAME or the repository id
//   ce_time     when it happened, else when it was received
Record MakeFluxRecord(v1::FluxEvent event, std::string traceparent,
                      size_t max_bytes);
Record MakeGitRecord(v1::GitEvent event, std::string traceparent,
                     size_t max_bytes);

// Key, value and headers together.
size_t SizeOf(const Record& record);

}  // namespace lamplighter::ingest
