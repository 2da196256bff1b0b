#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/steady_timer.hpp"
#include "common/app/app.h"
#include "common/app/health.h"
#include "common/async/task_group.h"
#include "common/async/timer_sleeper.h"
#include "common/grpc/grpc_server.h"
#include "common/http/http_client.h"
#include "common/manifests/manifest_feed.h"
#include "common/tracing/tracer.h"
#include "services/provider/account_worker.h"
#include "services/provider/connections.h"
#include "services/provider/forge_jobs.h"
#include "services/provider/provider_service.h"
#include "services/provider/redelivery_sweep.h"
#include "services/provider/sealed_connections.h"
#include "services/provider/status_worker.h"

namespace lamplighter::provider {

// The provider worker: the wiring of what the section `provider` says.
class ProviderApp final : public Service {
 public:
  // InvalidArgument "FILE:LINE: provider.…" for what cannot be used.
  static absl::StatusOr<std::unique_ptr<ProviderApp>> Create(
      AppContext& context);

  boost::asio::awaitable<absl::Status> Start() override;
  boost::asio::awaitable<void> Stop() override;

  // Of the gRPC server; from the end of Start() on.
  int port() const { return server_->port(); }

 private:
  ProviderApp(AppContext& context, GrpcServer::Options listen,
              absl::Duration drain)
      : loop_(context.loop),
        health_(context.health),
        tracer_(context.tracer.For("lamplighter-provider")),
        listen_(std::move(listen)),
        drain_(drain),
        refresh_(context.loop),
        sweeping_(context.loop.get_executor(), "redelivery") {}

  void RefreshLater();

  boost::asio::io_context& loop_;
  Health& health_;
  const Tracer tracer_;
  const GrpcServer::Options listen_;
  const absl::Duration drain_;
  std::unique_ptr<ManifestFeed> manifests_;
  std::unique_ptr<HttpClient> http_;
  Connections connections_;
  std::unique_ptr<SealedConnections> sealed_;
  std::unique_ptr<ForgeJobs> jobs_;
  std::unique_ptr<StatusWorker> statuses_;
  std::unique_ptr<AccountWorker> accounts_;
  std::unique_ptr<ProviderService> service_;
  std::unique_ptr<GrpcServer> server_;
  bool is_stopping_ = false;
  TimerSleeper sleeper_;
  std::vector<std::unique_ptr<RedeliverySweep>> sweeps_;
  // Last: its callback and its tasks use the rest.
  boost::asio::steady_timer refresh_;
  TaskGroup sweeping_;
};

// The same, as a ServiceFactory.
absl::StatusOr<std::unique_ptr<Service>> MakeProvider(AppContext& context);

}  // namespace lamplighter::provider
