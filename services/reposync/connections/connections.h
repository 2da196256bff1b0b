#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "common/seal/seal.h"
#include "common/time/clock.h"
#include "proto/lamplighter/v1/catalog_service.pb.h"
#include "services/reposync/refresh/refresh_scheduler.h"
#include "services/reposync/store/connection_store.h"
#include "services/reposync/store/listing_store.h"
#include "services/reposync/workers.h"

namespace lamplighter::reposync {

// What CatalogService promises of connections. On the loop only.
//
// The secret of a connection that is made at run time is sealed together with
// the address that it is for, and never leaves so otherwise: provider workers
// have the key, too.
class Connections {
 public:
  struct Options {
    // Names of those whose webhooks somebody else keeps.
    std::vector<std::string> unmanaged_hooks = {};
    // How long a provider worker may take to check a credential.
    absl::Duration call_timeout = absl::Seconds(30);
  };
  // What it works with. All must outlive it.
  struct Parts {
    const Workers& workers;
    ConnectionStore& connections;
    ListingStore& listings;
    RefreshScheduler& scheduler;
    Seal* seal;  // null: none are made at run time
    const Clock& clock;
  };

  Connections(Options options, const Parts& parts)
      : options_(std::move(options)), parts_(parts) {}

  // Each is the CatalogService method of that name.
  boost::asio::awaitable<absl::StatusOr<v1::ListCatalogConnectionsResponse>>
  List();
  boost::asio::awaitable<absl::StatusOr<v1::CreateConnectionResponse>> Create(
      v1::CreateConnectionRequest request);
  boost::asio::awaitable<absl::StatusOr<v1::UpdateConnectionResponse>> Update(
      v1::UpdateConnectionRequest request);
  boost::asio::awaitable<absl::StatusOr<v1::CheckConnectionResponse>> Check(
      v1::CheckConnectionRequest request);
  boost::asio::awaitable<absl::StatusOr<v1::DeleteConnectionResponse>> Delete(
      v1::DeleteConnectionRequest request);

  // Whether somebody else keeps the connection's webhooks.
  bool HasUnmanagedHooks(const std::string& name) const;

  // Seals what an older key has sealed with the first one, so that the older
  // can be taken out of the file. Logs how much that was.
  boost::asio::awaitable<absl::Status> Reseal();

 private:
  // Repositories that each connection reaches, by name.
  using Counts = std::map<std::string, int64_t>;

  // Asks the provider worker, and takes over what it says of the connection.
  boost::asio::awaitable<absl::Status> Ask(StoredConnection& connection);
  // What a new secret has to be good for.
  boost::asio::awaitable<absl::Status> Prove(StoredConnection& connection);
  boost::asio::awaitable<absl::StatusOr<v1::CatalogConnection>> Describe(
      StoredConnection connection);
  boost::asio::awaitable<absl::StatusOr<v1::CatalogConnection>> Describe(
      StoredConnection connection, Counts counts);
  boost::asio::awaitable<absl::StatusOr<Counts>> Count();

  const Options options_;
  const Parts parts_;
};

}  // namespace lamplighter::reposync
