#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "common/app/app.h"
#include "common/config/config_file.h"
#include "proto/lamplighter/config/v1/ingest.pb.h"
#include "services/ingest/ingest_service.h"
#include "services/ingest/spool/spool_file.h"

namespace lamplighter::ingest {

// The ingest service over Kafka, as sections `ingest` and `kafka` say. Needs no
// broker to start: until one is there, the process is not ready and requests
// are answered 503, or, with a spool, it is ready and takes them. Opens the
// spool's file, and keeps others from it. InvalidArgument names the line that
// is wrong.
absl::StatusOr<std::unique_ptr<Service>> MakeIngest(AppContext& context);

// What section `ingest` says of the server, with the defaults put in and the
// certificate read.
absl::StatusOr<IngestService::Options> ReadOptions(
    const config::v1::Ingest& config, const ConfigFile& file);

// The spool's file, opened; null where none is configured. InvalidArgument
// names the line, and says what to do.
absl::StatusOr<std::unique_ptr<SpoolFile>> OpenSpool(
    const config::v1::Ingest& config, const ConfigFile& file);

}  // namespace lamplighter::ingest
