#include "services/provider/provider_service.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "common/grpc/serve_unary.h"
#include "common/status/macros.h"

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;

// gRPC's word for "none" is the clock's last moment.
absl::Time DeadlineOf(const grpc::CallbackServerContext& context) {
  const auto deadline = context.deadline();
  if (deadline == decltype(deadline)::max()) return absl::InfiniteFuture();
  return absl::FromChrono(deadline);
}

// What the pointers refer to outlives these: see ServeUnary().
asio::awaitable<absl::Status> Set(StatusWorker& worker,
                                  const v1::SetCommitStatusRequest* request,
                                  v1::SetCommitStatusResponse* response,
                                  absl::Time deadline) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(*response,
                                  co_await worker.Set(*request, deadline));
  co_return absl::OkStatus();
}

asio::awaitable<absl::Status> List(StatusWorker& worker,
                                   const v1::ListCommitStatusesRequest* request,
                                   v1::ListCommitStatusesResponse* response,
                                   absl::Time deadline) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(*response,
                                  co_await worker.List(*request, deadline));
  co_return absl::OkStatus();
}

}  // namespace

grpc::ServerUnaryReactor* ProviderService::SetCommitStatus(
    grpc::CallbackServerContext* context,
    const v1::SetCommitStatusRequest* request,
    v1::SetCommitStatusResponse* response) {
  return ServeUnary(executor_,
                    Set(worker_, request, response, DeadlineOf(*context)));
}

grpc::ServerUnaryReactor* ProviderService::ListCommitStatuses(
    grpc::CallbackServerContext* context,
    const v1::ListCommitStatusesRequest* request,
    v1::ListCommitStatusesResponse* response) {
  return ServeUnary(executor_,
                    List(worker_, request, response, DeadlineOf(*context)));
}

}  // namespace lamplighter::provider
