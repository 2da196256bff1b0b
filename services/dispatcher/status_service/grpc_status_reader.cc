#include "services/dispatcher/status_service/grpc_status_reader.h"

#include <utility>

#include "common/grpc/call_unary.h"
#include "common/status/macros.h"
#include "grpcpp/client_context.h"

namespace lamplighter::dispatcher {

boost::asio::awaitable<absl::StatusOr<v1::ListCommitStatusesResponse>>
GrpcStatusReader::List(v1::ListCommitStatusesRequest request) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(v1::ProviderService::Stub * stub,
                                  workers_.For(request.provider()));
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(clock_.Now() + timeout_));
  v1::ListCommitStatusesResponse response;
  auto start = [&](UnaryDone done) {
    stub->async()->ListCommitStatuses(&context, &request, &response,
                                      std::move(done));
  };
  LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await CallUnary(start));
  co_return response;
}

}  // namespace lamplighter::dispatcher
