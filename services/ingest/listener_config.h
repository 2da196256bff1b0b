#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "common/config/config_file.h"
#include "common/http/server_tls.h"
#include "common/http/trusted_proxies.h"
#include "proto/lamplighter/config/v1/ingest.pb.h"

namespace lamplighter::ingest {

// What section `ingest` says of the listener. InvalidArgument names the line.

// Null for plain HTTP. The files are read.
absl::StatusOr<std::shared_ptr<ServerTls>> ReadTls(
    const config::v1::Ingest& config, const ConfigFile& file);

absl::StatusOr<TrustedProxies> ReadTrustedProxies(
    const config::v1::Ingest& config, const ConfigFile& file);

}  // namespace lamplighter::ingest
