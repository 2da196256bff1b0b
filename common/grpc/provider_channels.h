#pragma once

#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/config/config_file.h"
#include "google/protobuf/map.h"
#include "grpcpp/channel.h"
#include "proto/lamplighter/config/v1/grpc.pb.h"

namespace lamplighter {

// Channels to provider workers, by the type of Provider that they serve;
// "default" serves the types that are not named.
using ProviderChannels = std::map<std::string, std::shared_ptr<grpc::Channel>>;

// Those that `section` of `file` names in `providers`, and `tls` in
// `providers_tls`; null: plaintext. InvalidArgument as ConfigFile::Error() for
// what cannot be used.
absl::StatusOr<ProviderChannels> ReadProviderChannels(
    const google::protobuf::Map<std::string, std::string>& providers,
    const config::v1::ClientTls* tls, const ConfigFile& file,
    const std::string& section);

}  // namespace lamplighter
