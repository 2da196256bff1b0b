#pragma once

#include <exception>

#include "absl/status/status.h"
#include "grpcpp/support/status.h"

namespace lamplighter {

// The two status types share their codes, by design. Payloads whose type URL
// begins with type.googleapis.com/ travel as details of google.rpc.Status.
grpc::Status ToGrpcStatus(const absl::Status& status);
absl::Status FromGrpcStatus(const grpc::Status& status);

// What an exception that escaped a coroutine means. Asio reports cancellation
// this way.
absl::Status StatusFromException(const std::exception_ptr& error);

}  // namespace lamplighter
