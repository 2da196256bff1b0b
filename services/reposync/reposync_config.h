#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/config/config_file.h"
#include "common/grpc/authenticator.h"
#include "common/grpc/grpc_server.h"
#include "common/grpc/provider_channels.h"
#include "common/http/http_server.h"
#include "common/seal/seal.h"
#include "proto/lamplighter/config/v1/reposync.pb.h"
#include "services/reposync/connections/connections.h"
#include "services/reposync/refresh/refresh_scheduler.h"
#include "services/reposync/refresh/refresher.h"
#include "services/reposync/store/database.h"

namespace lamplighter::reposync {

// Section `reposync`, read and checked.
struct ReposyncConfig {
  Database::Options database;
  ProviderChannels workers;
  std::shared_ptr<Seal> seal;  // null: none configured
  Connections::Options connections;
  Refresher::Options refresher;
  RefreshScheduler::Options scheduler;
  absl::Duration hook_check_interval = absl::Hours(24);
  absl::Duration keep_removed = absl::Hours(168);
  absl::Duration keep_changes = absl::Hours(168);
  absl::Duration drain_timeout = absl::Seconds(20);
  absl::optional<GrpcServer::Options> catalog_service;  // none: not served
  Authenticator::Options clients;                       // of both
  absl::optional<HttpServer::Options> json;             // none: not served
};

// InvalidArgument names the line.
absl::StatusOr<ReposyncConfig> ReadReposyncConfig(
    const config::v1::Reposync& config, const ConfigFile& file);

// What this process calls itself in leases: host and process, and a number so
// that a restarted one is another.
std::string OwnerName();

}  // namespace lamplighter::reposync
