#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/kafka/topics.h"

struct rd_kafka_mock_cluster_s;

namespace lamplighter {

// A Kafka broker within the process, for trying Lamplighter out and for tests:
// librdkafka's mock cluster, on a loopback port, with a thread of its own.
//
// It forgets everything when it is destroyed, and holds at most 5 MB or 100,000
// records a partition: beyond that the oldest go, read or not. It has no TLS,
// no accounts, no compaction, and does not make topics over the wire: use
// CreateTopics() below.
class EmbeddedBroker {
 public:
  struct Options {
    // Of topics that are made without saying how many. Topics that a client
    // names before they are made always get four.
    int partitions = 4;
  };

  // Internal if librdkafka cannot start it.
  static absl::StatusOr<std::unique_ptr<EmbeddedBroker>> Create(
      const Options& options);

  // Clients of it should be gone first.
  ~EmbeddedBroker();

  // host:port of the broker.
  const std::string& bootstrap_servers() const { return bootstrap_servers_; }

  // Makes a topic; 0 partitions stands for Options::partitions. AlreadyExists
  // if there is one.
  absl::Status CreateTopic(const std::string& name, int partitions = 0);

  // Makes those that do not exist; only names and partitions are heeded.
  absl::Status CreateTopics(const std::vector<TopicSpec>& specs);

  // The mock cluster, for tests that make it fail.
  rd_kafka_mock_cluster_s* mock_cluster();

 private:
  struct Cluster;
  EmbeddedBroker(const Options& options, std::unique_ptr<Cluster> cluster);

  const Options options_;
  const std::unique_ptr<Cluster> cluster_;
  const std::string bootstrap_servers_;
};

}  // namespace lamplighter
