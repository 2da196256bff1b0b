#include "common/kafka/rdkafka_client.h"

#include <algorithm>
#include <array>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/log/log.h"

namespace lamplighter {
namespace {

using ErrorText = std::array<char, 512>;

// Comes on librdkafka's threads. What it holds to be errors are mostly
// connections that it will try again.
void Log(const rd_kafka_t* /*client*/, int syslog_level, const char* facility,
         const char* text) {
  if (syslog_level <= 2) {
    LAMPLIGHTER_LOG_EVERY_SECOND(kError, "kafka client")
        .With("facility", facility)
        .With("text", text);
  } else if (syslog_level <= 4) {
    LAMPLIGHTER_LOG_EVERY_SECOND(kWarning, "kafka client")
        .With("facility", facility)
        .With("text", text);
  } else {
    LAMPLIGHTER_LOG_EVERY_SECOND(kInfo, "kafka client")
        .With("facility", facility)
        .With("text", text);
  }
}

RdkafkaSettings CommonSettings(const KafkaOptions& options) {
  return {
      {"bootstrap.servers", options.bootstrap_servers},
      {"client.id", options.client_id},
      {"socket.nagle.disable", "true"},
      {"socket.keepalive.enable", "true"},
      // A broker that returns is found within two seconds, not ten.
      {"reconnect.backoff.max.ms", "2000"},
      // Brokers would collect the client's metrics; ours are our own.
      {"enable.metrics.push", "false"},
      {"log.connection.close", "false"},
  };
}

void AddSecurity(const KafkaOptions& options, RdkafkaSettings& settings) {
  const bool tls = options.tls.has_value();
  const auto add = [&settings](const char* name, const std::string& value) {
    if (!value.empty()) settings.emplace_back(name, value);
  };
  if (options.sasl.has_value()) {
    add("security.protocol", tls ? "sasl_ssl" : "sasl_plaintext");
    add("sasl.mechanisms", options.sasl->mechanism);
    add("sasl.username", options.sasl->username);
    add("sasl.password", options.sasl->password);
  } else {
    add("security.protocol", tls ? "ssl" : "plaintext");
  }
  if (tls) {
    add("ssl.ca.location", options.tls->ca_file);
    add("ssl.certificate.location", options.tls->cert_file);
    add("ssl.key.location", options.tls->key_file);
  }
}

absl::StatusCode CodeOf(rd_kafka_resp_err_t error) {
  switch (error) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
      return absl::StatusCode::kOk;
    case RD_KAFKA_RESP_ERR__QUEUE_FULL:
      return absl::StatusCode::kResourceExhausted;
    case RD_KAFKA_RESP_ERR__PURGE_QUEUE:
    case RD_KAFKA_RESP_ERR__PURGE_INFLIGHT:
    case RD_KAFKA_RESP_ERR__DESTROY:
      return absl::StatusCode::kCancelled;
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
    case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
      return absl::StatusCode::kInvalidArgument;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
      return absl::StatusCode::kPermissionDenied;
    case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS:
      return absl::StatusCode::kAlreadyExists;
    default:
      return absl::StatusCode::kUnavailable;
  }
}

}  // namespace

void RdkafkaDeleter::operator()(rd_kafka_t* client) const {
  // Closing a consumer is KafkaConsumer::Stop()'s business: here it could block
  // for as long as a rebalance does.
  rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}
void RdkafkaDeleter::operator()(rd_kafka_conf_t* conf) const {
  rd_kafka_conf_destroy(conf);
}
void RdkafkaDeleter::operator()(rd_kafka_queue_t* queue) const {
  rd_kafka_queue_destroy(queue);
}
void RdkafkaDeleter::operator()(rd_kafka_topic_t* topic) const {
  rd_kafka_topic_destroy(topic);
}
void RdkafkaDeleter::operator()(rd_kafka_event_t* event) const {
  rd_kafka_event_destroy(event);
}
void RdkafkaDeleter::operator()(rd_kafka_headers_t* headers) const {
  rd_kafka_headers_destroy(headers);
}
void RdkafkaDeleter::operator()(rd_kafka_error_t* error) const {
  rd_kafka_error_destroy(error);
}
void RdkafkaDeleter::operator()(rd_kafka_topic_partition_list_t* list) const {
  rd_kafka_topic_partition_list_destroy(list);
}

absl::StatusOr<RdkafkaPtr<rd_kafka_conf_t>> MakeRdkafkaConf(
    const KafkaOptions& options, const RdkafkaSettings& settings) {
  RdkafkaSettings all = CommonSettings(options);
  AddSecurity(options, all);
  all.insert(all.end(), settings.begin(), settings.end());
  RdkafkaPtr<rd_kafka_conf_t> conf(rd_kafka_conf_new());
  for (const auto& [name, value] : all) {
    ErrorText text;
    if (rd_kafka_conf_set(conf.get(), name, value.c_str(), text.data(),
                          text.size()) != RD_KAFKA_CONF_OK) {
      // librdkafka's text may repeat the value, which may be a password.
      return absl::InvalidArgumentError(absl::StrCat(
          "kafka client refuses its setting ", name,
          name == std::string("sasl.password") ? "" : ": ",
          name == std::string("sasl.password") ? "" : text.data()));
    }
  }
  rd_kafka_conf_set_log_cb(conf.get(), &Log);
  return conf;
}

absl::StatusOr<RdkafkaPtr<rd_kafka_t>> MakeRdkafkaClient(
    rd_kafka_type_t type, RdkafkaPtr<rd_kafka_conf_t> conf) {
  ErrorText text;
  RdkafkaPtr<rd_kafka_t> client(
      rd_kafka_new(type, conf.get(), text.data(), text.size()));
  if (client == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("kafka: ", text.data()));
  }
  static_cast<void>(conf.release());  // the client's now
  return client;
}

std::string RdkafkaMillis(absl::Duration duration, int max) {
  return absl::StrCat(std::clamp<int64_t>(
      absl::ToInt64Milliseconds(absl::Ceil(duration, absl::Milliseconds(1))), 0,
      max));
}

absl::Status RdkafkaStatus(rd_kafka_resp_err_t error, const char* detail) {
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return absl::OkStatus();
  return {CodeOf(error),
          absl::StrCat("kafka: ",
                       detail == nullptr ? rd_kafka_err2str(error) : detail)};
}

absl::Status RdkafkaStatus(const RdkafkaPtr<rd_kafka_error_t>& error) {
  if (error == nullptr) return absl::OkStatus();
  return RdkafkaStatus(rd_kafka_error_code(error.get()),
                       rd_kafka_error_string(error.get()));
}

std::string RdkafkaAdvice(const char* reason) {
  constexpr std::array<std::pair<const char*, const char*>, 4> kAdvice = {{
      {"alert bad certificate", "kafka.tls.cert_file: the broker wants one"},
      {"certificate required", "kafka.tls.cert_file: the broker wants one"},
      {"certificate verify failed", "kafka.tls.ca_file: not the broker's"},
      {"SASL authentication error", "kafka.sasl: not known to the broker"},
  }};
  for (const auto& [part, advice] : kAdvice) {
    if (absl::StrContains(reason, part)) {
      return absl::StrCat(advice, ": ", reason);
    }
  }
  return reason;
}

absl::Status RdkafkaFatalError(rd_kafka_t* client) {
  ErrorText text;
  const rd_kafka_resp_err_t error =
      rd_kafka_fatal_error(client, text.data(), text.size());
  return RdkafkaStatus(error, text.data());
}

}  // namespace lamplighter
