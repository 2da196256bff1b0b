#include "services/provider/provider_app.h"

#include <utility>
#include <vector>

#include "boost/system/error_code.hpp"
#include "common/config/duration.h"
#include "common/log/log.h"
#include "common/status/macros.h"
#include "proto/lamplighter/config/v1/provider.pb.h"

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;

constexpr char kDefaultListen[] = "127.0.0.1:50051";
constexpr absl::Duration kRefreshInterval = absl::Seconds(2);

GrpcServer::Options ListenOptions(const config::v1::Provider& config) {
  GrpcServer::Options options;
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

}  // namespace

absl::StatusOr<std::unique_ptr<ProviderApp>> ProviderApp::Create(
    AppContext& context) {
  const config::v1::Provider& config = context.config.provider();
  StatusWorker::Options options;
  options.types = {config.types().begin(), config.types().end()};
  const ConfigFile& file = context.config_file;
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      options.forge_timeout,
      DurationOr(file, "provider.forge_timeout",
                 config.has_forge_timeout() ? &config.forge_timeout() : nullptr,
                 options.forge_timeout));
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      const absl::Duration drain,
      DurationOr(file, "provider.drain_timeout",
                 config.has_drain_timeout() ? &config.drain_timeout() : nullptr,
                 absl::Seconds(20)));
  if (config.manifests().directory().empty()) {
    return file.Error("provider.manifests.directory", "must not be empty");
  }
  auto app = std::unique_ptr<ProviderApp>(
      new ProviderApp(context, ListenOptions(config), drain));
  auto manifests = ManifestDirectory::Create(config.manifests().directory());
  if (!manifests.ok()) {
    return file.Error("provider.manifests.directory",
                      manifests.status().message());
  }
  app->manifests_ = *std::move(manifests);
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      app->http_, CurlHttpClient::Create(HttpOptions(config), context.loop));
  auto worker = StatusWorker::Create(options, *app->manifests_, *app->http_,
                                     context.clock, context.metrics);
  if (!worker.ok()) {
    return file.Error("provider.types", worker.status().message());
  }
  app->worker_ = *std::move(worker);
  return app;
}

asio::awaitable<absl::Status> ProviderApp::Start() {
  service_ = std::make_unique<ProviderService>(*worker_, loop_);
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      server_, GrpcServer::Create(listen_, {service_.get()}));
  RefreshLater();
  LAMPLIGHTER_LOG(kInfo, "provider worker serves").With("port", port());
  co_return absl::OkStatus();
}

asio::awaitable<void> ProviderApp::Stop() {
  is_stopping_ = true;
  refresh_.cancel();
  if (server_ != nullptr) co_await server_->Stop(drain_);
}

void ProviderApp::RefreshLater() {
  refresh_.expires_after(absl::ToChronoNanoseconds(kRefreshInterval));
  refresh_.async_wait([this](const boost::system::error_code& error) {
    if (error || is_stopping_) return;
    if (const absl::Status status = manifests_->Refresh(); !status.ok()) {
      LAMPLIGHTER_LOG_EVERY_SECOND(kWarning, "manifests not refreshed")
          .With("error", status.message());
    }
    RefreshLater();
  });
}

absl::StatusOr<std::unique_ptr<Service>> MakeProvider(AppContext& context) {
  return ProviderApp::Create(context);
}

}  // namespace lamplighter::provider
