#include "common/grpc/grpc_server_tls_config.h"

#include "absl/status/status.h"
#include "common/grpc/tls_files.h"

namespace lamplighter {

absl::StatusOr<GrpcServerTls> ReadGrpcServerTls(
    const config::v1::ServerTls& config, const ConfigFile& file,
    const std::string& field) {
  if (config.cert_file().empty() || config.key_file().empty()) {
    return file.Error(field, "needs cert_file and key_file");
  }
  GrpcServerTls read = {.cert_file = config.cert_file(),
                        .key_file = config.key_file(),
                        .client_ca_file = config.client_ca_file()};
  if (const absl::Status usable =
          CheckTlsFiles(read.cert_file, read.key_file, read.client_ca_file);
      !usable.ok()) {
    return file.Error(field, usable.message());
  }
  return read;
}

}  // namespace lamplighter
