#pragma once

#include <utility>

#include "boost/asio/any_io_executor.hpp"
#include "boost/asio/io_context.hpp"
#include "common/tracing/tracer.h"
#include "proto/lamplighter/v1/provider.grpc.pb.h"
#include "services/provider/account_worker.h"
#include "services/provider/status_worker.h"

namespace lamplighter::provider {

// ProviderService over gRPC: hands each call to a worker on the loop, with
// the caller's deadline.
class ProviderService final : public v1::ProviderService::CallbackService {
 public:
  // All must outlive the service.
  ProviderService(StatusWorker& statuses, AccountWorker& accounts,
                  boost::asio::io_context& loop, Tracer tracer = {})
      : statuses_(statuses),
        accounts_(accounts),
        executor_(loop.get_executor()),
        tracer_(std::move(tracer)) {}

  grpc::ServerUnaryReactor* SetCommitStatus(
      grpc::CallbackServerContext* context,
      const v1::SetCommitStatusRequest* request,
      v1::SetCommitStatusResponse* response) override;

  grpc::ServerUnaryReactor* ListCommitStatuses(
      grpc::CallbackServerContext* context,
      const v1::ListCommitStatusesRequest* request,
      v1::ListCommitStatusesResponse* response) override;

  grpc::ServerWriteReactor<v1::ListRepositoriesResponse>* ListRepositories(
      grpc::CallbackServerContext* context,
      const v1::ListRepositoriesRequest* request) override;

  grpc::ServerUnaryReactor* GetRepository(
      grpc::CallbackServerContext* context,
      const v1::GetRepositoryRequest* request,
      v1::GetRepositoryResponse* response) override;

  grpc::ServerUnaryReactor* ListConnections(
      grpc::CallbackServerContext* context,
      const v1::ListConnectionsRequest* request,
      v1::ListConnectionsResponse* response) override;

  grpc::ServerUnaryReactor* EnsureWebhooks(
      grpc::CallbackServerContext* context,
      const v1::EnsureWebhooksRequest* request,
      v1::EnsureWebhooksResponse* response) override;

  grpc::ServerUnaryReactor* RemoveWebhooks(
      grpc::CallbackServerContext* context,
      const v1::RemoveWebhooksRequest* request,
      v1::RemoveWebhooksResponse* response) override;

  grpc::ServerUnaryReactor* CheckCredential(
      grpc::CallbackServerContext* context,
      const v1::CheckCredentialRequest* request,
      v1::CheckCredentialResponse* response) override;

  grpc::ServerUnaryReactor* GetRateLimits(
      grpc::CallbackServerContext* context,
      const v1::GetRateLimitsRequest* request,
      v1::GetRateLimitsResponse* response) override;

 private:
  StatusWorker& statuses_;
  AccountWorker& accounts_;
  const boost::asio::any_io_executor executor_;
  const Tracer tracer_;
};

}  // namespace lamplighter::provider
