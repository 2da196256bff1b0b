#include "services/provider/provider_app.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "boost/system/error_code.hpp"
#include "common/config/duration.h"
#include "common/grpc/grpc_server_tls_config.h"
#include "common/kubernetes/manifest_feed_factory.h"
#include "common/log/log.h"
#include "common/seal/seal.h"
#include "common/status/macros.h"
#include "common/time/clock.h"
#include "proto/lamplighter/config/v1/provider.pb.h"

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;

constexpr char kManifestCheck[] = "provider manifests";
constexpr char kDefaultListen[] = "127.0.0.1:50051";
constexpr absl::Duration kRefreshInterval = absl::Seconds(2);

// With TLS callers have to show who they are: they act with our credentials.
absl::StatusOr<absl::optional<GrpcServerTls>> ReadTls(
    const config::v1::Provider& config, const ConfigFile& file) {
  if (!config.has_tls()) {
    if (config.client_names().empty()) return absl::nullopt;
    return file.Error("provider.client_names",
                      "needs provider.tls, whose certificates they are of");
  }
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      GrpcServerTls tls, ReadGrpcServerTls(config.tls(), file, "provider.tls"));
  if (tls.client_ca_file.empty()) {
    return file.Error("provider.tls",
                      "needs client_ca_file: whoever calls a worker acts with "
                      "its credentials, and so has to show a certificate");
  }
  tls.requires_client = true;
  tls.client_names = {config.client_names().begin(),
                      config.client_names().end()};
  return tls;
}

absl::StatusOr<GrpcServer::Options> ListenOptions(
    const config::v1::Provider& config, const ConfigFile& file) {
  GrpcServer::Options options;
  LAMPLIGHTER_ASSIGN_OR_RETURN(options.tls, ReadTls(config, file));
  options.listen = config.listen().empty() ? kDefaultListen : config.listen();
  options.allow_plaintext = config.allow_plaintext();
  options.reflection = config.reflection();
  options.health_names = {v1::ProviderService::service_full_name()};
  return options;
}

CurlHttpClient::Options HttpOptions(const config::v1::Provider& config) {
  CurlHttpClient::Options options;
  if (config.max_requests() > 0) options.max_requests = config.max_requests();
  return options;
}

absl::StatusOr<ForgeJobs::Options> JobsOptions(
    const config::v1::Provider& config, const ConfigFile& file) {
  ForgeJobs::Options options;
  options.types = {config.types().begin(), config.types().end()};
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      options.forge_timeout,
      DurationOr(file, "provider.forge_timeout",
                 config.has_forge_timeout() ? &config.forge_timeout() : nullptr,
                 options.forge_timeout));
  if (config.max_requests_per_credential() > 0) {
    options.max_requests_per_credential = config.max_requests_per_credential();
  }
  if (config.status_reserve_percent() > 100) {
    return file.Error("provider.status_reserve_percent",
                      "must not be more than 100");
  }
  if (config.status_reserve_percent() > 0) {
    options.status_reserve_percent = config.status_reserve_percent();
  }
  return options;
}

// Without keys where the configuration has none.
absl::StatusOr<std::unique_ptr<SealedConnections>> MakeSealedConnections(
    const config::v1::Provider& config, const ConfigFile& file,
    const Clock& clock) {
  if (config.seal_key_file().empty()) {
    return std::make_unique<SealedConnections>(nullptr);
  }
  absl::StatusOr<std::unique_ptr<Seal>> seal =
      Seal::Create(config.seal_key_file(), clock);
  if (!seal.ok()) {
    return file.Error("provider.seal_key_file", seal.status().message());
  }
  return std::make_unique<SealedConnections>(*std::move(seal));
}

// The names of the connections whose failed deliveries are to be made again.
// One whose type is not served here is another worker's.
absl::StatusOr<std::vector<std::string>> ConnectionsToSweep(
    const config::v1::Provider& config, const ConfigFile& file,
    const ForgeJobs& jobs) {
  std::vector<std::string> names;
  for (int i = 0; i < config.connections_size(); ++i) {
    const config::v1::Connection& connection = config.connections(i);
    if (!connection.redeliver_failed()) continue;
    const std::string field =
        absl::StrCat("provider.connections[", i, "].redeliver_failed");
    if (connection.webhook_url().empty()) {
      return file.Error(field, "needs webhook_url, to know which deliveries");
    }
    const Forge* forge = jobs.FindForge(connection.type());
    if (forge == nullptr) continue;
    if (!forge->Redelivers()) {
      return file.Error(
          field, absl::StrCat("is for github and gitlab: a forge of type ",
                              connection.type(),
                              " has no API to deliver again; leave it out"));
    }
    names.push_back(connection.name());
  }
  return names;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ProviderApp>> ProviderApp::Create(
    AppContext& context) {
  const config::v1::Provider& config = context.config.provider();
  const ConfigFile& file = context.config_file;
  LAMPLIGHTER_ASSIGN_OR_RETURN(const ForgeJobs::Options options,
                               JobsOptions(config, file));
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      const absl::Duration drain,
      DurationOr(file, "provider.drain_timeout",
                 config.has_drain_timeout() ? &config.drain_timeout() : nullptr,
                 absl::Seconds(20)));
  LAMPLIGHTER_ASSIGN_OR_RETURN(Connections connections,
                               Connections::Create(config.connections(), file));
  LAMPLIGHTER_ASSIGN_OR_RETURN(GrpcServer::Options listen,
                               ListenOptions(config, file));
  auto app = std::unique_ptr<ProviderApp>(
      new ProviderApp(context, std::move(listen), drain));
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      app->manifests_,
      MakeManifestFeed(
          config.manifests(), file,
          {.service = "provider", .alerts = false, .secrets = true},
          context.loop, context.metrics, context.clock));
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      app->http_, CurlHttpClient::Create(HttpOptions(config), context.loop));
  app->connections_ = std::move(connections);
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      app->sealed_, MakeSealedConnections(config, file, context.clock));
  auto jobs = ForgeJobs::Create(
      options, {*app->manifests_, app->connections_, app->sealed_.get()},
      *app->http_, context.clock, context.metrics);
  if (!jobs.ok()) {
    return file.Error("provider.types", jobs.status().message());
  }
  app->jobs_ = *std::move(jobs);
  app->statuses_ = std::make_unique<StatusWorker>(*app->jobs_);
  app->accounts_ = std::make_unique<AccountWorker>(*app->jobs_);
  LAMPLIGHTER_ASSIGN_OR_RETURN(const std::vector<std::string> to_sweep,
                               ConnectionsToSweep(config, file, *app->jobs_));
  for (const std::string& connection : to_sweep) {
    app->sweeps_.push_back(std::make_unique<RedeliverySweep>(
        RedeliverySweep::Options{.connection = connection}, *app->jobs_,
        context.clock, app->sleeper_, context.metrics));
  }
  return app;
}

asio::awaitable<absl::Status> ProviderApp::Start() {
  health_.AddCheck(kManifestCheck, [this] { return manifests_->Ready(); });
  manifests_->Start();
  // Whoever called before would hear that there is no such Provider.
  LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await manifests_->UntilReady());
  service_ =
      std::make_unique<ProviderService>(*statuses_, *accounts_, loop_, tracer_);
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      server_, GrpcServer::Create(listen_, {service_.get()}));
  RefreshLater();
  for (const auto& sweep : sweeps_) sweeping_.Spawn(sweep->Run());
  LAMPLIGHTER_LOG(kInfo, "provider worker serves").With("port", port());
  co_return absl::OkStatus();
}

asio::awaitable<void> ProviderApp::Stop() {
  is_stopping_ = true;
  refresh_.cancel();
  co_await sweeping_.Drain(absl::ZeroDuration());
  if (server_ != nullptr) co_await server_->Stop(drain_);
  co_await manifests_->Stop();
  health_.RemoveCheck(kManifestCheck);
}

void ProviderApp::RefreshLater() {
  refresh_.expires_after(absl::ToChronoNanoseconds(kRefreshInterval));
  refresh_.async_wait([this](const boost::system::error_code& error) {
    if (error || is_stopping_) return;
    if (const absl::Status status = connections_.Refresh(); !status.ok()) {
      LAMPLIGHTER_LOG_EVERY_SECOND(kWarning, "connections not refreshed")
          .With("error", status.message());
    }
    RefreshLater();
  });
}

absl::StatusOr<std::unique_ptr<Service>> MakeProvider(AppContext& context) {
  return ProviderApp::Create(context);
}

}  // namespace lamplighter::provider
