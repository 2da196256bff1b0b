#include "services/reposync/refresh/grpc_repository_lister.h"

#include <utility>
#include <vector>

#include "common/grpc/stream_reader.h"
#include "common/status/macros.h"

namespace lamplighter::reposync {
namespace {

using Response = v1::ListRepositoriesResponse;

class GrpcRepositoryPages final : public RepositoryPages {
 public:
  GrpcRepositoryPages(v1::ProviderService::Stub* stub,
                      v1::ListRepositoriesRequest request, absl::Time deadline)
      : reader_(
            std::move(request), deadline,
            [stub](grpc::ClientContext* context,
                   const v1::ListRepositoriesRequest* request,
                   grpc::ClientReadReactor<Response>* reactor) {
              stub->async()->ListRepositories(context, request, reactor);
            },
            /*read_ahead=*/kMaxPages) {}

  boost::asio::awaitable<absl::StatusOr<std::vector<Response>>> Next()
      override {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(absl::optional<Response> page,
                                    co_await reader_.Next());
    std::vector<Response> pages;
    int repositories = 0;
    while (page.has_value()) {
      repositories += page->repositories_size();
      pages.push_back(*std::move(page));
      if (pages.size() == kMaxPages || repositories >= kMaxRepositories) break;
      page = reader_.TakeArrived();
    }
    co_return pages;
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
