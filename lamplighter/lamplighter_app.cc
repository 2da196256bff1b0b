#include "lamplighter/lamplighter_app.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "boost/asio/awaitable.hpp"
#include "common/kafka/embedded_broker.h"
#include "common/kafka/topics.h"
#include "common/log/log.h"
#include "common/status/macros.h"
#include "services/dispatcher/dispatcher_app.h"
#include "services/ingest/ingest_app.h"
#include "services/provider/provider_app.h"
#include "services/reposync/reposync_app.h"

namespace lamplighter {
namespace {

using ::boost::asio::awaitable;

constexpr char kEmbedded[] = "embedded";
constexpr char kProviderListen[] = "127.0.0.1:50051";
constexpr int kEmbeddedPartitions = 4;

absl::StatusOr<std::unique_ptr<EmbeddedBroker>> MakeBroker(int partitions) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      std::unique_ptr<EmbeddedBroker> broker,
      EmbeddedBroker::Create({.partitions = partitions}));
  LAMPLIGHTER_RETURN_IF_ERROR(
      broker->CreateTopics(LamplighterTopics(partitions, /*replication=*/1)));
  return broker;
}

// The configuration with what goes without saying in one process.
config::v1::Config Complete(config::v1::Config config) {
  if (config.provider().listen().empty()) {
    config.mutable_provider()->set_listen(kProviderListen);
  }
  if (config.dispatcher().providers().empty()) {
    (*config.mutable_dispatcher()->mutable_providers())["default"] =
        config.provider().listen();
  }
  if (config.has_reposync() && config.reposync().providers().empty()) {
    (*config.mutable_reposync()->mutable_providers())["default"] =
        config.provider().listen();
  }
  if (!config.provider().has_manifests()) {
    *config.mutable_provider()->mutable_manifests() =
        config.dispatcher().manifests();
  }
  return config;
}

class LamplighterService final : public Service {
 public:
  static absl::StatusOr<std::unique_ptr<Service>> Create(AppContext& context) {
    auto lamplighter = std::unique_ptr<LamplighterService>(
        new LamplighterService(context, Complete(context.config)));
    LAMPLIGHTER_RETURN_IF_ERROR(lamplighter->Make());
    return lamplighter;
  }

  awaitable<absl::Status> Start() override {
    for (const auto& service : services_) {
      ++started_;
      LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await service->Start());
    }
    co_return absl::OkStatus();
  }

  awaitable<void> Stop() override {
    while (started_ > 0) co_await services_[--started_]->Stop();
  }

 private:
  LamplighterService(const AppContext& context, config::v1::Config config)
      : config_(std::move(config)),
        context_{.loop = context.loop,
                 .config = config_,
                 .config_file = context.config_file,
                 .metrics = context.metrics,
                 .health = context.health,
                 .clock = context.clock,
                 .fail = context.fail,
                 .stop = context.stop,
                 .tracer = context.tracer} {}

  absl::Status Make() {
    if (config_.kafka().bootstrap_servers() == kEmbedded) {
      LAMPLIGHTER_LOG(kWarning,
                      "the embedded broker forgets everything at the end; for "
                      "more than a trial set kafka.bootstrap_servers");
      const int partitions = config_.kafka().partitions();
      LAMPLIGHTER_ASSIGN_OR_RETURN(
          broker_,
          MakeBroker(partitions > 0 ? partitions : kEmbeddedPartitions));
      config_.mutable_kafka()->set_bootstrap_servers(
          broker_->bootstrap_servers());
      config_.mutable_kafka()->set_create_topics(false);  // they are there
    }
    // The dispatcher first, since what the provider worker is not told it takes
    // from there, and mistakes should be told of where they were made.
    std::vector<ServiceFactory> factories = {&dispatcher::MakeDispatcher,
                                             &provider::MakeProvider,
                                             &ingest::MakeIngest};
    if (config_.has_reposync()) factories.push_back(&reposync::MakeReposync);
    for (const ServiceFactory& make : factories) {
      LAMPLIGHTER_ASSIGN_OR_RETURN(std::unique_ptr<Service> service,
                                   make(context_));
      services_.push_back(std::move(service));
    }
    // Whoever is called starts before who calls, and stops after it.
    std::swap(services_[0], services_[1]);
    return absl::OkStatus();
  }

  config::v1::Config config_;
  AppContext context_;  // refers to config_
  std::unique_ptr<EmbeddedBroker> broker_;
  std::vector<std::unique_ptr<Service>> services_;  // after the broker
  size_t started_ = 0;  // so many of services_ are to be stopped
};

}  // namespace

absl::StatusOr<std::unique_ptr<Service>> MakeLamplighter(AppContext& context) {
  return LamplighterService::Create(context);
}

}  // namespace lamplighter
