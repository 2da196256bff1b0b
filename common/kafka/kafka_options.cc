#include "common/kafka/kafka_options.h"

#include "absl/status/status.h"
#include "common/config/secret.h"
#include "common/status/macros.h"
#include "common/status/status.h"

namespace lamplighter {
namespace {

absl::Status CheckBrokers(const std::string& servers) {
  if (servers.empty()) {
    return absl::InvalidArgumentError(
        "kafka.bootstrap_servers: must not be empty");
  }
  if (servers == "embedded") {
    return absl::InvalidArgumentError(
        "kafka.bootstrap_servers: embedded is for the binary lamplighter only; "
        "name the brokers, host:port,...");
  }
  return absl::OkStatus();
}

absl::StatusOr<KafkaOptions::Tls> MakeTls(const config::v1::KafkaTls& config) {
  if (!config.key_file().empty() && config.cert_file().empty()) {
    return absl::InvalidArgumentError(
        "kafka.tls.cert_file: must be set, as key_file is");
  }
  if (!config.cert_file().empty() && config.key_file().empty()) {
    return absl::InvalidArgumentError(
        "kafka.tls.key_file: must be set, as cert_file is");
  }
  return KafkaOptions::Tls{config.ca_file(), config.cert_file(),
                           config.key_file()};
}

absl::StatusOr<KafkaOptions::Sasl> MakeSasl(
    const config::v1::KafkaSasl& config) {
  if (config.mechanism() != "PLAIN" && config.mechanism() != "SCRAM-SHA-256" &&
      config.mechanism() != "SCRAM-SHA-512") {
    return absl::InvalidArgumentError(
        "kafka.sasl.mechanism: must be PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512");
  }
  if (config.username().empty()) {
    return absl::InvalidArgumentError("kafka.sasl.username: must not be empty");
  }
  absl::StatusOr<std::string> password =
      ReadSecret(config.password_file(), config.password_env());
  if (!password.ok()) {
    // A file that is missing is the configuration's mistake like any other.
    return absl::InvalidArgumentError(
        Annotate(password.status(), config.password_env().empty()
                                        ? "kafka.sasl.password_file"
                                        : "kafka.sasl.password_env")
            .message());
  }
  return KafkaOptions::Sasl{config.mechanism(), config.username(),
                            *std::move(password)};
}

}  // namespace

absl::StatusOr<KafkaOptions> MakeKafkaOptions(const config::v1::Kafka& config) {
  KafkaOptions options;
  LAMPLIGHTER_RETURN_IF_ERROR(CheckBrokers(config.bootstrap_servers()));
  options.bootstrap_servers = config.bootstrap_servers();
  if (config.has_tls()) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(options.tls, MakeTls(config.tls()));
  }
  if (config.has_sasl()) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(options.sasl, MakeSasl(config.sasl()));
  }
  return options;
}

}  // namespace lamplighter
