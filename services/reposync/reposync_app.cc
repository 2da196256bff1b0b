#include "services/reposync/reposync_app.h"

#include <functional>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "common/async/task_group.h"
#include "common/async/timer_sleeper.h"
#include "common/kafka/kafka_consumer.h"
#include "common/kafka/kafka_options.h"
#include "common/kafka/kafka_producer.h"
#include "common/kafka/topic_names.h"
#include "common/kafka/topic_setup.h"
#include "common/log/log.h"
#include "common/status/macros.h"
#include "services/reposync/connections/configured_connections.h"
#include "services/reposync/connections/connections.h"
#include "services/reposync/events/event_applier.h"
#include "services/reposync/events/grpc_repository_source.h"
#include "services/reposync/events/look_ups.h"
#include "services/reposync/hooks/grpc_hook_worker.h"
#include "services/reposync/hooks/hook_reconciler.h"
#include "services/reposync/refresh/grpc_repository_lister.h"
#include "services/reposync/refresh/refresh_scheduler.h"
#include "services/reposync/refresh/refresher.h"
#include "services/reposync/reposync_config.h"
#include "services/reposync/service/attachments.h"
#include "services/reposync/service/catalog_server.h"
#include "services/reposync/service/change_feed.h"
#include "services/reposync/service/change_publisher.h"
#include "services/reposync/store/catalog_store.h"
#include "services/reposync/store/connection_store.h"
#include "services/reposync/store/database.h"
#include "services/reposync/store/hook_store.h"
#include "services/reposync/store/lease_store.h"
#include "services/reposync/store/listing_store.h"
#include "services/reposync/upkeep.h"
#include "services/reposync/workers.h"

namespace lamplighter::reposync {
namespace {

using ::boost::asio::awaitable;

constexpr char kGroup[] = "lamplighter-catalog";
constexpr absl::Duration kListingTimeout = absl::Minutes(30);
constexpr absl::Duration kCallTimeout = absl::Seconds(30);
constexpr absl::Duration kMigrateAgain = absl::Seconds(2);
constexpr absl::Duration kFlushLimit = absl::Seconds(5);

// Of an error of the database that others or waiting can mend.
bool MayPass(const absl::Status& status) { return absl::IsUnavailable(status); }

HookReconciler::Options ReconcilerOptions(const ReposyncConfig& config) {
  HookReconciler::Options options;
  options.owner = config.refresher.owner;
  options.times.check_interval = config.hook_check_interval;
  return options;
}

class ReposyncService final : public Service {
 public:
  ReposyncService(const ReposyncConfig& config, KafkaOptions kafka,
                  std::unique_ptr<Database> database,
                  std::unique_ptr<KafkaConsumer> consumer,
                  std::unique_ptr<KafkaProducer> producer, AppContext& context)
      : health_(context.health),
        fail_(context.fail),
        drain_timeout_(config.drain_timeout),
        seal_(config.seal),
        topics_(std::move(kafka), context.config.kafka(),
                {kGitEventsTopic, kCatalogChangesTopic}, sleeper_),
        database_(std::move(database)),
        consumer_(std::move(consumer)),
        producer_(std::move(producer)),
        workers_(config.workers),
        catalog_(*database_, context.clock),
        listings_(*database_, catalog_, context.clock),
        connection_store_(*database_, catalog_, context.clock),
        hooks_(*database_, context.clock),
        leases_(*database_, context.clock),
        configured_({}, workers_, connection_store_, context.clock, sleeper_),
        lister_(workers_, kListingTimeout, context.clock),
        refresher_(config.refresher, lister_, listings_, context.clock,
                   sleeper_, context.metrics),
        scheduler_(config.scheduler, refresher_, connection_store_, listings_,
                   context.clock, sleeper_, context.loop.get_executor()),
        connections_(config.connections, {.workers = workers_,
                                          .connections = connection_store_,
                                          .listings = listings_,
                                          .scheduler = scheduler_,
                                          .seal = seal_.get(),
                                          .clock = context.clock}),
        hook_worker_(workers_, kCallTimeout, context.clock),
        reconciler_(ReconcilerOptions(config), context.loop, hooks_,
                    connection_store_, catalog_, hook_worker_, context.clock,
                    context.metrics),
        attachments_({.catalog = catalog_,
                      .connections = connection_store_,
                      .hooks = hooks_,
                      .reconciler = reconciler_,
                      .all = connections_}),
        source_(workers_, kCallTimeout, context.clock),
        look_ups_({}, source_, catalog_, connection_store_, context.clock,
                  sleeper_, context.metrics, context.loop.get_executor()),
        events_({}, *consumer_, look_ups_, catalog_, connection_store_,
                scheduler_, sleeper_, context.loop.get_executor()),
        feed_({}, catalog_, context.loop),
        publisher_({.owner = config.refresher.owner}, leases_, catalog_, feed_,
                   *producer_, sleeper_, context.metrics),
        upkeep_({.keep_removed = config.keep_removed,
                 .keep_changes = config.keep_changes},
                catalog_, context.clock, sleeper_),
        tasks_(context.loop.get_executor(), "reposync") {}

  // Before Start(). The server refers to what is here.
  absl::Status MakeServer(const ReposyncConfig& config, AppContext& context) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(
        server_, CatalogServer::Create({.grpc = config.catalog_service,
                                        .json = config.json,
                                        .clients = config.clients},
                                       {.catalog = catalog_,
                                        .listings = listings_,
                                        .connections = connections_,
                                        .scheduler = scheduler_,
                                        .attachments = attachments_},
                                       feed_, context.loop, context.clock,
                                       context.metrics));
    return absl::OkStatus();
  }

  awaitable<absl::Status> Start() override {
    health_.AddCheck("reposync database", [this] { return migrated_; });
    health_.AddCheck("reposync topics", [this] { return topics_.Ready(); });
    health_.AddCheck("reposync events", [this] { return consumer_->Ready(); });
    tasks_.Spawn(Begin());
    co_return absl::OkStatus();
  }

  awaitable<void> Stop() override {
    stopping_ = true;
    co_await server_->Stop(drain_timeout_);
    consumer_->Pause();
    co_await scheduler_.Drain(drain_timeout_);
    co_await events_.Drain(absl::ZeroDuration());
    co_await look_ups_.Drain(absl::ZeroDuration());
    co_await consumer_->Stop();
    co_await tasks_.Drain(absl::ZeroDuration());
    co_await reconciler_.Drain(drain_timeout_);
    co_await producer_->Flush(kFlushLimit);
    for (const char* check :
         {"reposync database", "reposync topics", "reposync events"}) {
      health_.RemoveCheck(check);
    }
  }

 private:
  // Once the database is there, and of this version; the topics are waited for
  // beside it.
  awaitable<void> Begin() {
    while (true) {
      migrated_ = co_await database_->Migrate();
      if (migrated_.ok()) break;
      if (!MayPass(migrated_)) {
        fail_(migrated_);
        co_return;
      }
      LAMPLIGHTER_LOG(kWarning, "the database is not there yet")
          .With("error", migrated_);
      if (!(co_await sleeper_.SleepFor(kMigrateAgain)).ok()) co_return;
    }
    const absl::Status resealed = co_await connections_.Reseal();
    if (!resealed.ok()) {
      LAMPLIGHTER_LOG(kError, "connections could not all be opened")
          .With("error", resealed);
    }
    if (stopping_) co_return;
    const absl::Status served = server_->Start();
    if (!served.ok()) {
      fail_(served);
      co_return;
    }
    tasks_.Spawn(configured_.Run());
    tasks_.Spawn(scheduler_.Run());
    tasks_.Spawn(reconciler_.Run());
    tasks_.Spawn(feed_.Run());
    tasks_.Spawn(publisher_.Run());
    tasks_.Spawn(upkeep_.Run());
    // A consumer that finds no topics looks again seldom.
    co_await topics_.Run();
    if (stopping_) co_return;
    const absl::Status started = consumer_->Start(events_);
    if (!started.ok()) fail_(started);
  }

  Health& health_;
  const std::function<void(absl::Status)> fail_;
  const absl::Duration drain_timeout_;
  bool stopping_ = false;
  absl::Status migrated_ = absl::UnavailableError("not looked at yet");
  const std::shared_ptr<Seal> seal_;  // may be null
  TimerSleeper sleeper_;
  TopicSetup topics_;
  const std::unique_ptr<Database> database_;
  const std::unique_ptr<KafkaConsumer> consumer_;
  const std::unique_ptr<KafkaProducer> producer_;
  const Workers workers_;
  CatalogStore catalog_;
  ListingStore listings_;
  ConnectionStore connection_store_;
  HookStore hooks_;
  LeaseStore leases_;
  ConfiguredConnections configured_;
  GrpcRepositoryLister lister_;
  Refresher refresher_;
  RefreshScheduler scheduler_;
  Connections connections_;
  GrpcHookWorker hook_worker_;
  HookReconciler reconciler_;
  Attachments attachments_;
  GrpcRepositorySource source_;
  LookUps look_ups_;
  EventApplier events_;
  ChangeFeed feed_;
  ChangePublisher publisher_;
  Upkeep upkeep_;
  std::unique_ptr<CatalogServer> server_;
  TaskGroup tasks_;  // last: its tasks use what is above
};

}  // namespace

absl::StatusOr<std::unique_ptr<Service>> MakeReposync(AppContext& context) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      const ReposyncConfig config,
      ReadReposyncConfig(context.config.reposync(), context.config_file));
  LAMPLIGHTER_ASSIGN_OR_RETURN(const KafkaOptions kafka,
                               MakeKafkaOptions(context.config.kafka()));
  LAMPLIGHTER_ASSIGN_OR_RETURN(std::unique_ptr<Database> database,
                               Database::Create(config.database, context.loop));
  KafkaConsumer::Options consuming;
  consuming.kafka = kafka;
  consuming.group = kGroup;
  consuming.topics = {kGitEventsTopic};
  consuming.on_fatal = context.fail;
  LAMPLIGHTER_ASSIGN_OR_RETURN(std::unique_ptr<KafkaConsumer> consumer,
                               KafkaConsumer::Create(consuming, context.loop));
  KafkaProducer::Options producing;
  producing.kafka = kafka;
  producing.on_fatal = context.fail;
  LAMPLIGHTER_ASSIGN_OR_RETURN(std::unique_ptr<KafkaProducer> producer,
                               KafkaProducer::Create(producing, context.loop));
  auto service = std::make_unique<ReposyncService>(
      config, kafka, std::move(database), std::move(consumer),
      std::move(producer), context);
  LAMPLIGHTER_RETURN_IF_ERROR(service->MakeServer(config, context));
  return service;
}

}  // namespace lamplighter::reposync
