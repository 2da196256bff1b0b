#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "common/async/sleeper.h"
#include "common/kafka/producer.h"
#include "common/kafka/record.h"
#include "common/metrics/metrics.h"
#include "prometheus/counter.h"
#include "proto/lamplighter/v1/catalog.pb.h"
#include "services/reposync/service/change_feed.h"
#include "services/reposync/store/catalog_store.h"
#include "services/reposync/store/lease_store.h"

namespace lamplighter::reposync {

// The records that tell of `change` on lamplighter.catalog-changes.v1: one with
// it, and where its key changed or it is for good, one that forgets the key.
std::vector<Record> ChangeRecords(const v1::RepositoryChange& change);

// Writes every change to lamplighter.catalog-changes.v1, in order and at least
// once; one replica at a time does. How far it is, is in the database. On the
// loop only.
//
// What Kafka refuses for good (InvalidArgument: a record that is too large) is
// counted, logged and passed over as soon as it takes something after it or
// beside it. Where it refuses everything, as it does where the topic is
// missing, changes wait, as they do for brokers that are away.
class ChangePublisher {
 public:
  struct Options {
    std::string owner;  // this process, in the lease
    absl::Duration lease = absl::Seconds(30);
  };

  // All must outlive the publisher.
  ChangePublisher(Options options, LeaseStore& leases, CatalogStore& catalog,
                  ChangeFeed& feed, Producer& producer, Sleeper& sleeper,
                  Metrics& metrics)
      : options_(std::move(options)),
        leases_(leases),
        catalog_(catalog),
        feed_(feed),
        producer_(producer),
        sleeper_(sleeper),
        passed_over_(
            metrics
                .AddCounters(
                    "lamplighter_reposync_changes_passed_over_total",
                    "Records of catalog-changes that Kafka refused for good, "
                    "so that they are not on the topic.")
                .Add({})) {}

  // Publishes until it is cancelled.
  boost::asio::awaitable<void> Run();

 private:
  // While this process has the lease. OK where it has not.
  boost::asio::awaitable<absl::Status> Publish();
  boost::asio::awaitable<absl::Status> PublishNext(int64_t& position);
  // Where a canonical id that the change ends is another repository's by now,
  // as of one that was made anew: that one, so that its key does not end with
  // it.
  boost::asio::awaitable<absl::Status> AddHeirs(
      const v1::RepositoryChange& change, std::vector<Record>& records);
  // Everything there is, since changes before it are no longer known; and what
  // is removed, while its tombstone is kept.
  boost::asio::awaitable<absl::Status> PublishAll(int64_t& position);
  boost::asio::awaitable<absl::Status> PublishRemoved(int64_t last,
                                                      bool& takes);
  boost::asio::awaitable<absl::Status> PublishPresent(int64_t last,
                                                      bool& takes);
  // As changes numbered `last`. Aborted where the lease was lost.
  boost::asio::awaitable<absl::Status> PublishEntries(
      std::vector<v1::CatalogEntry> entries, v1::RepositoryChange::Kind kind,
      int64_t last, bool& takes);
  // `takes` says whether the topic has taken a record since its caller began.
  boost::asio::awaitable<absl::Status> Write(std::vector<Record> records,
                                             bool& takes);

  const Options options_;
  LeaseStore& leases_;
  CatalogStore& catalog_;
  ChangeFeed& feed_;
  Producer& producer_;
  Sleeper& sleeper_;
  prometheus::Counter& passed_over_;
  std::string last_error_;  // each is logged once
};

}  // namespace lamplighter::reposync
