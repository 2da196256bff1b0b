#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "grpcpp/security/server_credentials.h"

namespace lamplighter {

// A server's certificate, in PEM files.
struct GrpcServerTls {
  std::string cert_file;  // with those that it was signed with
  std::string key_file;
  // The authorities of client certificates. Empty: none is asked for; else a
  // client may show one, which must be of these.
  std::string client_ca_file;
  // Every client has to show one.
  bool requires_client = false;
  // Then: DNS names, URIs or common names, one of which it must have. None: it
  // may have any.
  std::vector<std::string> client_names = {};
};

// For a server of TLS 1.2 or later. The files are looked at every two seconds
// from then on: a new certificate serves new connections. Certificate and key
// are to be put in place at once, as Kubernetes does with a mounted Secret:
// while they do not match, no new connection comes about. InvalidArgument,
// naming the file, for what cannot be used now.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>>
MakeGrpcServerCredentials(const GrpcServerTls& tls);

}  // namespace lamplighter
