#pragma once

#include <memory>
#include <ostream>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/client.h"
#include "common/grpc/status.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/status.h"
#include "proto/lamplighter/v1/catalog_service.grpc.pb.h"

namespace lamplighter::cli {

// Calls a method of CatalogService once.
template <typename Request, typename Response>
absl::StatusOr<Response> CallCatalog(
    const ClientOptions& options,
    grpc::Status (v1::CatalogService::Stub::*method)(grpc::ClientContext*,
                                                     const Request&, Response*),
    const Request& request) {
  const absl::StatusOr<std::unique_ptr<Client>> client =
      Client::Create(options);
  if (!client.ok()) return client.status();
  Response response;
  const absl::Status status = FromGrpcStatus(((*client)->catalog().*method)(
      (*client)->NewContext().get(), request, &response));
  if (!status.ok()) return status;
  return response;
}

}  // namespace lamplighter::cli
