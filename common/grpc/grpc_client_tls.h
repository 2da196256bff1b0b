#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "grpcpp/security/credentials.h"

namespace lamplighter {

// What a client trusts and shows, in PEM files.
struct GrpcClientTls {
  std::string ca_file;    // authorities of the server's certificate
  std::string cert_file;  // with those that it was signed with
  std::string key_file;
};

// For channels of TLS 1.2 or later, to servers whose certificate has the name
// that is called. The files are looked at every two seconds from then on, as
// those of MakeGrpcServerCredentials(). InvalidArgument, naming the file, for
// what cannot be used now.
absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>>
MakeGrpcChannelCredentials(const GrpcClientTls& tls);

}  // namespace lamplighter
