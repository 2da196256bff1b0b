#include "services/dispatcher/router/event_handler.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "boost/asio/post.hpp"
#include "boost/asio/this_coro.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "common/kafka/record_span.h"
#include "common/log/log.h"
#include "common/status/status.h"
#include "common/time/backoff.h"
#include "common/time/proto_time.h"
#include "common/tracing/trace_context.h"
#include "services/dispatcher/records.h"

namespace lamplighter::dispatcher {
namespace {

using ::boost::asio::awaitable;

constexpr Backoff kBackoff = {absl::Seconds(1), absl::Seconds(30)};
// An object that cannot be looked up for so long is not waited for any more:
// its event becomes a dead letter.
constexpr absl::Duration kGiveUpAfter = absl::Hours(24);
constexpr absl::Duration kBelieveRefusalAfter = absl::Seconds(30);

TopicPartition PartitionOf(const RecordPosition& position) {
  return {position.topic, position.partition};
}

ObjectReference ReferenceOf(const v1::FluxEvent& event) {
  const v1::ObjectReference& object = event.involved_object();
  return {.api_version = object.api_version(),
          .kind = object.kind(),
          .namespace_ = object.namespace_(),
          .name = object.name(),
          .uid = object.uid(),
          .resource_version = object.resource_version()};
}

}  // namespace

EventHandler::EventHandler(boost::asio::io_context& loop, Router& router,
                           ObjectLookup* objects, Consumer& consumer,
                           Producer& producer, Sleeper& sleeper,
                           const Clock& clock, DispatcherMetrics& metrics,
                           Tracer tracer)
    : router_(router),
      objects_(objects),
      known_at_first_(
          objects != nullptr
              ? KnownObject()
              : KnownObject::Nothing("it is looked up in a cluster only "
                                     "(dispatcher.manifests.kubernetes)")),
      producer_(producer),
      sleeper_(sleeper),
      clock_(clock),
      metrics_(metrics),
      tracer_(std::move(tracer)),
      publisher_(loop, consumer, producer),
      tasks_(loop.get_executor(), "event look-ups") {}

void EventHandler::OnRecord(ConsumedRecord record) {
  if (!held_.empty()) {
    const auto held = held_.find(PartitionOf(record.position));
    if (held != held_.end()) {
      held->second->records.push_back(std::move(record));
      return;
    }
  }
  v1::FluxEvent event;
  if (!event.ParseFromString(record.record.value)) {
    return publisher_.Finish(record.position, MakeUndecodableRecords(record));
  }
  Routes routes = router_.Route(event, known_at_first_);
  if (routes.lack == Routes::Lack::kNothing) {
    return publisher_.Finish(record.position,
                             MakeRecords(record, event, std::move(routes)));
  }
  TopicPartition partition = PartitionOf(record.position);
  const auto held = std::make_shared<Held>();
  held->records.push_back(std::move(record));
  held_[partition] = held;
  tasks_.Spawn(Work(std::move(partition), held));
}

awaitable<void> EventHandler::Work(TopicPartition partition,
                                   std::shared_ptr<Held> held) {
  while (!held->records.empty()) {
    std::vector<Record> records = co_await RouteFirst(held);
    if (held->revoked) co_return;
    publisher_.Finish(held->records.front().position, std::move(records));
    held->records.pop_front();
    // Others have their turn, too, where much has come together.
    co_await boost::asio::post(co_await boost::asio::this_coro::executor,
                               boost::asio::use_awaitable);
    if (held->revoked) co_return;
  }
  held_.erase(partition);
}

awaitable<std::vector<Record>> EventHandler::RouteFirst(
    std::shared_ptr<Held> held) {
  // Stays where it is: records are added at the other end only.
  const ConsumedRecord& record = held->records.front();
  v1::FluxEvent event;
  if (!event.ParseFromString(record.record.value)) {
    co_return MakeUndecodableRecords(record);
  }
  KnownObject object = known_at_first_;
  Routes routes = router_.Route(event, object);
  while (routes.lack != Routes::Lack::kNothing) {
    if (routes.lack == Routes::Lack::kLabels) {
      object.labels =
          co_await LookUp(&ObjectLookup::FindLabels, ReferenceOf(event), held);
    } else {
      object.source_url = co_await LookUp(&ObjectLookup::FindRepository,
                                          ReferenceOf(event), held);
    }
    if (held->revoked) co_return std::vector<Record>();
    // Alerts and Providers may have changed meanwhile.
    routes = router_.Route(event, object);
  }
  co_return MakeRecords(record, event, std::move(routes));
}

template <typename Found>
awaitable<absl::StatusOr<Found>> EventHandler::LookUp(
    Lookup<Found> lookup, ObjectReference object, std::shared_ptr<Held> held) {
  const absl::Duration give_up = clock_.MonotonicNow() + kGiveUpAfter;
  for (int failures = 1;; ++failures) {
    absl::StatusOr<Found> found = co_await (objects_->*lookup)(object);
    if (held->revoked || !MayPass(object.kind, found.status()) ||
        clock_.MonotonicNow() >= give_up) {
      co_return found;
    }
    LAMPLIGHTER_LOG_EVERY_SECOND(
        kWarning, "an object cannot be looked up: its partition waits")
        .With("kind", object.kind)
        .With("namespace", object.namespace_)
        .With("name", object.name)
        .With("partition", held->records.front().position.partition)
        .With("error", found.status());
    const absl::Status slept =
        co_await sleeper_.SleepFor(kBackoff.Bound(failures));
    if (!slept.ok()) co_return slept;
  }
}

bool EventHandler::MayPass(const std::string& kind, const absl::Status& error) {
  if (absl::IsPermissionDenied(error)) {
    const absl::Duration now = clock_.MonotonicNow();
    const auto since = refused_since_.try_emplace(kind, now).first;
    return now - since->second < kBelieveRefusalAfter;
  }
  if (error.ok() || absl::IsNotFound(error)) refused_since_.erase(kind);
  // A token may be replaced; to read once more does no harm.
  return IsTransient(error) || absl::IsDeadlineExceeded(error) ||
         absl::IsUnauthenticated(error);
}

std::vector<Record> EventHandler::MakeUndecodableRecords(
    const ConsumedRecord& consumed) {
  metrics_.events_dead.Increment();
  LAMPLIGHTER_LOG_EVERY_SECOND(kError, "an event cannot be decoded")
      .With("topic", consumed.position.topic)
      .With("partition", consumed.position.partition)
      .With("offset", consumed.position.offset);
  return {DeadLetterRecord(
      MakeUndecodable(consumed.record, consumed.position, clock_.Now()),
      consumed)};
}

std::vector<Record> EventHandler::MakeRecords(const ConsumedRecord& consumed,
                                              const v1::FluxEvent& event,
                                              Routes routes) {
  const Span span = BeginProcessSpan(tracer_, consumed);
  const std::string traceparent = span.context().ToTraceparent();
  std::vector<Record> records;
  for (const v1::StatusIntent& intent : routes.intents) {
    records.push_back(MakeIntentRecord(intent, traceparent));
  }
  for (v1::DeadLetter& letter : routes.dead_letters) {
    LAMPLIGHTER_LOG_EVERY_SECOND(kWarning, "an event cannot become a status")
        .With("event", event.id())
        .With("trace_id", TraceIdOf(traceparent))
        .With("cause", letter.detail());
    records.push_back(DeadLetterRecord(std::move(letter), consumed));
  }
  if (!routes.dead_letters.empty()) {
    metrics_.events_dead.Increment();
  } else if (!routes.intents.empty()) {
    metrics_.events_routed.Increment();
  } else {
    metrics_.events_ignored.Increment();
  }
  return records;
}

Record EventHandler::DeadLetterRecord(v1::DeadLetter letter,
                                      const ConsumedRecord& consumed) const {
  SetOrigin(letter, consumed.record, consumed.position);
  *letter.mutable_given_up_at() = ToProto(clock_.Now());
  return MakeDeadLetterRecord(std::move(letter), consumed.record.key,
                              TraceparentOf(consumed.record),
                              producer_.max_record_bytes());
}

void EventHandler::OnAssigned(
    const std::vector<TopicPartition>& /*partitions*/) {}

awaitable<void> EventHandler::OnRevoked(
    std::vector<TopicPartition> partitions) {
  for (const TopicPartition& partition : partitions) {
    const auto held = held_.find(partition);
    if (held == held_.end()) continue;
    held->second->revoked = true;
    held_.erase(held);
  }
  co_await publisher_.UntilWritten(std::move(partitions), sleeper_);
}

awaitable<void> EventHandler::Stop() {
  for (const auto& [partition, held] : held_) held->revoked = true;
  held_.clear();
  co_await tasks_.Drain(absl::ZeroDuration());
}

}  // namespace lamplighter::dispatcher
