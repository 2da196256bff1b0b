#pragma once

#include "boost/asio/any_io_executor.hpp"
#include "boost/asio/io_context.hpp"
#include "proto/lamplighter/v1/provider.grpc.pb.h"
#include "services/provider/status_worker.h"

namespace lamplighter::provider {

// ProviderService over gRPC: hands each call to the worker on the loop, with
// the caller's deadline.
class ProviderService final : public v1::ProviderService::CallbackService {
 public:
  // Both must outlive the service.
  ProviderService(StatusWorker& worker, boost::asio::io_context& loop)
      : worker_(worker), executor_(loop.get_executor()) {}

  grpc::ServerUnaryReactor* SetCommitStatus(
      grpc::CallbackServerContext* context,
      const v1::SetCommitStatusRequest* request,
      v1::SetCommitStatusResponse* response) override;

  grpc::ServerUnaryReactor* ListCommitStatuses(
      grpc::CallbackServerContext* context,
      const v1::ListCommitStatusesRequest* request,
      v1::ListCommitStatusesResponse* response) override;

 private:
  StatusWorker& worker_;
  const boost::asio::any_io_executor executor_;
};

}  // namespace lamplighter::provider
