#include "services/dispatcher/deliverer/grpc_status_setter.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/grpc/call_unary.h"
#include "common/grpc/rpc_span.h"
#include "common/status/macros.h"
#include "grpcpp/client_context.h"

namespace lamplighter::dispatcher {
namespace {

constexpr char kMethod[] = "lamplighter.v1.ProviderService/SetCommitStatus";

}  // namespace

boost::asio::awaitable<absl::StatusOr<v1::SetCommitStatusResponse>>
GrpcStatusSetter::Set(v1::SetCommitStatusRequest request,
                      std::string traceparent) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(v1::ProviderService::Stub * stub,
                                  workers_.For(request.intent().provider()));
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(clock_.Now() + timeout_));
  Span span = BeginClientSpan(tracer_, traceparent, kMethod, context);
  v1::SetCommitStatusResponse response;
  auto start = [&](UnaryDone done) {
    stub->async()->SetCommitStatus(&context, &request, &response,
                                   std::move(done));
  };
  const absl::Status status = co_await CallUnary(start);
  EndClientSpan(span, status);
  if (!status.ok()) co_return status;
  co_return response;
}

}  // namespace lamplighter::dispatcher
