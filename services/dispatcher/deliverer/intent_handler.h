#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/io_context.hpp"
#include "common/async/sleeper.h"
#include "common/async/task_group.h"
#include "common/kafka/consumer.h"
#include "common/kafka/producer.h"
#include "common/kafka/topic_reader.h"
#include "common/time/clock.h"
#include "common/tracing/tracer.h"
#include "services/dispatcher/deliverer/deliverer.h"
#include "services/dispatcher/deliverer/roll_ups.h"
#include "services/dispatcher/deliverer/status_setter.h"
#include "services/dispatcher/due_timer.h"
#include "services/dispatcher/ledger/ledger.h"
#include "services/dispatcher/ledger/ledger_restorer.h"
#include "services/dispatcher/metrics.h"
#include "services/dispatcher/pending/pending_statuses.h"
#include "services/dispatcher/publisher.h"

namespace lamplighter::dispatcher {

// Turns the records of status-intents into statuses on forges, and writes what
// became of each to status-outcomes, the ledger, status-retries and
// dead-letters: gives the Deliverer its intents, calls, answers and time. On
// the loop only.
//
// A partition's records wait here until its ledger is read; how many is bounded
// by the consumer.
class IntentHandler final : public Consumer::Handler, private DeliveryPort {
 public:
  struct Options {
    Deliverer::Options deliverer;
    RollUps::Options roll_ups;
    LedgerRestorer::Options restorer;
    size_t max_remembered = 500'000;  // entries of the ledger
    // None: intents with `seen_contexts` mean nothing.
    absl::optional<PendingStatuses::Options> pending = absl::nullopt;
  };

  // Everything given must outlive the handler. `ledger` reads the ledger's
  // topic, for the handler alone.
  IntentHandler(const Options& options, boost::asio::io_context& loop,
                StatusSetter& setter, Consumer& consumer, Producer& producer,
                TopicReader& ledger, Sleeper& sleeper, const Clock& clock,
                DispatcherMetrics& metrics, Tracer tracer = {});

  void OnRecord(ConsumedRecord record) override;
  void OnAssigned(const std::vector<TopicPartition>& partitions) override;
  // Returns once no call for them is under way and all outcomes are written.
  boost::asio::awaitable<void> OnRevoked(
      std::vector<TopicPartition> partitions) override;

  // Starts no more calls, and waits up to `limit` for those under way.
  boost::asio::awaitable<void> Drain(absl::Duration limit);

  // Unavailable, and why, while the ledger of a partition is not read.
  absl::Status Ready() const { return restorer_.Ready(); }

 private:
  void Call(uint64_t call, const ReceivedIntent& received,
            bool known_different) override;
  void Finish(FinishedIntent finished) override;
  void Park(ParkedIntent parked) override;

  void Take(ConsumedRecord record);
  // Writes the intents that one with `seen_contexts` asks for.
  void Expand(const ReceivedIntent& received);
  LedgerRestorer::Listeners Listeners();
  void OnRestored(int32_t partition);
  // Forgets `name` on the ledger's topic.
  void Expire(int32_t partition, const std::string& name);
  // The ledger's record of `outcome`, whose origin is in `partition`.
  Record LedgerRecord(v1::StatusOutcome outcome, int32_t partition,
                      const std::string& traceparent) const;
  boost::asio::awaitable<void> RunCall(uint64_t call,
                                       v1::SetCommitStatusRequest request,
                                       std::string traceparent);
  void DeadLetter(const ConsumedRecord& consumed, v1::DeadLetter letter);
  void ShowHeld();
  // Sees to it that Deliverer::Tick() is called when it is due.
  void Rearm();

  StatusSetter& setter_;
  Producer& producer_;
  Sleeper& sleeper_;
  const Clock& clock_;
  DispatcherMetrics& metrics_;
  const Tracer tracer_;
  absl::BitGen random_;
  Ledger ledger_;
  RollUps roll_ups_;
  const std::unique_ptr<PendingStatuses> pending_;  // null: not configured
  Deliverer deliverer_;
  Publisher publisher_;
  // What waits for the ledger, by partition.
  absl::flat_hash_map<int32_t, std::vector<ConsumedRecord>> restoring_;
  bool draining_ = false;
  DueTimer timer_;
  LedgerRestorer restorer_;
  TaskGroup calls_;  // last, as the restorer: their tasks use what is above
};

}  // namespace lamplighter::dispatcher
