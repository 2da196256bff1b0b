#include "services/reposync/service/catalog_methods.h"

#include <iterator>
#include <utility>
#include <vector>

#include "common/log/log.h"
#include "common/status/macros.h"

namespace lamplighter::reposync {

using v1::Refresh;

CatalogMethods::Answer<v1::ListCatalogResponse>
CatalogMethods::ListRepositories(v1::ListCatalogRequest request,
                                 std::string /*client*/) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      EntryPage page, co_await parts_.catalog.List(std::move(request)));
  v1::ListCatalogResponse response;
  response.mutable_entries()->Assign(
      std::make_move_iterator(page.entries.begin()),
      std::make_move_iterator(page.entries.end()));
  response.set_next_page_token(std::move(page.next_page_token));
  co_return response;
}

CatalogMethods::Answer<v1::ListGroupsResponse> CatalogMethods::ListGroups(
    v1::ListGroupsRequest request, std::string /*client*/) {
  return parts_.catalog.ListGroups(std::move(request));
}

CatalogMethods::Answer<v1::SearchRepositoriesResponse>
CatalogMethods::SearchRepositories(v1::SearchRepositoriesRequest request,
                                   std::string /*client*/) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      std::vector<v1::CatalogEntry> entries,
      co_await parts_.catalog.Search(std::move(request)));
  v1::SearchRepositoriesResponse response;
  response.mutable_entries()->Assign(std::make_move_iterator(entries.begin()),
                                     std::make_move_iterator(entries.end()));
  co_return response;
}

CatalogMethods::Answer<v1::GetCatalogRepositoryResponse>
CatalogMethods::GetRepository(v1::GetCatalogRepositoryRequest request,
                              std::string /*client*/) {
  v1::GetCatalogRepositoryResponse response;
  switch (request.repository_case()) {
    case v1::GetCatalogRepositoryRequest::kId: {
      LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
          *response.mutable_entry(), co_await parts_.catalog.Get(request.id()));
      co_return response;
    }
    case v1::GetCatalogRepositoryRequest::kRepositoryId: {
      LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
          *response.mutable_entry(),
          co_await parts_.catalog.GetByRepositoryId(request.repository_id()));
      co_return response;
    }
    case v1::GetCatalogRepositoryRequest::REPOSITORY_NOT_SET:
      break;
  }
  co_return absl::InvalidArgumentError("id or repository_id: must be set");
}

CatalogMethods::Answer<v1::ListCatalogConnectionsResponse>
CatalogMethods::ListConnections(v1::ListCatalogConnectionsRequest /*request*/,
                                std::string /*client*/) {
  return parts_.connections.List();
}

CatalogMethods::Answer<v1::CreateConnectionResponse>
CatalogMethods::CreateConnection(v1::CreateConnectionRequest request,
                                 std::string client) {
  const std::string name = request.name();
  const std::string address = request.address();
  const bool dry_run = request.dry_run();
  auto created = co_await parts_.connections.Create(std::move(request));
  LAMPLIGHTER_LOG(kInfo, "a client makes a connection")
      .With("client", client)
      .With("connection", name)
      .With("address", address)
      .With("dry_run", dry_run)
      .With("result", created.status());
  co_return created;
}

CatalogMethods::Answer<v1::UpdateConnectionResponse>
CatalogMethods::UpdateConnection(v1::UpdateConnectionRequest request,
                                 std::string client) {
  const std::string name = request.name();
  auto updated = co_await parts_.connections.Update(std::move(request));
  LAMPLIGHTER_LOG(kInfo, "a client changes a connection")
      .With("client", client)
      .With("connection", name)
      .With("result", updated.status());
  if (!updated.ok()) co_return updated;
  LAMPLIGHTER_CO_RETURN_IF_ERROR(
      co_await parts_.attachments.Retry(name, /*rewrite=*/true));
  co_return updated;
}

CatalogMethods::Answer<v1::CheckConnectionResponse>
CatalogMethods::CheckConnection(v1::CheckConnectionRequest request,
                                std::string /*client*/) {
  const std::string name = request.name();
  auto checked = co_await parts_.connections.Check(std::move(request));
  if (!checked.ok() || !checked->connection().check_error().empty()) {
    co_return checked;
  }
  LAMPLIGHTER_CO_RETURN_IF_ERROR(
      co_await parts_.attachments.Retry(name, /*rewrite=*/false));
  co_return checked;
}

CatalogMethods::Answer<v1::DeleteConnectionResponse>
CatalogMethods::DeleteConnection(v1::DeleteConnectionRequest request,
                                 std::string client) {
  const std::string name = request.name();
  const bool abandon = request.abandon_webhooks();
  auto deleted = co_await parts_.connections.Delete(std::move(request));
  LAMPLIGHTER_LOG(kInfo, "a client deletes a connection")
      .With("client", client)
      .With("connection", name)
      .With("abandon_webhooks", abandon)
      .With("result", deleted.status());
  co_return deleted;
}

CatalogMethods::Answer<v1::RefreshConnectionResponse>
CatalogMethods::RefreshConnection(v1::RefreshConnectionRequest request,
                                  std::string client) {
  auto begun = co_await parts_.scheduler.Begin(request.name(), Refresh::REQUEST,
                                               request.accept_shrink());
  LAMPLIGHTER_LOG(kInfo, "a client refreshes a connection")
      .With("client", client)
      .With("connection", request.name())
      .With("accept_shrink", request.accept_shrink())
      .With("result", begun.status());
  if (!begun.ok()) co_return begun.status();
  v1::RefreshConnectionResponse response;
  *response.mutable_refresh() = std::move(begun->refresh);
  response.set_already_running(begun->already_running);
  co_return response;
}

CatalogMethods::Answer<v1::ListRefreshesResponse> CatalogMethods::ListRefreshes(
    v1::ListRefreshesRequest request, std::string /*client*/) {
  return parts_.listings.List(std::move(request));
}

CatalogMethods::Answer<v1::AttachRepositoryResponse>
CatalogMethods::AttachRepository(v1::AttachRepositoryRequest request,
                                 std::string client) {
  const std::string repository = request.repository_id();
  auto attached =
      co_await parts_.attachments.Attach(std::move(request), client);
  LAMPLIGHTER_LOG(kInfo, "a client attaches a repository")
      .With("client", client)
      .With("repository", repository)
      .With("result", attached.status());
  co_return attached;
}

CatalogMethods::Answer<v1::DetachRepositoryResponse>
CatalogMethods::DetachRepository(v1::DetachRepositoryRequest request,
                                 std::string client) {
  const std::string repository = request.repository_id();
  auto detached =
      co_await parts_.attachments.Detach(std::move(request), client);
  LAMPLIGHTER_LOG(kInfo, "a client detaches a repository")
      .With("client", client)
      .With("repository", repository)
      .With("result", detached.status());
  co_return detached;
}

CatalogMethods::Answer<v1::ListHooksResponse> CatalogMethods::ListHooks(
    v1::ListHooksRequest request, std::string /*client*/) {
  return parts_.attachments.List(std::move(request));
}

CatalogMethods::Answer<v1::RepairHooksResponse> CatalogMethods::RepairHooks(
    v1::RepairHooksRequest request, std::string /*client*/) {
  return parts_.attachments.Repair(std::move(request));
}

}  // namespace lamplighter::reposync
