#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "common/config/config_file.h"
#include "common/grpc/authenticator.h"
#include "common/grpc/grpc_server.h"
#include "proto/lamplighter/config/v1/grpc.pb.h"

namespace lamplighter {

// A server of gRPC, and who may call it.
struct ServerConfig {
  GrpcServer::Options server;
  Authenticator::Options clients;
};

// Reads `config`, which stands at `field` of `file` and has an address.
// `scopes` are those that there are, for messages too. InvalidArgument as
// ConfigFile::Error() for what cannot be used:
// beyond loopback clients must be named, and TLS be configured or plaintext
// allowed.
absl::StatusOr<ServerConfig> ReadServerConfig(
    const config::v1::GrpcServer& config, const ConfigFile& file,
    const std::string& field, absl::Span<const absl::string_view> scopes);

}  // namespace lamplighter
