#pragma once

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "boost/asio/any_io_executor.hpp"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/io_context.hpp"
#include "common/grpc/authenticator.h"
#include "common/grpc/serve_unary.h"
#include "common/metrics/metrics.h"
#include "proto/lamplighter/v1/catalog_service.grpc.pb.h"
#include "services/reposync/service/catalog_methods.h"
#include "services/reposync/service/watches.h"

namespace lamplighter::reposync {

// CatalogService over gRPC: asks who calls, does what it is asked on the loop,
// and counts it.
class GrpcCatalogService final : public v1::CatalogService::CallbackService {
 public:
  using Context = grpc::CallbackServerContext;

  // What it works with. All must outlive the service.
  struct Parts {
    Authenticator& authenticator;
    CatalogMethods& methods;
    Watches& watches;
    Metrics::Counters& requests;  // by method and code
  };

  GrpcCatalogService(const Parts& parts, boost::asio::io_context& loop)
      : parts_(parts), executor_(loop.get_executor()) {}

  grpc::ServerUnaryReactor* ListRepositories(
      Context* context, const v1::ListCatalogRequest* request,
      v1::ListCatalogResponse* response) override {
    return Serve(method::kListRepositories, context, request, response);
  }
  grpc::ServerUnaryReactor* ListGroups(
      Context* context, const v1::ListGroupsRequest* request,
      v1::ListGroupsResponse* response) override {
    return Serve(method::kListGroups, context, request, response);
  }
  grpc::ServerUnaryReactor* SearchRepositories(
      Context* context, const v1::SearchRepositoriesRequest* request,
      v1::SearchRepositoriesResponse* response) override {
    return Serve(method::kSearchRepositories, context, request, response);
  }
  grpc::ServerUnaryReactor* GetRepository(
      Context* context, const v1::GetCatalogRepositoryRequest* request,
      v1::GetCatalogRepositoryResponse* response) override {
    return Serve(method::kGetRepository, context, request, response);
  }
  grpc::ServerUnaryReactor* ListConnections(
      Context* context, const v1::ListCatalogConnectionsRequest* request,
      v1::ListCatalogConnectionsResponse* response) override {
    return Serve(method::kListConnections, context, request, response);
  }
  grpc::ServerUnaryReactor* CreateConnection(
      Context* context, const v1::CreateConnectionRequest* request,
      v1::CreateConnectionResponse* response) override {
    return Serve(method::kCreateConnection, context, request, response);
  }
  grpc::ServerUnaryReactor* UpdateConnection(
      Context* context, const v1::UpdateConnectionRequest* request,
      v1::UpdateConnectionResponse* response) override {
    return Serve(method::kUpdateConnection, context, request, response);
  }
  grpc::ServerUnaryReactor* CheckConnection(
      Context* context, const v1::CheckConnectionRequest* request,
      v1::CheckConnectionResponse* response) override {
    return Serve(method::kCheckConnection, context, request, response);
  }
  grpc::ServerUnaryReactor* DeleteConnection(
      Context* context, const v1::DeleteConnectionRequest* request,
      v1::DeleteConnectionResponse* response) override {
    return Serve(method::kDeleteConnection, context, request, response);
  }
  grpc::ServerUnaryReactor* RefreshConnection(
      Context* context, const v1::RefreshConnectionRequest* request,
      v1::RefreshConnectionResponse* response) override {
    return Serve(method::kRefreshConnection, context, request, response);
  }
  grpc::ServerUnaryReactor* ListRefreshes(
      Context* context, const v1::ListRefreshesRequest* request,
      v1::ListRefreshesResponse* response) override {
    return Serve(method::kListRefreshes, context, request, response);
  }
  grpc::ServerUnaryReactor* AttachRepository(
      Context* context, const v1::AttachRepositoryRequest* request,
      v1::AttachRepositoryResponse* response) override {
    return Serve(method::kAttachRepository, context, request, response);
  }
  grpc::ServerUnaryReactor* DetachRepository(
      Context* context, const v1::DetachRepositoryRequest* request,
      v1::DetachRepositoryResponse* response) override {
    return Serve(method::kDetachRepository, context, request, response);
  }
  grpc::ServerUnaryReactor* ListHooks(
      Context* context, const v1::ListHooksRequest* request,
      v1::ListHooksResponse* response) override {
    return Serve(method::kListHooks, context, request, response);
  }
  grpc::ServerUnaryReactor* RepairHooks(
      Context* context, const v1::RepairHooksRequest* request,
      v1::RepairHooksResponse* response) override {
    return Serve(method::kRepairHooks, context, request, response);
  }
  grpc::ServerWriteReactor<v1::WatchRepositoriesResponse>* WatchRepositories(
      Context* context, const v1::WatchRepositoriesRequest* request) override;

 private:
  template <typename Request, typename Response>
  grpc::ServerUnaryReactor* Serve(
      const CatalogMethod<Request, Response>& method, Context* context,
      const Request* request, Response* response) {
    return ServeUnary(executor_, Answer(method, context, request, response));
  }
  template <typename Request, typename Response>
  boost::asio::awaitable<absl::Status> Answer(
      CatalogMethod<Request, Response> method, Context* context,
      const Request* request, Response* response) {
    const absl::StatusOr<std::string> client =
        parts_.authenticator.Authorize(ProofOf(*context), method.scope);
    absl::Status status = client.status();
    if (status.ok()) {
      absl::StatusOr<Response> answer =
          co_await (parts_.methods.*method.call)(*request, *client);
      status = answer.status();
      if (status.ok()) *response = *std::move(answer);
    }
    Count(method.name, status);
    co_return status;
  }
  boost::asio::awaitable<absl::Status> Watch(
      Context* context, v1::WatchRepositoriesRequest request,
      Watches::Write write);
  void Count(const char* method, const absl::Status& status) const;

  const Parts parts_;
  const boost::asio::any_io_executor executor_;
};

}  // namespace lamplighter::reposync
