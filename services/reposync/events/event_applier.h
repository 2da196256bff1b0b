#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "boost/asio/any_io_executor.hpp"
#include "boost/asio/awaitable.hpp"
#include "common/async/sleeper.h"
#include "common/async/task_group.h"
#include "common/kafka/consumer.h"
#include "proto/lamplighter/v1/events.pb.h"
#include "services/reposync/events/look_ups.h"
#include "services/reposync/refresh/refresh_scheduler.h"
#include "services/reposync/store/catalog_store.h"
#include "services/reposync/store/connection_store.h"

namespace lamplighter::reposync {

// Keeps the catalog fresh by lamplighter.git-events.v1: whatever an event says
// of a repository that the catalog does not have so is looked up at its forge.
// On the loop only.
class EventApplier final : public Consumer::Handler {
 public:
  struct Options {
    // Events at once; beyond it reading pauses.
    size_t max_waiting = 256;
    // Repositories of one event that are looked up singly; beyond it the
    // connections of the forge are refreshed.
    int max_repositories = 50;
  };

  // All must outlive this.
  EventApplier(const Options& options, Consumer& consumer, LookUps& look_ups,
               CatalogStore& catalog, ConnectionStore& connections,
               RefreshScheduler& scheduler, Sleeper& sleeper,
               boost::asio::any_io_executor loop);

  void OnRecord(ConsumedRecord record) override;
  void OnAssigned(const std::vector<TopicPartition>& /*partitions*/) override {}
  // What has begun is looked up again by who gets the partitions.
  boost::asio::awaitable<void> OnRevoked(
      std::vector<TopicPartition> partitions) override;

  boost::asio::awaitable<void> Drain(absl::Duration limit);

 private:
  boost::asio::awaitable<void> Apply(v1::GitEvent event,
                                     RecordPosition position);
  // What of `event` has to be looked up.
  boost::asio::awaitable<absl::StatusOr<std::vector<LookUp>>> WhatToLookUp(
      v1::GitEvent event);
  boost::asio::awaitable<absl::Status> RefreshInstance(std::string instance);
  // Waits where `status` may pass; whether the work is to be done again.
  boost::asio::awaitable<bool> WaitFor(absl::Status status);
  void Finish(const RecordPosition& position);

  const Options options_;
  Consumer& consumer_;
  LookUps& look_ups_;
  CatalogStore& catalog_;
  ConnectionStore& connections_;
  RefreshScheduler& scheduler_;
  Sleeper& sleeper_;
  size_t waiting_ = 0;
  TaskGroup tasks_;  // last: its tasks use what is above
};

}  // namespace lamplighter::reposync
