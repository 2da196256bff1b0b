#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/io_context.hpp"
#include "common/async/sleeper.h"
#include "common/async/task_group.h"
#include "common/kafka/consumer.h"
#include "common/kafka/producer.h"
#include "common/kubernetes/object_lookup.h"
#include "common/time/clock.h"
#include "common/tracing/tracer.h"
#include "services/dispatcher/metrics.h"
#include "services/dispatcher/publisher.h"
#include "services/dispatcher/router/router.h"

namespace lamplighter::dispatcher {

// Turns the records of flux-events into records of status-intents and
// dead-letters. On the loop only.
//
// Where what an event means depends on its object, which has to be looked up,
// the event holds back those behind it in its partition, and no others: how
// many is bounded by the consumer. A look-up that fails is repeated for as long
// as it may succeed, a day at most. A refusal is believed once it has lasted
// for half a minute: an API server that has just started refuses everybody.
class EventHandler final : public Consumer::Handler {
 public:
  // Everything given must outlive the handler. `objects` is null where nothing
  // can be looked up.
  EventHandler(boost::asio::io_context& loop, Router& router,
               ObjectLookup* objects, Consumer& consumer, Producer& producer,
               Sleeper& sleeper, const Clock& clock, DispatcherMetrics& metrics,
               Tracer tracer = {});

  void OnRecord(ConsumedRecord record) override;
  void OnAssigned(const std::vector<TopicPartition>& partitions) override;
  // Forgets what waits for a look-up: whoever reads the partition next begins
  // with it. Returns once what all other events mean is written.
  boost::asio::awaitable<void> OnRevoked(
      std::vector<TopicPartition> partitions) override;

  // Ends look-ups under way. To be awaited before the destruction, once the
  // consumer has stopped.
  boost::asio::awaitable<void> Stop();

 private:
  // A partition of which the first record waits for a look-up.
  struct Held {
    std::deque<ConsumedRecord> records;
    bool revoked = false;
  };
  template <typename Found>
  using Lookup = boost::asio::awaitable<absl::StatusOr<Found>> (
      ObjectLookup::*)(ObjectReference object);

  // Works off `held`, which may grow meanwhile.
  boost::asio::awaitable<void> Work(TopicPartition partition,
                                    std::shared_ptr<Held> held);
  // What the first of `held` means.
  boost::asio::awaitable<std::vector<Record>> RouteFirst(
      std::shared_ptr<Held> held);
  // Repeats a look-up until there is an answer, or `held` is not ours any more.
  template <typename Found>
  boost::asio::awaitable<absl::StatusOr<Found>> LookUp(
      Lookup<Found> lookup, ObjectReference object, std::shared_ptr<Held> held);

  // Whether a look-up of objects of `kind` that failed so may yet succeed.
  bool MayPass(const std::string& kind, const absl::Status& error);

  // What an event means, as records to write.
  std::vector<Record> MakeRecords(const ConsumedRecord& consumed,
                                  const v1::FluxEvent& event, Routes routes);
  std::vector<Record> MakeUndecodableRecords(const ConsumedRecord& consumed);
  Record DeadLetterRecord(v1::DeadLetter letter,
                          const ConsumedRecord& consumed) const;

  Router& router_;
  ObjectLookup* const objects_;
  const KnownObject known_at_first_;
  const Producer& producer_;
  Sleeper& sleeper_;
  const Clock& clock_;
  DispatcherMetrics& metrics_;
  const Tracer tracer_;
  Publisher publisher_;
  absl::flat_hash_map<TopicPartition, std::shared_ptr<Held>> held_;
  // Since when (monotonic) the cluster has refused each look-up of a kind.
  absl::flat_hash_map<std::string, absl::Duration> refused_since_;
  TaskGroup tasks_;  // last: its tasks use what is above
};

}  // namespace lamplighter::dispatcher
