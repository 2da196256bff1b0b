#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/config/config_file.h"
#include "common/http/server_tls.h"
#include "proto/lamplighter/config/v1/grpc.pb.h"

namespace lamplighter {

// Reads the files that `config`, which stands at `field` of `file`, names.
// InvalidArgument as ConfigFile::Error() for what cannot be used.
absl::StatusOr<std::shared_ptr<ServerTls>> ReadServerTls(
    const config::v1::ServerTls& config, const ConfigFile& file,
    const std::string& field);

}  // namespace lamplighter
