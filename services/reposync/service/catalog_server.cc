#include "services/reposync/service/catalog_server.h"

#include <utility>

#include "common/log/log.h"
#include "common/status/macros.h"

namespace lamplighter::reposync {
namespace {

using ::boost::asio::awaitable;

Metrics::Counters& Requests(Metrics& metrics) {
  return metrics.AddCounters(
      "lamplighter_reposync_catalog_service_requests_total",
      "Calls of CatalogService that ended, by method and code.");
}

prometheus::Gauge& OpenStreams(Metrics& metrics) {
  return metrics
      .AddGauges("lamplighter_reposync_catalog_service_streams",
                 "Streams of WatchRepositories that are open.")
      .Add({});
}

}  // namespace

absl::StatusOr<std::unique_ptr<CatalogServer>> CatalogServer::Create(
    const Options& options, const CatalogMethods::Parts& parts,
    ChangeFeed& feed, boost::asio::io_context& loop, const Clock& clock,
    Metrics& metrics) {
  Authenticator::Options clients = options.clients;
  clients.service = "reposync";
  LAMPLIGHTER_ASSIGN_OR_RETURN(std::unique_ptr<Authenticator> authenticator,
                               Authenticator::Create(clients, clock, metrics));
  return std::unique_ptr<CatalogServer>(new CatalogServer(
      options, std::move(authenticator), parts, feed, loop, clock, metrics));
}

CatalogServer::CatalogServer(const Options& options,
                             std::unique_ptr<Authenticator> authenticator,
                             const CatalogMethods::Parts& parts,
                             ChangeFeed& feed, boost::asio::io_context& loop,
                             const Clock& clock, Metrics& metrics)
    : options_(options),
      loop_(loop),
      authenticator_(std::move(authenticator)),
      methods_(parts),
      watches_({}, parts.catalog, feed, clock, OpenStreams(metrics)),
      service_({.authenticator = *authenticator_,
                .methods = methods_,
                .watches = watches_,
                .requests = Requests(metrics)},
               loop),
      json_({.authenticator = *authenticator_,
             .methods = methods_,
             .requests = Requests(metrics)}) {}

absl::Status CatalogServer::Start() {
  if (options_.grpc.has_value()) {
    GrpcServer::Options options = *options_.grpc;
    options.health_names = {v1::CatalogService::service_full_name()};
    LAMPLIGHTER_ASSIGN_OR_RETURN(grpc_server_,
                                 GrpcServer::Create(options, {&service_}));
    LAMPLIGHTER_LOG(kInfo, "catalog service serves")
        .With("port", grpc_server_->port())
        .With("tls", options.tls.has_value())
        .With("clients", options_.clients.clients.size());
  }
  if (options_.json.has_value()) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(
        http_server_,
        HttpServer::Create(*options_.json, loop_, json_.Routes()));
    http_server_->Start();
    LAMPLIGHTER_LOG(kInfo, "catalog service serves JSON")
        .With("port", http_server_->port())
        .With("tls", options_.json->tls != nullptr);
  }
  return absl::OkStatus();
}

awaitable<void> CatalogServer::Stop(absl::Duration drain) {
  watches_.Stop();
  if (http_server_ != nullptr) co_await http_server_->Stop(drain);
  if (grpc_server_ != nullptr) co_await grpc_server_->Stop(drain);
}

}  // namespace lamplighter::reposync
