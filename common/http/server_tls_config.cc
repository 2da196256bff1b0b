#include "common/http/server_tls_config.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace lamplighter {

absl::StatusOr<std::shared_ptr<ServerTls>> ReadServerTls(
    const config::v1::ServerTls& config, const ConfigFile& file,
    const std::string& field) {
  if (config.cert_file().empty()) {
    return file.Error(absl::StrCat(field, ".cert_file"), "must name a file");
  }
  if (config.key_file().empty()) {
    return file.Error(absl::StrCat(field, ".key_file"), "must name a file");
  }
  auto made = ServerTls::Create({.cert = config.cert_file(),
                                 .key = config.key_file(),
                                 .client_ca = config.client_ca_file()});
  if (!made.ok()) return file.Error(field, made.status().message());
  return *std::move(made);
}

}  // namespace lamplighter
