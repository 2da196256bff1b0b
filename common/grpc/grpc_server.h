#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "boost/asio/awaitable.hpp"
#include "common/grpc/grpc_server_tls.h"
#include "grpcpp/impl/codegen/service_type.h"

namespace lamplighter {

// A gRPC server with grpc.health.v1.
// Its handlers run where ServeUnary() puts them. Create, stop and destroy it on
// the loop.
class GrpcServer {
 public:
  struct Options {
    std::string listen;  // host:port; port 0 takes a free one
    // None: plaintext.
    absl::optional<GrpcServerTls> tls = absl::nullopt;
    // Plaintext is served on loopback only, unless this allows it elsewhere.
    bool allow_plaintext = false;
    // Answer server reflection. gRPC turns it on for a whole process: servers
    // made later in it answer too, whatever they ask for.
    bool reflection = false;
    int max_message = 16 << 20;
    // Full names of the services, by which grpc.health.v1 can be asked for
    // each; the empty name, which is the whole server, needs no mention.
    std::vector<std::string> health_names = {};
  };

  // Binds, and serves at once. `services` must outlive the server.
  // InvalidArgument for plaintext on an address that is not loopback, one that
  // cannot be read, or files of TLS that cannot be used; Unavailable for an
  // address that cannot be bound.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Create(
      const Options& options, const std::vector<grpc::Service*>& services);

  // Await Stop() first: without it this blocks until handlers have ended, for
  // ever if they need the loop that it is called on.
  virtual ~GrpcServer() = default;

  // Sets health to NOT_SERVING, takes no further call, waits up to `drain` for
  // those under way, cancels the rest. Does not block the loop. Call once; a
  // cancellation of the caller does not cut it short. Somebody's health Watch
  // counts as a call under way.
  virtual boost::asio::awaitable<void> Stop(absl::Duration drain) = 0;

  virtual int port() const = 0;
};

}  // namespace lamplighter
