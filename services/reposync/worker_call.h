#pragma once

#include <functional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "common/grpc/call_unary.h"
#include "common/status/macros.h"
#include "grpcpp/client_context.h"
#include "proto/lamplighter/v1/provider.grpc.pb.h"

namespace lamplighter::reposync {

using WorkerMethods = v1::ProviderService::StubInterface::async_interface;

// Calls a method of a provider worker, such as &WorkerMethods::GetRepository.
// `stub` must outlive the call. On the loop only.
template <typename Request, typename Response>
boost::asio::awaitable<absl::StatusOr<Response>> CallWorker(
    v1::ProviderService::Stub* stub,
    void (WorkerMethods::*method)(grpc::ClientContext*, const Request*,
                                  Response*, std::function<void(grpc::Status)>),
    Request request, absl::Time deadline) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(deadline));
  Response response;
  WorkerMethods* const methods = stub->async();
  auto start = [&](UnaryDone done) {
    (methods->*method)(&context, &request, &response, std::move(done));
  };
  LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await CallUnary(start));
  co_return response;
}

}  // namespace lamplighter::reposync
