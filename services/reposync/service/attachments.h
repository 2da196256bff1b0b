#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "boost/asio/awaitable.hpp"
#include "proto/lamplighter/v1/catalog_service.pb.h"
#include "services/reposync/connections/connections.h"
#include "services/reposync/hooks/hook_reconciler.h"
#include "services/reposync/store/catalog_store.h"
#include "services/reposync/store/connection_store.h"
#include "services/reposync/store/hook_store.h"

namespace lamplighter::reposync {

// What CatalogService promises of webhooks: writes down what is wanted, and has
// it done at once where it can be. On the loop only.
class Attachments {
 public:
  // What it works with. All must outlive it.
  struct Parts {
    CatalogStore& catalog;
    ConnectionStore& connections;
    HookStore& hooks;
    HookReconciler& reconciler;
    const Connections& all;  // whose webhooks are not managed
  };

  explicit Attachments(const Parts& parts) : parts_(parts) {}

  // Each is the CatalogService method of that name. `client` names an
  // attachment that has no name.
  boost::asio::awaitable<absl::StatusOr<v1::AttachRepositoryResponse>> Attach(
      v1::AttachRepositoryRequest request, std::string client);
  boost::asio::awaitable<absl::StatusOr<v1::DetachRepositoryResponse>> Detach(
      v1::DetachRepositoryRequest request, std::string client);
  boost::asio::awaitable<absl::StatusOr<v1::ListHooksResponse>> List(
      v1::ListHooksRequest request);
  boost::asio::awaitable<absl::StatusOr<v1::RepairHooksResponse>> Repair(
      v1::RepairHooksRequest request);

  // The connection's credential may do what it could not, or, with `rewrite`,
  // is another: what waits for it is tried now, or all webhooks are written.
  boost::asio::awaitable<absl::Status> Retry(std::string connection,
                                             bool rewrite);

 private:
  // The connection to attach `entry` by: `name`, or where that is empty the one
  // that has done the most of it already, so that no repository gets a second
  // webhook that nobody asked for. FailedPrecondition where none can.
  boost::asio::awaitable<absl::StatusOr<StoredConnection>> Choose(
      v1::CatalogEntry entry, std::string name, std::string attachment);
  // Why not by `connection`, which reaches it with `access`; empty where it
  // can.
  std::string WhyNot(const StoredConnection& connection,
                     v1::CatalogRepository::Access access, bool is_on) const;

  const Parts parts_;
};

}  // namespace lamplighter::reposync
