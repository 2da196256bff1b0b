#include "services/reposync/service/grpc_catalog_service.h"

#include "absl/time/time.h"
#include "common/grpc/serve_stream.h"
#include "common/grpc/write_limit.h"
#include "common/log/log.h"

namespace lamplighter::reposync {
namespace {

using ::boost::asio::awaitable;

// How long a watching client may take to take one answer.
constexpr absl::Duration kWriteLimit = absl::Minutes(1);

}  // namespace

grpc::ServerWriteReactor<v1::WatchRepositoriesResponse>*
GrpcCatalogService::WatchRepositories(
    Context* context, const v1::WatchRepositoriesRequest* request) {
  auto handle = [this, context, request](Watches::Write write) {
    return Watch(context, *request, std::move(write));
  };
  return ServeStream<v1::WatchRepositoriesResponse>(executor_,
                                                    std::move(handle));
}

awaitable<absl::Status> GrpcCatalogService::Watch(
    Context* context, v1::WatchRepositoriesRequest request,
    Watches::Write write) {
  const absl::StatusOr<std::string> client =
      parts_.authenticator.Authorize(ProofOf(*context), kCatalogRead);
  absl::Status status = client.status();
  if (status.ok()) {
    auto cut_off = [context, client = *client] {
      LAMPLIGHTER_LOG(kWarning, "a client that watches takes nothing; cut off")
          .With("client", client);
      context->TryCancel();
    };
    auto limited = [write = std::move(write),
                    cut_off](v1::WatchRepositoriesResponse response) {
      return WriteWithin(kWriteLimit, write, std::move(response), cut_off);
    };
    status =
        co_await parts_.watches.Run(std::move(request), std::move(limited));
  }
  Count("WatchRepositories", status);
  co_return status;
}

void GrpcCatalogService::Count(const char* method,
                               const absl::Status& status) const {
  parts_.requests
      .Add({{"method", method},
            {"code", absl::StatusCodeToString(status.code())}})
      .Increment();
}

}  // namespace lamplighter::reposync
