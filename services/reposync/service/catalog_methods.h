#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "boost/asio/awaitable.hpp"
#include "proto/lamplighter/v1/catalog_service.pb.h"
#include "services/reposync/connections/connections.h"
#include "services/reposync/refresh/refresh_scheduler.h"
#include "services/reposync/service/attachments.h"
#include "services/reposync/service/scopes.h"
#include "services/reposync/store/catalog_store.h"
#include "services/reposync/store/listing_store.h"

namespace lamplighter::reposync {

// What CatalogService does, but for its stream, whatever it is called by: gRPC,
// or JSON over HTTP. Logs what changes something. On the loop only.
class CatalogMethods {
 public:
  // What it works with. All must outlive it.
  struct Parts {
    CatalogStore& catalog;
    ListingStore& listings;
    Connections& connections;
    RefreshScheduler& scheduler;
    Attachments& attachments;
  };
  template <typename Response>
  using Answer = boost::asio::awaitable<absl::StatusOr<Response>>;

  explicit CatalogMethods(const Parts& parts) : parts_(parts) {}

  // `client` is the name of who calls, and may do so.
  Answer<v1::ListCatalogResponse> ListRepositories(
      v1::ListCatalogRequest request, std::string client);
  Answer<v1::ListGroupsResponse> ListGroups(v1::ListGroupsRequest request,
                                            std::string client);
  Answer<v1::SearchRepositoriesResponse> SearchRepositories(
      v1::SearchRepositoriesRequest request, std::string client);
  Answer<v1::GetCatalogRepositoryResponse> GetRepository(
      v1::GetCatalogRepositoryRequest request, std::string client);
  Answer<v1::ListCatalogConnectionsResponse> ListConnections(
      v1::ListCatalogConnectionsRequest request, std::string client);
  Answer<v1::CreateConnectionResponse> CreateConnection(
      v1::CreateConnectionRequest request, std::string client);
  Answer<v1::UpdateConnectionResponse> UpdateConnection(
      v1::UpdateConnectionRequest request, std::string client);
  Answer<v1::CheckConnectionResponse> CheckConnection(
      v1::CheckConnectionRequest request, std::string client);
  Answer<v1::DeleteConnectionResponse> DeleteConnection(
      v1::DeleteConnectionRequest request, std::string client);
  Answer<v1::RefreshConnectionResponse> RefreshConnection(
      v1::RefreshConnectionRequest request, std::string client);
  Answer<v1::ListRefreshesResponse> ListRefreshes(
      v1::ListRefreshesRequest request, std::string client);
  Answer<v1::AttachRepositoryResponse> AttachRepository(
      v1::AttachRepositoryRequest request, std::string client);
  Answer<v1::DetachRepositoryResponse> DetachRepository(
      v1::DetachRepositoryRequest request, std::string client);
  Answer<v1::ListHooksResponse> ListHooks(v1::ListHooksRequest request,
                                          std::string client);
  Answer<v1::RepairHooksResponse> RepairHooks(v1::RepairHooksRequest request,
                                              std::string client);

 private:
  const Parts parts_;
};

// A method: its name, the scope that it takes, and what does it.
template <typename Request, typename Response>
struct CatalogMethod {
  const char* name;
  const char* scope;
  CatalogMethods::Answer<Response> (CatalogMethods::*call)(Request,
                                                           std::string);
};
template <typename Request, typename Response>
CatalogMethod(const char*, const char*,
              CatalogMethods::Answer<Response> (CatalogMethods::*)(Request,
                                                                   std::string))
    -> CatalogMethod<Request, Response>;

namespace method {

inline constexpr CatalogMethod kListRepositories = {
    "ListRepositories", kCatalogRead, &CatalogMethods::ListRepositories};
inline constexpr CatalogMethod kListGroups = {"ListGroups", kCatalogRead,
                                              &CatalogMethods::ListGroups};
inline constexpr CatalogMethod kSearchRepositories = {
    "SearchRepositories", kCatalogRead, &CatalogMethods::SearchRepositories};
inline constexpr CatalogMethod kGetRepository = {
    "GetRepository", kCatalogRead, &CatalogMethods::GetRepository};
inline constexpr CatalogMethod kListConnections = {
    "ListConnections", kCatalogRead, &CatalogMethods::ListConnections};
inline constexpr CatalogMethod kCreateConnection = {
    "CreateConnection", kConnectionsWrite, &CatalogMethods::CreateConnection};
inline constexpr CatalogMethod kUpdateConnection = {
    "UpdateConnection", kConnectionsWrite, &CatalogMethods::UpdateConnection};
inline constexpr CatalogMethod kCheckConnection = {
    "CheckConnection", kConnectionsWrite, &CatalogMethods::CheckConnection};
inline constexpr CatalogMethod kDeleteConnection = {
    "DeleteConnection", kConnectionsWrite, &CatalogMethods::DeleteConnection};
inline constexpr CatalogMethod kRefreshConnection = {
    "RefreshConnection", kCatalogWrite, &CatalogMethods::RefreshConnection};
inline constexpr CatalogMethod kListRefreshes = {
    "ListRefreshes", kCatalogRead, &CatalogMethods::ListRefreshes};
inline constexpr CatalogMethod kAttachRepository = {
    "AttachRepository", kHooksWrite, &CatalogMethods::AttachRepository};
inline constexpr CatalogMethod kDetachRepository = {
    "DetachRepository", kHooksWrite, &CatalogMethods::DetachRepository};
inline constexpr CatalogMethod kListHooks = {"ListHooks", kCatalogRead,
                                             &CatalogMethods::ListHooks};
inline constexpr CatalogMethod kRepairHooks = {"RepairHooks", kHooksWrite,
                                               &CatalogMethods::RepairHooks};

}  // namespace method

}  // namespace lamplighter::reposync
