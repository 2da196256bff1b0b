#include "services/ingest/listener_config.h"

#include <string>
#include <utility>
#include <vector>

#include "common/http/server_tls_config.h"

namespace lamplighter::ingest {
namespace {

constexpr int kMaxProxies = 100;

}  // namespace

absl::StatusOr<std::shared_ptr<ServerTls>> ReadTls(
    const config::v1::Ingest& config, const ConfigFile& file) {
  if (!config.has_tls()) return nullptr;
  return ReadServerTls(config.tls(), file, "ingest.tls");
}

absl::StatusOr<TrustedProxies> ReadTrustedProxies(
    const config::v1::Ingest& config, const ConfigFile& file) {
  constexpr char kField[] = "ingest.trusted_proxies";
  if (config.trusted_proxies_size() > kMaxProxies) {
    return file.Error(kField, "must be 100 at most");
  }
  if (config.proxy_protocol() && config.trusted_proxies().empty()) {
    return file.Error("ingest.proxy_protocol",
                      "needs ingest.trusted_proxies: from others no "
                      "connection would be taken");
  }
  auto proxies = TrustedProxies::Parse(
      {config.trusted_proxies().begin(), config.trusted_proxies().end()});
  if (!proxies.ok()) return file.Error(kField, proxies.status().message());
  return proxies;
}

}  // namespace lamplighter::ingest
