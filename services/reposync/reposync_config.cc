#include "services/reposync/reposync_config.h"

#include <unistd.h>

#include <utility>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "common/config/duration.h"
#include "common/config/secret.h"
#include "common/grpc/server_config.h"
#include "common/http/server_tls_config.h"
#include "common/status/macros.h"
#include "services/reposync/service/scopes.h"

namespace lamplighter::reposync {
namespace {

using google::protobuf::Duration;

constexpr char kServiceField[] = "reposync.catalog_service";
// Refreshes are asked for by name: a body is small.
constexpr size_t kMaxJson = 1 << 20;

absl::StatusOr<std::string> ReadDatabaseUrl(const config::v1::Reposync& config,
                                            const ConfigFile& file) {
  if (config.database().empty() == config.database_file().empty()) {
    return file.Error("reposync.database",
                      "must be set, here or in reposync.database_file, e.g. "
                      "sqlite:///var/lib/lamplighter/catalog.db");
  }
  if (!config.database().empty()) return config.database();
  const auto secret = ReadSecret(config.database_file(), "");
  if (secret.ok()) return *secret;
  return file.Error("reposync.database_file", secret.status().message());
}

// Zero is a value, too: never.
absl::StatusOr<absl::Duration> ReadInterval(const ConfigFile& file,
                                            const std::string& field,
                                            const Duration& value) {
  const absl::Duration interval = FromProto(value);
  if (interval == absl::ZeroDuration() || interval >= absl::Minutes(1)) {
    return interval;
  }
  return file.Error(field, "must be 0s, for never, or 1m at least");
}

absl::Status ReadSchedule(const config::v1::Reposync& config,
                          const ConfigFile& file,
                          RefreshScheduler::Options& options) {
  if (config.has_refresh_interval()) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(options.interval,
                                 ReadInterval(file, "reposync.refresh_interval",
                                              config.refresh_interval()));
  }
  for (int i = 0; i < config.schedules_size(); ++i) {
    const config::v1::RefreshSchedule& schedule = config.schedules(i);
    const std::string field = absl::StrCat("reposync.schedules[", i, "]");
    if (schedule.connection().empty()) {
      return file.Error(absl::StrCat(field, ".connection"),
                        "must name a connection");
    }
    if (!schedule.has_refresh_interval()) {
      return file.Error(absl::StrCat(field, ".refresh_interval"),
                        "must be set");
    }
    LAMPLIGHTER_ASSIGN_OR_RETURN(
        options.intervals[schedule.connection()],
        ReadInterval(file, absl::StrCat(field, ".refresh_interval"),
                     schedule.refresh_interval()));
  }
  return absl::OkStatus();
}

absl::Status ReadRefreshes(const config::v1::Reposync& config,
                           const ConfigFile& file, ReposyncConfig& read) {
  if (config.max_shrink_percent() > 100) {
    return file.Error("reposync.max_shrink_percent",
                      "must not be more than 100");
  }
  if (config.max_shrink_percent() > 0) {
    read.refresher.max_shrink_percent =
        static_cast<int>(config.max_shrink_percent());
  }
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      read.refresher.confirm_after,
      DurationOr(file, "reposync.confirm_after",
                 config.has_confirm_after() ? &config.confirm_after() : nullptr,
                 read.refresher.confirm_after));
  read.refresher.owner = OwnerName();
  read.scheduler.confirm_after = read.refresher.confirm_after;
  return ReadSchedule(config, file, read.scheduler);
}

absl::Status ReadDurations(const config::v1::Reposync& config,
                           const ConfigFile& file, ReposyncConfig& read) {
  const auto read_one = [&file](const char* field, bool is_set,
                                const Duration& value,
                                absl::Duration& duration) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(
        duration, DurationOr(file, absl::StrCat("reposync.", field),
                             is_set ? &value : nullptr, duration));
    return absl::OkStatus();
  };
  LAMPLIGHTER_RETURN_IF_ERROR(
      read_one("keep_removed", config.has_keep_removed(), config.keep_removed(),
               read.keep_removed));
  LAMPLIGHTER_RETURN_IF_ERROR(
      read_one("keep_changes", config.has_keep_changes(), config.keep_changes(),
               read.keep_changes));
  LAMPLIGHTER_RETURN_IF_ERROR(
      read_one("hook_check_interval", config.has_hook_check_interval(),
               config.hook_check_interval(), read.hook_check_interval));
  return read_one("drain_timeout", config.has_drain_timeout(),
                  config.drain_timeout(), read.drain_timeout);
}

// The same rules hold for both listeners.
absl::Status ReadServers(const config::v1::Reposync& config,
                         const ConfigFile& file, ReposyncConfig& read) {
  if (!config.catalog_service().listen().empty()) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(
        const ServerConfig server,
        ReadServerConfig(config.catalog_service(), file, kServiceField,
                         kScopes));
    read.catalog_service = server.server;
    read.clients = server.clients;
  }
  if (config.json_listen().empty()) return absl::OkStatus();
  config::v1::GrpcServer server = config.catalog_service();
  server.set_listen(config.json_listen());
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      const ServerConfig checked,
      ReadServerConfig(server, file, kServiceField, kScopes));
  read.clients = checked.clients;
  HttpServer::Options json = {.listen = config.json_listen(),
                              .max_body = kMaxJson};
  if (server.has_tls()) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(
        json.tls,
        ReadServerTls(server.tls(), file, absl::StrCat(kServiceField, ".tls")));
  }
  read.json = std::move(json);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ReposyncConfig> ReadReposyncConfig(
    const config::v1::Reposync& config, const ConfigFile& file) {
  ReposyncConfig read;
  LAMPLIGHTER_ASSIGN_OR_RETURN(read.database.url,
                               ReadDatabaseUrl(config, file));
  if (config.database_sessions() > 0) {
    read.database.sessions = config.database_sessions();
  }
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      read.workers,
      ReadProviderChannels(
          config.providers(),
          config.has_providers_tls() ? &config.providers_tls() : nullptr, file,
          "reposync"));
  if (!config.seal_key_file().empty()) {
    auto seal = Seal::Create(config.seal_key_file());
    if (!seal.ok()) {
      return file.Error("reposync.seal_key_file", seal.status().message());
    }
    read.seal = *std::move(seal);
  }
  read.connections.unmanaged_hooks = {config.unmanaged_hooks().begin(),
                                      config.unmanaged_hooks().end()};
  LAMPLIGHTER_RETURN_IF_ERROR(ReadRefreshes(config, file, read));
  LAMPLIGHTER_RETURN_IF_ERROR(ReadDurations(config, file, read));
  LAMPLIGHTER_RETURN_IF_ERROR(ReadServers(config, file, read));
  return read;
}

std::string OwnerName() {
  char host[256] = "";
  if (gethostname(host, sizeof host - 1) != 0) host[0] = '\0';
  absl::BitGen random;
  return absl::StrCat(host, "/", getpid(), "/",
                      absl::Uniform<uint32_t>(random));
}

}  // namespace lamplighter::reposync
