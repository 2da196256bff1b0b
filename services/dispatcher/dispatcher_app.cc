#include "services/dispatcher/dispatcher_app.h"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "common/async/task_group.h"
#include "common/async/timer_sleeper.h"
#include "common/config/duration.h"
#include "common/kafka/kafka_consumer.h"
#include "common/kafka/kafka_options.h"
#include "common/kafka/kafka_producer.h"
#include "common/kafka/topic_names.h"
#include "common/kafka/topic_setup.h"
#include "common/kubernetes/manifest_feed_factory.h"
#include "common/manifests/manifest_feed.h"
#include "common/status/macros.h"
#include "services/dispatcher/bounded_consumer.h"
#include "services/dispatcher/deliverer/grpc_status_setter.h"
#include "services/dispatcher/deliverer/intent_handler.h"
#include "services/dispatcher/metrics.h"
#include "services/dispatcher/router/event_handler.h"
#include "services/dispatcher/router/router.h"

namespace lamplighter::dispatcher {
namespace {

using ::boost::asio::awaitable;

constexpr char kRouterGroup[] = "lamplighter-router";
constexpr char kDelivererGroup[] = "lamplighter-deliverer";
constexpr absl::Duration kFlushLimit = absl::Seconds(5);

struct Options {
  RouterOptions router;
  Deliverer::Options deliverer;
  BoundedConsumer::Options bounds;
  std::map<std::string, std::string> workers;  // by provider type
  absl::Duration call_timeout;
  absl::Duration drain_timeout;
};

absl::StatusOr<Options> ReadOptions(const config::v1::Dispatcher& config,
                                    const ConfigFile& file) {
  Options options;
  if (config.providers().empty()) {
    return file.Error("dispatcher.providers",
                      "must name the address of a provider worker, e.g. "
                      "{default: \"dns:///provider:50051\"}");
  }
  options.workers = {config.providers().begin(), config.providers().end()};
  if (config.description() == config::v1::Dispatcher::FLUX) {
    options.router.description = DescriptionStyle::kFlux;
  }
  options.router.no_cross_namespace_refs = config.no_cross_namespace_refs();
  if (config.max_calls() > 0) {
    options.deliverer.max_calls = static_cast<int>(config.max_calls());
  }
  if (config.max_waiting() > 0) {
    options.bounds.max_records = config.max_waiting();
  }
  if (config.max_waiting_bytes() > 0) {
    options.bounds.max_bytes = config.max_waiting_bytes();
  }
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      options.deliverer.give_up_after,
      DurationOr(file, "dispatcher.give_up_after",
                 config.has_give_up_after() ? &config.give_up_after() : nullptr,
                 options.deliverer.give_up_after));
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

absl::StatusOr<std::unique_ptr<BoundedConsumer>> MakeConsumer(
    const KafkaOptions& kafka, const char* group, const char* topic,
    const BoundedConsumer::Options& bounds, const AppContext& context) {
  KafkaConsumer::Options options;
  options.kafka = kafka;
  options.group = group;
  options.topics = {topic};
  options.on_fatal = context.fail;
  LAMPLIGHTER_ASSIGN_OR_RETURN(std::unique_ptr<KafkaConsumer> consumer,
                               KafkaConsumer::Create(options, context.loop));
  return std::make_unique<BoundedConsumer>(bounds, std::move(consumer));
}

// What the handlers read from and write to.
struct Streams {
  std::unique_ptr<KafkaProducer> producer;
  std::unique_ptr<BoundedConsumer> events;
  std::unique_ptr<BoundedConsumer> intents;
};

absl::StatusOr<Streams> MakeStreams(const KafkaOptions& kafka,
                                    const BoundedConsumer::Options& bounds,
                                    const AppContext& context) {
  Streams streams;
  KafkaProducer::Options options;
  options.kafka = kafka;
  // Nothing may be given up or overtaken; what waits is bounded by what is
  // read.
  options.message_timeout = absl::InfiniteDuration();
  options.max_queue_bytes = 4 * bounds.max_bytes;
  options.on_fatal = context.fail;
  LAMPLIGHTER_ASSIGN_OR_RETURN(streams.producer,
                               KafkaProducer::Create(options, context.loop));
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      streams.events,
      MakeConsumer(kafka, kRouterGroup, kFluxEventsTopic, bounds, context));
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      streams.intents, MakeConsumer(kafka, kDelivererGroup, kStatusIntentsTopic,
                                    bounds, context));
  return streams;
}

class DispatcherService final : public Service {
 public:
  DispatcherService(const Options& options, KafkaOptions kafka,
                    std::unique_ptr<ManifestFeed> manifests, Streams streams,
                    AppContext& context)
      : options_(options),
        kafka_(std::move(kafka)),
        kafka_config_(context.config.kafka()),
        health_(context.health),
        fail_(context.fail),
        metrics_(context.metrics),
        manifests_(std::move(manifests)),
        streams_(std::move(streams)),
        router_(options.router, *manifests_),
        setter_(options.workers, options.call_timeout, context.clock,
                *manifests_),
        event_handler_(context.loop, router_, *streams_.events,
                       *streams_.producer, sleeper_, context.clock, metrics_),
        intent_handler_(options.deliverer, context.loop, setter_,
                        *streams_.intents, *streams_.producer, sleeper_,
                        context.clock, metrics_),
        tasks_(context.loop.get_executor(), "dispatcher") {}

  awaitable<absl::Status> Start() override {
    health_.AddCheck("dispatcher producer",
                     [this] { return streams_.producer->Ready(); });
    health_.AddCheck("dispatcher events",
                     [this] { return streams_.events->Ready(); });
    health_.AddCheck("dispatcher intents",
                     [this] { return streams_.intents->Ready(); });
    health_.AddCheck("dispatcher manifests",
                     [this] { return manifests_->Ready(); });
    manifests_->Start();
    tasks_.Spawn(ReadTopics());
    co_return absl::OkStatus();
  }

  awaitable<void> Stop() override {
    stopping_ = true;
    streams_.events->Pause();
    streams_.intents->Pause();
    co_await intent_handler_.Drain(options_.drain_timeout);
    co_await streams_.events->Stop();
    co_await streams_.intents->Stop();
    co_await streams_.producer->Flush(kFlushLimit);
    co_await tasks_.Drain(absl::ZeroDuration());
    co_await manifests_->Stop();
    for (const char* check : {"dispatcher producer", "dispatcher events",
                              "dispatcher intents", "dispatcher manifests"}) {
      health_.RemoveCheck(check);
    }
  }

 private:
  // Once the topics are there: a consumer that finds none looks again seldom.
  // And once the manifests are: without them no event would match.
  awaitable<void> ReadTopics() {
    co_await SetUpTopics(kafka_, kafka_config_, sleeper_);
    const absl::Status manifests = co_await manifests_->UntilReady();
    if (stopping_ || !manifests.ok()) co_return;
    absl::Status started = streams_.intents->Start(intent_handler_);
    if (started.ok()) started = streams_.events->Start(event_handler_);
    if (!started.ok()) fail_(started);
  }

  const Options options_;
  const KafkaOptions kafka_;
  const config::v1::Kafka kafka_config_;
  Health& health_;
  const std::function<void(absl::Status)> fail_;
  bool stopping_ = false;
  TimerSleeper sleeper_;
  DispatcherMetrics metrics_;
  const std::unique_ptr<ManifestFeed> manifests_;
  const Streams streams_;
  Router router_;
  GrpcStatusSetter setter_;
  EventHandler event_handler_;
  IntentHandler intent_handler_;
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
  LAMPLIGHTER_ASSIGN_OR_RETURN(Streams streams,
                               MakeStreams(kafka, options.bounds, context));
  return std::make_unique<DispatcherService>(
      options, kafka, std::move(manifests), std::move(streams), context);
}

}  // namespace lamplighter::dispatcher
