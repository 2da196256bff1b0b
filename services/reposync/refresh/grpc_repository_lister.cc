#include "services/reposync/refresh/grpc_repository_lister.h"

#include <utility>

#include "common/grpc/stream_reader.h"
#include "common/status/macros.h"

namespace lamplighter::reposync {
namespace {

using Response = v1::ListRepositoriesResponse;

class GrpcRepositoryPages final : public RepositoryPages {
 public:
  GrpcRepositoryPages(v1::ProviderService::Stub* stub,
                      v1::ListRepositoriesRequest request, absl::Time deadline)
      : reader_(std::move(request), deadline,
                [stub](grpc::ClientContext* context,
                       const v1::ListRepositoriesRequest* request,
                       grpc::ClientReadReactor<Response>* reactor) {
                  stub->async()->ListRepositories(context, request, reactor);
                }) {}

  boost::asio::awaitable<absl::StatusOr<absl::optional<Response>>> Next()
      override {
    return reader_.Next();
  }

 private:
  StreamReader<v1::ListRepositoriesRequest, Response> reader_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<RepositoryPages>> GrpcRepositoryLister::List(
    const StoredConnection& connection, v1::ListRepositoriesRequest request) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(v1::ProviderService::Stub * stub,
                               workers_.For(connection.info.type()));
  *request.mutable_account() = AccountOf(connection);
  return std::make_unique<GrpcRepositoryPages>(stub, std::move(request),
                                               clock_.Now() + timeout_);
}

}  // namespace lamplighter::reposync
