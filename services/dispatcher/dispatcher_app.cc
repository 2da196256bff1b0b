#include "services/dispatcher/dispatcher_app.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/experimental/awaitable_operators.hpp"
#include "common/async/task_group.h"
#include "common/async/timer_sleeper.h"
#include "common/config/duration.h"
#include "common/grpc/provider_channels.h"
#include "common/grpc/server_config.h"
#include "common/kafka/consumer.h"
#include "common/kafka/kafka_options.h"
#include "common/kafka/topic_setup.h"
#include "common/kubernetes/manifest_feed_factory.h"
#include "common/kubernetes/object_lookup.h"
#include "common/kubernetes/object_lookup_factory.h"
#include "common/manifests/manifest_feed.h"
#include "common/status/macros.h"
#include "common/tracing/tracer.h"
#include "services/dispatcher/bounded_consumer.h"
#include "services/dispatcher/deliverer/grpc_status_setter.h"
#include "services/dispatcher/deliverer/intent_handler.h"
#include "services/dispatcher/deliverer/retry_handler.h"
#include "services/dispatcher/metrics.h"
#include "services/dispatcher/pending/pending_statuses.h"
#include "services/dispatcher/provider_workers.h"
#include "services/dispatcher/router/event_handler.h"
#include "services/dispatcher/router/git_event_handler.h"
#include "services/dispatcher/router/pending_intents.h"
#include "services/dispatcher/router/router.h"
#include "services/dispatcher/status_service/scopes.h"
#include "services/dispatcher/status_service/status_server.h"
#include "services/dispatcher/streams.h"

namespace lamplighter::dispatcher {
namespace {

using ::boost::asio::awaitable;
using ::boost::asio::experimental::awaitable_operators::operator&&;

constexpr absl::Duration kFlushLimit = absl::Seconds(5);

struct Options {
  RouterOptions router;
  absl::optional<PendingRules> pending;  // none: git-events are not read
  IntentHandler::Options intents;
  BoundedConsumer::Options bounds;
  std::string member;  // in the consumer groups; may be empty
  ProviderChannels workers;
  absl::optional<ServerConfig> status_service;  // none: not served
  absl::Duration call_timeout;
  absl::Duration drain_timeout;
};

absl::StatusOr<IntentHandler::Options> ReadIntentOptions(
    const config::v1::Dispatcher& config,
    const BoundedConsumer::Options& bounds, IntentHandler::Options options,
    const ConfigFile& file) {
  Deliverer::Options& deliverer = options.deliverer;
  // Before reading stops, what cannot be done makes room for what can.
  deliverer.crowded_at = std::max<size_t>(bounds.max_records / 2, 1);
  deliverer.crowded_at_bytes = std::max<size_t>(bounds.max_bytes / 2, 1);
  deliverer.max_inherited = bounds.max_records;
  if (config.max_remembered() > 0) {
    options.max_remembered = config.max_remembered();
  }
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      deliverer.give_up_after,
      DurationOr(file, "dispatcher.give_up_after",
                 config.has_give_up_after() ? &config.give_up_after() : nullptr,
                 deliverer.give_up_after));
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      deliverer.park_after,
      DurationOr(file, "dispatcher.park_after",
                 config.has_park_after() ? &config.park_after() : nullptr,
                 deliverer.park_after));
  deliverer.max_parked =
      std::max(deliverer.max_parked, 2 * deliverer.park_after);
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      options.restorer.remember_for,
      DurationOr(file, "dispatcher.remember_for",
                 config.has_remember_for() ? &config.remember_for() : nullptr,
                 options.restorer.remember_for));
  return options;
}

absl::StatusOr<PendingRules> ReadPendingRules(const config::v1::Pending& config,
                                              const ConfigFile& file) {
  PendingRules rules;
  if (!config.events().empty()) {
    rules.pushes = rules.pull_requests = false;
  }
  for (const std::string& event : config.events()) {
    if (event == "push") {
      rules.pushes = true;
    } else if (event == "pull-request") {
      rules.pull_requests = true;
    } else {
      return file.Error(
          "dispatcher.pending.events",
          absl::StrCat("'", event, "' is none of push and pull-request"));
    }
  }
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      rules.error_after,
      DurationOr(file, "dispatcher.pending.error_after",
                 config.has_error_after() ? &config.error_after() : nullptr,
                 rules.error_after));
  return rules;
}

absl::StatusOr<PendingStatuses::Options> ReadPendingOptions(
    const config::v1::Pending& config, absl::Duration error_after,
    absl::Duration remember_for, const ConfigFile& file) {
  PendingStatuses::Options options;
  options.error_after = error_after;
  for (const std::string& pattern : config.contexts()) {
    if (pattern.empty()) {
      return file.Error("dispatcher.pending.contexts",
                        "must not be empty: `*` is for all");
    }
    options.contexts.push_back(pattern);
  }
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      options.seen_within,
      DurationOr(file, "dispatcher.pending.seen_within",
                 config.has_seen_within() ? &config.seen_within() : nullptr,
                 options.seen_within));
  options.seen_within = std::min(options.seen_within, remember_for);
  return options;
}

absl::StatusOr<Options> ReadOptions(const config::v1::Dispatcher& config,
                                    const ConfigFile& file) {
  Options options;
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      options.workers,
      ReadProviderChannels(
          config.providers(),
          config.has_providers_tls() ? &config.providers_tls() : nullptr, file,
          "dispatcher"));
  if (config.has_status_service()) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(
        options.status_service,
        ReadServerConfig(config.status_service(), file,
                         "dispatcher.status_service", kScopes));
  }
  if (config.description() == config::v1::Dispatcher::FLUX) {
    options.router.description = DescriptionStyle::kFlux;
  }
  options.router.no_cross_namespace_refs = config.no_cross_namespace_refs();
  options.member = config.group_instance_id();
  if (config.max_calls() > 0) {
    options.intents.deliverer.max_calls = static_cast<int>(config.max_calls());
  }
  if (config.max_waiting() > 0) {
    options.bounds.max_records = config.max_waiting();
  }
  if (config.max_waiting_bytes() > 0) {
    options.bounds.max_bytes = config.max_waiting_bytes();
  }
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      options.intents,
      ReadIntentOptions(config, options.bounds, options.intents, file));
  if (config.has_pending()) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(options.pending,
                                 ReadPendingRules(config.pending(), file));
    LAMPLIGHTER_ASSIGN_OR_RETURN(
        options.intents.pending,
        ReadPendingOptions(config.pending(), options.pending->error_after,
                           options.intents.restorer.remember_for, file));
  }
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      options.call_timeout,
      DurationOr(file, "dispatcher.call_timeout",
                 config.has_call_timeout() ? &config.call_timeout() : nullptr,
                 absl::Seconds(20)));
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      options.drain_timeout,
      DurationOr(file, "dispatcher.drain_timeout",
                 config.has_drain_timeout() ? &config.drain_timeout() : nullptr,
                 absl::Seconds(20)));
  return options;
}

// Null where it is not configured.
absl::StatusOr<std::unique_ptr<StatusServer>> MakeStatusServer(
    const Options& options, const KafkaOptions& kafka,
    const ProviderWorkers& workers, const ManifestSource& manifests,
    const AppContext& context) {
  if (!options.status_service.has_value()) return nullptr;
  StatusServer::Options server;
  server.server = *options.status_service;
  server.kafka = kafka;
  server.call_timeout = options.call_timeout;
  const config::v1::Kafka& config = context.config.kafka();
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      server.produce_timeout,
      DurationOr(
          context.config_file, "kafka.produce_timeout",
          config.has_produce_timeout() ? &config.produce_timeout() : nullptr,
          server.produce_timeout));
  return StatusServer::Create(server, workers, manifests, context.loop,
                              context.clock, context.metrics,
                              context.tracer.For("lamplighter-dispatcher"));
}

awaitable<void> StopConsumer(Consumer* consumer) {
  if (consumer != nullptr) co_await consumer->Stop();
}

class DispatcherService final : public Service {
 public:
  DispatcherService(const Options& options, KafkaOptions kafka,
                    std::unique_ptr<ManifestFeed> manifests,
                    std::unique_ptr<ObjectLookup> objects, Streams streams,
                    std::unique_ptr<ProviderWorkers> workers,
                    std::unique_ptr<StatusServer> status_server,
                    AppContext& context)
      : options_(options),
        health_(context.health),
        fail_(context.fail),
        metrics_(context.metrics),
        topics_(std::move(kafka), context.config.kafka(), /*names=*/{},
                sleeper_),
        manifests_(std::move(manifests)),
        objects_(std::move(objects)),
        streams_(std::move(streams)),
        workers_(std::move(workers)),
        status_server_(std::move(status_server)),
        router_(options.router, *manifests_),
        tracer_(context.tracer.For("lamplighter-dispatcher")),
        setter_(*workers_, options.call_timeout, context.clock, tracer_),
        event_handler_(context.loop, router_, objects_.get(), *streams_.events,
                       *streams_.producer, sleeper_, context.clock, metrics_,
                       tracer_),
        intent_handler_(options.intents, context.loop, setter_,
                        *streams_.intents, *streams_.producer, *streams_.ledger,
                        sleeper_, context.clock, metrics_, tracer_),
        retry_handler_(context.loop, *streams_.retries, *streams_.producer,
                       sleeper_, context.clock, metrics_),
        git_event_handler_(streams_.git_events == nullptr
                               ? nullptr
                               : std::make_unique<GitEventHandler>(
                                     *options.pending, context.loop,
                                     *streams_.git_events, *streams_.producer,
                                     sleeper_, context.clock, metrics_,
                                     tracer_)),
        tasks_(context.loop.get_executor(), "dispatcher") {}

  awaitable<absl::Status> Start() override {
    health_.AddCheck("dispatcher topics", [this] { return topics_.Ready(); });
    health_.AddCheck("dispatcher producer",
                     [this] { return streams_.producer->Ready(); });
    health_.AddCheck("dispatcher events",
                     [this] { return streams_.events->Ready(); });
    if (streams_.git_events != nullptr) {
      health_.AddCheck("dispatcher git events",
                       [this] { return streams_.git_events->Ready(); });
    }
    health_.AddCheck("dispatcher intents",
                     [this] { return streams_.intents->Ready(); });
    health_.AddCheck("dispatcher retries",
                     [this] { return streams_.retries->Ready(); });
    health_.AddCheck("dispatcher ledger",
                     [this] { return intent_handler_.Ready(); });
    health_.AddCheck("dispatcher manifests",
                     [this] { return manifests_->Ready(); });
    manifests_->Start();
    tasks_.Spawn(ReadTopics());
    co_return absl::OkStatus();
  }

  awaitable<void> Stop() override {
    stopping_ = true;
    if (status_server_ != nullptr) {
      co_await status_server_->Stop(options_.drain_timeout);
    }
    streams_.events->Pause();
    if (streams_.git_events != nullptr) streams_.git_events->Pause();
    streams_.intents->Pause();
    streams_.retries->Pause();
    co_await intent_handler_.Drain(options_.drain_timeout);
    // At once, as brokers that are away hold each up for as long as it may
    // take.
    co_await (StopConsumer(streams_.events.get()) &&
              StopConsumer(streams_.git_events.get()) &&
              StopConsumer(streams_.retries.get()) &&
              StopConsumer(streams_.intents.get()));
    co_await event_handler_.Stop();
    co_await streams_.producer->Flush(kFlushLimit);
    co_await tasks_.Drain(absl::ZeroDuration());
    co_await manifests_->Stop();
    for (const char* check :
         {"dispatcher topics", "dispatcher producer", "dispatcher events",
          "dispatcher git events", "dispatcher intents", "dispatcher retries",
          "dispatcher ledger", "dispatcher manifests"}) {
      health_.RemoveCheck(check);
    }
  }

 private:
  // Once the topics are there: a consumer that finds none looks again seldom.
  // And once the manifests are: without them no event would match.
  awaitable<void> ReadTopics() {
    co_await topics_.Run();
    const absl::Status manifests = co_await manifests_->UntilReady();
    if (stopping_ || !manifests.ok()) co_return;
    absl::Status started = streams_.intents->Start(intent_handler_);
    if (started.ok()) started = streams_.retries->Start(retry_handler_);
    if (started.ok()) started = streams_.events->Start(event_handler_);
    if (started.ok() && git_event_handler_ != nullptr) {
      started = streams_.git_events->Start(*git_event_handler_);
    }
    if (started.ok() && status_server_ != nullptr) {
      started = status_server_->Start();
    }
    if (!started.ok()) fail_(started);
  }

  const Options options_;
  Health& health_;
  const std::function<void(absl::Status)> fail_;
  bool stopping_ = false;
  TimerSleeper sleeper_;
  DispatcherMetrics metrics_;
  TopicSetup topics_;
  const std::unique_ptr<ManifestFeed> manifests_;
  const std::unique_ptr<ObjectLookup> objects_;  // null without a cluster
  const Streams streams_;
  const std::unique_ptr<ProviderWorkers> workers_;
  const std::unique_ptr<StatusServer> status_server_;  // null: not configured
  Router router_;
  const Tracer tracer_;
  GrpcStatusSetter setter_;
  EventHandler event_handler_;
  IntentHandler intent_handler_;
  RetryHandler retry_handler_;
  const std::unique_ptr<GitEventHandler> git_event_handler_;  // may be null
  TaskGroup tasks_;  // last: its tasks use what is above
};

}  // namespace

absl::StatusOr<std::unique_ptr<Service>> MakeDispatcher(AppContext& context) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      const Options options,
      ReadOptions(context.config.dispatcher(), context.config_file));
  LAMPLIGHTER_ASSIGN_OR_RETURN(const KafkaOptions kafka,
                               MakeKafkaOptions(context.config.kafka()));
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      std::unique_ptr<ManifestFeed> manifests,
      MakeManifestFeed(context.config.dispatcher().manifests(),
                       context.config_file,
                       {.service = "dispatcher", .alerts = true}, context.loop,
                       context.metrics, context.clock));
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      std::unique_ptr<ObjectLookup> objects,
      MakeObjectLookup(context.config.dispatcher().manifests(), context.loop,
                       context.clock));
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      Streams streams,
      MakeStreams(kafka, options.bounds, options.member, context));
  if (options.pending.has_value()) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(
        streams.git_events,
        MakeGitEvents(kafka, options.bounds, options.member, context));
  }
  auto workers = std::make_unique<ProviderWorkers>(options.workers, *manifests);
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      std::unique_ptr<StatusServer> status_server,
      MakeStatusServer(options, kafka, *workers, *manifests, context));
  return std::make_unique<DispatcherService>(
      options, kafka, std::move(manifests), std::move(objects),
      std::move(streams), std::move(workers), std::move(status_server),
      context);
}

}  // namespace lamplighter::dispatcher
