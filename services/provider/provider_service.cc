#include "services/provider/provider_service.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "common/grpc/rpc_span.h"
#include "common/grpc/serve_stream.h"
#include "common/grpc/serve_unary.h"
#include "services/provider/forge_jobs.h"

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;

// gRPC's word for "none" is the clock's last moment.
absl::Time DeadlineOf(const grpc::CallbackServerContext& context) {
  const auto deadline = context.deadline();
  if (deadline == decltype(deadline)::max()) return absl::InfiniteFuture();
  return absl::FromChrono(deadline);
}

// A call that is being answered.
struct Call {
  Call(const Tracer& tracer, const grpc::CallbackServerContext& context,
       const char* method)
      : span(BeginServerSpan(tracer, context, method)),
        deadline(DeadlineOf(context)) {}

  Span span;
  absl::Time deadline;
};

// The coroutine that answers with what a method of a worker returns. What the
// pointers refer to outlives it: see ServeUnary().
template <typename Worker, typename Request, typename Response>
asio::awaitable<absl::Status> Answer(Worker& worker,
                                     asio::awaitable<absl::StatusOr<Response>> (
                                         Worker::*method)(Request, Caller),
                                     const Request* request, Response* response,
                                     Call call) {
  absl::StatusOr<Response> answer =
      co_await (worker.*method)(*request, Caller(call.deadline, &call.span));
  EndServerSpan(call.span, answer.status());
  if (!answer.ok()) co_return answer.status();
  *response = *std::move(answer);
  co_return absl::OkStatus();
}

// The same for an answer in pages.
asio::awaitable<absl::Status> AnswerInPages(
    AccountWorker& accounts, const v1::ListRepositoriesRequest* request,
    AccountWorker::WritePage write, Call call) {
  const absl::Status status = co_await accounts.ListRepositories(
      *request, std::move(write), Caller(call.deadline, &call.span));
  EndServerSpan(call.span, status);
  co_return status;
}

}  // namespace

grpc::ServerUnaryReactor* ProviderService::SetCommitStatus(
    grpc::CallbackServerContext* context,
    const v1::SetCommitStatusRequest* request,
    v1::SetCommitStatusResponse* response) {
  Call call(tracer_, *context,
            "lamplighter.v1.ProviderService/SetCommitStatus");
  return ServeUnary(executor_, Answer(statuses_, &StatusWorker::Set, request,
                                      response, std::move(call)));
}

grpc::ServerUnaryReactor* ProviderService::ListCommitStatuses(
    grpc::CallbackServerContext* context,
    const v1::ListCommitStatusesRequest* request,
    v1::ListCommitStatusesResponse* response) {
  Call call(tracer_, *context,
            "lamplighter.v1.ProviderService/ListCommitStatuses");
  return ServeUnary(executor_, Answer(statuses_, &StatusWorker::List, request,
                                      response, std::move(call)));
}

grpc::ServerWriteReactor<v1::ListRepositoriesResponse>*
ProviderService::ListRepositories(grpc::CallbackServerContext* context,
                                  const v1::ListRepositoriesRequest* request) {
  using Page = v1::ListRepositoriesResponse;
  Call call(tracer_, *context,
            "lamplighter.v1.ProviderService/ListRepositories");
  return ServeStream<Page>(executor_, [this, request, call = std::move(call)](
                                          StreamWrite<Page> write) mutable {
    return AnswerInPages(accounts_, request, std::move(write), std::move(call));
  });
}

grpc::ServerUnaryReactor* ProviderService::GetRepository(
    grpc::CallbackServerContext* context,
    const v1::GetRepositoryRequest* request,
    v1::GetRepositoryResponse* response) {
  Call call(tracer_, *context, "lamplighter.v1.ProviderService/GetRepository");
  return ServeUnary(executor_, Answer(accounts_, &AccountWorker::GetRepository,
                                      request, response, std::move(call)));
}

grpc::ServerUnaryReactor* ProviderService::ListConnections(
    grpc::CallbackServerContext* context,
    const v1::ListConnectionsRequest* request,
    v1::ListConnectionsResponse* response) {
  Call call(tracer_, *context,
            "lamplighter.v1.ProviderService/ListConnections");
  return ServeUnary(executor_,
                    Answer(accounts_, &AccountWorker::ListConnections, request,
                           response, std::move(call)));
}

grpc::ServerUnaryReactor* ProviderService::EnsureWebhooks(
    grpc::CallbackServerContext* context,
    const v1::EnsureWebhooksRequest* request,
    v1::EnsureWebhooksResponse* response) {
  Call call(tracer_, *context, "lamplighter.v1.ProviderService/EnsureWebhooks");
  return ServeUnary(executor_, Answer(accounts_, &AccountWorker::EnsureWebhooks,
                                      request, response, std::move(call)));
}

grpc::ServerUnaryReactor* ProviderService::RemoveWebhooks(
    grpc::CallbackServerContext* context,
    const v1::RemoveWebhooksRequest* request,
    v1::RemoveWebhooksResponse* response) {
  Call call(tracer_, *context, "lamplighter.v1.ProviderService/RemoveWebhooks");
  return ServeUnary(executor_, Answer(accounts_, &AccountWorker::RemoveWebhooks,
                                      request, response, std::move(call)));
}

grpc::ServerUnaryReactor* ProviderService::CheckCredential(
    grpc::CallbackServerContext* context,
    const v1::CheckCredentialRequest* request,
    v1::CheckCredentialResponse* response) {
  Call call(tracer_, *context,
            "lamplighter.v1.ProviderService/CheckCredential");
  return ServeUnary(executor_,
                    Answer(accounts_, &AccountWorker::CheckCredential, request,
                           response, std::move(call)));
}

grpc::ServerUnaryReactor* ProviderService::GetRateLimits(
    grpc::CallbackServerContext* context,
    const v1::GetRateLimitsRequest* request,
    v1::GetRateLimitsResponse* response) {
  Call call(tracer_, *context, "lamplighter.v1.ProviderService/GetRateLimits");
  return ServeUnary(executor_, Answer(accounts_, &AccountWorker::GetRateLimits,
                                      request, response, std::move(call)));
}

}  // namespace lamplighter::provider
