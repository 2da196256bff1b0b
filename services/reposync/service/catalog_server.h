#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/io_context.hpp"
#include "common/grpc/authenticator.h"
#include "common/grpc/grpc_server.h"
#include "common/http/http_server.h"
#include "common/metrics/metrics.h"
#include "common/time/clock.h"
#include "services/reposync/service/catalog_methods.h"
#include "services/reposync/service/change_feed.h"
#include "services/reposync/service/grpc_catalog_service.h"
#include "services/reposync/service/json_catalog.h"
#include "services/reposync/service/watches.h"

namespace lamplighter::reposync {

// CatalogService behind its ports: gRPC, and JSON over HTTP. On the loop only.
class CatalogServer {
 public:
  struct Options {
    absl::optional<GrpcServer::Options> grpc;  // none: not served
    absl::optional<HttpServer::Options> json;  // none: not served
    Authenticator::Options clients;            // of both
  };

  // InvalidArgument or NotFound for tokens that cannot be read. All that is
  // given by reference must outlive the server.
  static absl::StatusOr<std::unique_ptr<CatalogServer>> Create(
      const Options& options, const CatalogMethods::Parts& parts,
      ChangeFeed& feed, boost::asio::io_context& loop, const Clock& clock,
      Metrics& metrics);

  // Binds, and serves from now on. The errors are GrpcServer's and
  // HttpServer's.
  absl::Status Start();

  // Where it serves, once it was started and is asked for.
  int grpc_port() const { return grpc_server_->port(); }
  int json_port() const { return http_server_->port(); }

  // Ends streams, answers what is under way within `drain`, and closes the
  // ports. Harmless if Start() was not called or failed.
  boost::asio::awaitable<void> Stop(absl::Duration drain);

 private:
  CatalogServer(const Options& options,
                std::unique_ptr<Authenticator> authenticator,
                const CatalogMethods::Parts& parts, ChangeFeed& feed,
                boost::asio::io_context& loop, const Clock& clock,
                Metrics& metrics);

  const Options options_;
  boost::asio::io_context& loop_;
  const std::unique_ptr<Authenticator> authenticator_;
  CatalogMethods methods_;
  Watches watches_;
  GrpcCatalogService service_;
  JsonCatalog json_;
  std::unique_ptr<HttpServer> http_server_;
  std::unique_ptr<GrpcServer> grpc_server_;  // last: it calls the service
};

}  // namespace lamplighter::reposync
