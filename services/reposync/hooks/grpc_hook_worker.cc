#include "services/reposync/hooks/grpc_hook_worker.h"

#include <utility>

#include "common/grpc/call_unary.h"
#include "common/status/macros.h"
#include "grpcpp/client_context.h"

namespace lamplighter::reposync {

namespace asio = ::boost::asio;

asio::awaitable<absl::StatusOr<v1::EnsureWebhooksResponse>>
GrpcHookWorker::Ensure(std::string type, v1::EnsureWebhooksRequest request) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(v1::ProviderService::Stub * stub,
                                  workers_.For(type));
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(clock_.Now() + timeout_));
  v1::EnsureWebhooksResponse response;
  auto start = [&](UnaryDone done) {
    stub->async()->EnsureWebhooks(&context, &request, &response,
                                  std::move(done));
  };
  LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await CallUnary(start));
  co_return response;
}

asio::awaitable<absl::StatusOr<v1::RemoveWebhooksResponse>>
GrpcHookWorker::Remove(std::string type, v1::RemoveWebhooksRequest request) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(v1::ProviderService::Stub * stub,
                                  workers_.For(type));
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(clock_.Now() + timeout_));
  v1::RemoveWebhooksResponse response;
  auto start = [&](UnaryDone done) {
    stub->async()->RemoveWebhooks(&context, &request, &response,
                                  std::move(done));
  };
  LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await CallUnary(start));
  co_return response;
}

asio::awaitable<absl::Status> GrpcHookWorker::CheckCredential(
    std::string type, v1::Account account) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(v1::ProviderService::Stub * stub,
                                  workers_.For(type));
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(clock_.Now() + timeout_));
  v1::CheckCredentialRequest request;
  *request.mutable_account() = std::move(account);
  v1::CheckCredentialResponse response;
  auto start = [&](UnaryDone done) {
    stub->async()->CheckCredential(&context, &request, &response,
                                   std::move(done));
  };
  co_return co_await CallUnary(start);
}

}  // namespace lamplighter::reposync
