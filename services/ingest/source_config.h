#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "common/config/config_file.h"
#include "proto/lamplighter/config/v1/ingest.pb.h"
#include "services/ingest/sources.h"

namespace lamplighter::ingest {

// The configured sources, their secrets read; OpenFluxSource() if there are
// none. InvalidArgument with every mistake, one a line, as `file` tells them;
// never with a secret.
absl::StatusOr<std::vector<Source>> ReadSources(
    const config::v1::Ingest& config, const ConfigFile& file);

}  // namespace lamplighter::ingest
