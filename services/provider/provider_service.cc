#include "services/provider/provider_service.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "common/grpc/serve_stream.h"
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

// The coroutine that answers with what a method of a worker returns. What the
// pointers refer to outlives it: see ServeUnary().
template <typename Worker, typename Request, typename Response>
asio::awaitable<absl::Status> Answer(Worker& worker,
                                     asio::awaitable<absl::StatusOr<Response>> (
                                         Worker::*method)(Request, absl::Time),
                                     const Request* request, Response* response,
                                     absl::Time deadline) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      *response, co_await (worker.*method)(*request, deadline));
  co_return absl::OkStatus();
}

}  // namespace

grpc::ServerUnaryReactor* ProviderService::SetCommitStatus(
    grpc::CallbackServerContext* context,
    const v1::SetCommitStatusRequest* request,
    v1::SetCommitStatusResponse* response) {
  return ServeUnary(executor_, Answer(statuses_, &StatusWorker::Set, request,
                                      response, DeadlineOf(*context)));
}

grpc::ServerUnaryReactor* ProviderService::ListCommitStatuses(
    grpc::CallbackServerContext* context,
    const v1::ListCommitStatusesRequest* request,
    v1::ListCommitStatusesResponse* response) {
  return ServeUnary(executor_, Answer(statuses_, &StatusWorker::List, request,
                                      response, DeadlineOf(*context)));
}

grpc::ServerWriteReactor<v1::ListRepositoriesResponse>*
ProviderService::ListRepositories(grpc::CallbackServerContext* context,
                                  const v1::ListRepositoriesRequest* request) {
  using Page = v1::ListRepositoriesResponse;
  return ServeStream<Page>(
      executor_, [this, request,
                  deadline = DeadlineOf(*context)](StreamWrite<Page> write) {
        return accounts_.ListRepositories(*request, std::move(write), deadline);
      });
}

grpc::ServerUnaryReactor* ProviderService::EnsureWebhooks(
    grpc::CallbackServerContext* context,
    const v1::EnsureWebhooksRequest* request,
    v1::EnsureWebhooksResponse* response) {
  return ServeUnary(executor_, Answer(accounts_, &AccountWorker::EnsureWebhooks,
                                      request, response, DeadlineOf(*context)));
}

grpc::ServerUnaryReactor* ProviderService::RemoveWebhooks(
    grpc::CallbackServerContext* context,
    const v1::RemoveWebhooksRequest* request,
    v1::RemoveWebhooksResponse* response) {
  return ServeUnary(executor_, Answer(accounts_, &AccountWorker::RemoveWebhooks,
                                      request, response, DeadlineOf(*context)));
}

grpc::ServerUnaryReactor* ProviderService::CheckCredential(
    grpc::CallbackServerContext* context,
    const v1::CheckCredentialRequest* request,
    v1::CheckCredentialResponse* response) {
  return ServeUnary(executor_,
                    Answer(accounts_, &AccountWorker::CheckCredential, request,
                           response, DeadlineOf(*context)));
}

grpc::ServerUnaryReactor* ProviderService::GetRateLimits(
    grpc::CallbackServerContext* context,
    const v1::GetRateLimitsRequest* request,
    v1::GetRateLimitsResponse* response) {
  return ServeUnary(executor_, Answer(accounts_, &AccountWorker::GetRateLimits,
                                      request, response, DeadlineOf(*context)));
}

}  // namespace lamplighter::provider
