#include "services/reposync/hooks/grpc_hook_worker.h"

#include <utility>

#include "common/status/macros.h"
#include "services/reposync/worker_call.h"

namespace lamplighter::reposync {

namespace asio = ::boost::asio;

asio::awaitable<absl::StatusOr<v1::EnsureWebhooksResponse>>
GrpcHookWorker::Ensure(std::string type, v1::EnsureWebhooksRequest request) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(v1::ProviderService::Stub * stub,
                                  workers_.For(type));
  co_return co_await CallWorker(stub, &WorkerMethods::EnsureWebhooks,
                                std::move(request), clock_.Now() + timeout_);
}

asio::awaitable<absl::StatusOr<v1::RemoveWebhooksResponse>>
GrpcHookWorker::Remove(std::string type, v1::RemoveWebhooksRequest request) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(v1::ProviderService::Stub * stub,
                                  workers_.For(type));
  co_return co_await CallWorker(stub, &WorkerMethods::RemoveWebhooks,
                                std::move(request), clock_.Now() + timeout_);
}

asio::awaitable<absl::Status> GrpcHookWorker::CheckCredential(
    std::string type, v1::Account account) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(v1::ProviderService::Stub * stub,
                                  workers_.For(type));
  v1::CheckCredentialRequest request;
  *request.mutable_account() = std::move(account);
  const auto checked =
      co_await CallWorker(stub, &WorkerMethods::CheckCredential,
                          std::move(request), clock_.Now() + timeout_);
  co_return checked.status();
}

}  // namespace lamplighter::reposync
