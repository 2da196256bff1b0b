#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "proto/lamplighter/config/v1/kafka.pb.h"

namespace lamplighter {

// How to reach the brokers: what every producer and consumer needs.
struct KafkaOptions {
  // TLS to the brokers. All empty: the system's authorities, no certificate of
  // our own.
  struct Tls {
    std::string ca_file;
    std::string cert_file;
    std::string key_file;
  };
  // Who we are to the brokers.
  struct Sasl {
    std::string mechanism;  // PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512
    std::string username;
    std::string password;
  };

  std::string bootstrap_servers;  // host:port,...
  absl::optional<Tls> tls;
  absl::optional<Sasl> sasl;
  // Stands in the brokers' logs and quotas.
  std::string client_id = "lamplighter";
};

// Reads section `kafka`, and the password where it says. InvalidArgument as
// "kafka.sasl.mechanism: must be ..." for what cannot be used; `embedded` is
// refused here too, so put the embedded broker's address in its place first.
absl::StatusOr<KafkaOptions> MakeKafkaOptions(const config::v1::Kafka& config);

}  // namespace lamplighter
