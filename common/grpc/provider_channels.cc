#include "common/grpc/provider_channels.h"

#include "absl/strings/str_cat.h"
#include "common/grpc/grpc_channel.h"
#include "common/grpc/grpc_client_tls.h"
#include "common/status/macros.h"

namespace lamplighter {
namespace {

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> ReadCredentials(
    const config::v1::ClientTls* tls, const ConfigFile& file,
    const std::string& field) {
  if (tls == nullptr) return grpc::InsecureChannelCredentials();
  if (tls->ca_file().empty() || tls->cert_file().empty() ||
      tls->key_file().empty()) {
    return file.Error(field, "needs ca_file, cert_file and key_file");
  }
  auto credentials = MakeGrpcChannelCredentials(
      {tls->ca_file(), tls->cert_file(), tls->key_file()});
  if (!credentials.ok()) {
    return file.Error(field, credentials.status().message());
  }
  return credentials;
}

}  // namespace

absl::StatusOr<ProviderChannels> ReadProviderChannels(
    const google::protobuf::Map<std::string, std::string>& providers,
    const config::v1::ClientTls* tls, const ConfigFile& file,
    const std::string& section) {
  if (providers.empty()) {
    return file.Error(absl::StrCat(section, ".providers"),
                      "must name the address of a provider worker, e.g. "
                      "{default: \"dns:///provider:50051\"}");
  }
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      const std::shared_ptr<grpc::ChannelCredentials> credentials,
      ReadCredentials(tls, file, absl::StrCat(section, ".providers_tls")));
  ProviderChannels channels;
  for (const auto& [type, address] : providers) {
    channels[type] = MakeChannel(address, credentials);
  }
  return channels;
}

}  // namespace lamplighter
