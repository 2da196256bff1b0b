#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "common/config/config_file.h"
#include "common/grpc/grpc_server_tls.h"
#include "proto/lamplighter/config/v1/grpc.pb.h"

namespace lamplighter {

// Reads `config`, which stands at `field` of `file`. InvalidArgument as
// ConfigFile::Error() for what cannot be used.
absl::StatusOr<GrpcServerTls> ReadGrpcServerTls(
    const config::v1::ServerTls& config, const ConfigFile& file,
    const std::string& field);

}  // namespace lamplighter
