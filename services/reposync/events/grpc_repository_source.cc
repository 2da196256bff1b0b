#include "services/reposync/events/grpc_repository_source.h"

#include <utility>

#include "common/grpc/call_unary.h"
#include "common/status/macros.h"
#include "grpcpp/client_context.h"

namespace lamplighter::reposync {

boost::asio::awaitable<absl::StatusOr<v1::CatalogRepository>>
GrpcRepositorySource::Get(StoredConnection connection,
                          std::string repository_id) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(v1::ProviderService::Stub * stub,
                                  workers_.For(connection.info.type()));
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(clock_.Now() + timeout_));
  v1::GetRepositoryRequest request;
  *request.mutable_account() = AccountOf(connection);
  request.set_repository_id(std::move(repository_id));
  v1::GetRepositoryResponse response;
  auto start = [&](UnaryDone done) {
    stub->async()->GetRepository(&context, &request, &response,
                                 std::move(done));
  };
  LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await CallUnary(start));
  co_return std::move(*response.mutable_repository());
}

}  // namespace lamplighter::reposync
