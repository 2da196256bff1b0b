#include "services/reposync/events/grpc_repository_source.h"

#include <utility>

#include "common/status/macros.h"
#include "services/reposync/worker_call.h"

namespace lamplighter::reposync {

boost::asio::awaitable<absl::StatusOr<v1::CatalogRepository>>
GrpcRepositorySource::Get(StoredConnection connection,
                          std::string repository_id) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(v1::ProviderService::Stub * stub,
                                  workers_.For(connection.info.type()));
  v1::GetRepositoryRequest request;
  *request.mutable_account() = AccountOf(connection);
  request.set_repository_id(std::move(repository_id));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      v1::GetRepositoryResponse response,
      co_await CallWorker(stub, &WorkerMethods::GetRepository,
                          std::move(request), clock_.Now() + timeout_));
  co_return std::move(*response.mutable_repository());
}

}  // namespace lamplighter::reposync
