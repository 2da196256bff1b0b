#include "common/grpc/grpc_server.h"

#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "boost/asio/async_result.hpp"
#include "boost/asio/executor_work_guard.hpp"
#include "boost/asio/post.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "common/grpc/listen_address.h"
#include "common/log/log.h"
#include "common/status/macros.h"
#include "common/time/clock.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/health_check_service_interface.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"

namespace lamplighter {
namespace {

namespace asio = boost::asio;

class RunningGrpcServer final : public GrpcServer {
 public:
  RunningGrpcServer(std::unique_ptr<grpc::Server> server, int port)
      : server_(std::move(server)), port_(port) {}
  ~RunningGrpcServer() override {
    if (stopper_.joinable()) stopper_.join();
  }

  asio::awaitable<void> Stop(absl::Duration drain) override {
    server_->GetHealthCheckService()->Shutdown();
    const auto deadline = absl::ToChronoTime(Clock::System().Now() + drain);
    // Shutdown() blocks while handlers end on the loop, so it has a thread.
    auto initiate = [this, deadline](auto resume) {
      auto work = asio::make_work_guard(resume);
      stopper_ = std::thread([this, deadline, work = std::move(work),
                              resume = std::move(resume)]() mutable {
        server_->Shutdown(deadline);
        server_->Wait();
        asio::post(work.get_executor(), std::move(resume));
      });
    };
    auto stopped = asio::async_initiate<const asio::use_awaitable_t<>, void()>(
        std::move(initiate), asio::use_awaitable);
    co_await std::move(stopped);
    stopper_.join();
  }

  int port() const override { return port_; }

 private:
  const std::unique_ptr<grpc::Server> server_;
  const int port_;
  std::thread stopper_;
};

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeCredentials(
    const GrpcServer::Options& options) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const bool loopback, IsLoopback(options.listen));
  if (options.tls.has_value()) return MakeGrpcServerCredentials(*options.tls);
  if (loopback) return grpc::InsecureServerCredentials();
  if (!options.allow_plaintext) {
    return absl::InvalidArgumentError(
        absl::StrCat(options.listen,
                     ": is not loopback, and plaintext elsewhere must be "
                     "allowed explicitly"));
  }
  LAMPLIGHTER_LOG(kWarning,
                  "PLAINTEXT gRPC beyond loopback: whoever is on the way can "
                  "read calls and the tokens in them")
      .With("address", options.listen);
  return grpc::InsecureServerCredentials();
}

void SetLimits(const GrpcServer::Options& options,
               grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(options.max_message);
  builder.SetMaxSendMessageSize(options.max_message);
  // A second server on the port is an error, not half of the calls.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 1'000);
  // Callers come back to all addresses of the name, so to new pods too.
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, 600'000);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, 60'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 60'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  // What MakeChannel() sends, with room for jitter.
  builder.AddChannelArgument(
      GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10'000);
}

}  // namespace

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Create(
    const Options& options, const std::vector<grpc::Service*>& services) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      const std::shared_ptr<grpc::ServerCredentials> credentials,
      MakeCredentials(options));
  grpc::EnableDefaultHealthCheckService(true);
  if (options.reflection) {
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  }
  int port = 0;
  grpc::ServerBuilder builder;
  SetLimits(options, builder);
  builder.AddListeningPort(options.listen, credentials, &port);
  for (grpc::Service* service : services) builder.RegisterService(service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || port == 0) {
    return absl::UnavailableError(
        absl::StrCat(options.listen, ": cannot be bound"));
  }
  for (const std::string& name : options.health_names) {
    server->GetHealthCheckService()->SetServingStatus(name, true);
  }
  return std::make_unique<RunningGrpcServer>(std::move(server), port);
}

}  // namespace lamplighter
