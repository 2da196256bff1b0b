#include "common/kafka/kafka_options.h"

#include <cstdlib>
#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/config/v1/kafka.pb.h"

namespace lamplighter {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

config::v1::Kafka Plain() {
  config::v1::Kafka config;
  config.set_bootstrap_servers("kafka-0:9092,kafka-1:9092");
  return config;
}

// With the password "hunter2" in a file.
config::v1::Kafka WithSasl() {
  const std::string file =
      absl::StrCat(::testing::TempDir(), "/kafka_options_test_password");
  std::ofstream(file) << "hunter2\n";
  config::v1::Kafka config = Plain();
  config.mutable_sasl()->set_mechanism("SCRAM-SHA-512");
  config.mutable_sasl()->set_username("ingest");
  config.mutable_sasl()->set_password_file(file);
  return config;
}

void ExpectRefused(const config::v1::Kafka& config, const std::string& field) {
  EXPECT_THAT(
      MakeKafkaOptions(config),
      StatusIs(absl::StatusCode::kInvalidArgument,
               AllOf(StartsWith(field + ": "), Not(HasSubstr("hunter2")))));
}

TEST(KafkaOptionsTest, TakesBrokersAloneAsPlaintext) {
  const auto options = MakeKafkaOptions(Plain());
  ASSERT_THAT(options, IsOk());
  EXPECT_EQ(options->bootstrap_servers, "kafka-0:9092,kafka-1:9092");
  EXPECT_FALSE(options->tls.has_value());
  EXPECT_FALSE(options->sasl.has_value());
}

TEST(KafkaOptionsTest, ReadsThePasswordFromItsFile) {
  const auto options = MakeKafkaOptions(WithSasl());
  ASSERT_THAT(options, IsOk());
  ASSERT_TRUE(options->sasl.has_value());
  EXPECT_EQ(options->sasl->mechanism, "SCRAM-SHA-512");
  EXPECT_EQ(options->sasl->username, "ingest");
  EXPECT_EQ(options->sasl->password, "hunter2");
}

TEST(KafkaOptionsTest, AnEmptyTlsSectionMeansTheSystemsAuthorities) {
  config::v1::Kafka config = Plain();
  config.mutable_tls();
  const auto options = MakeKafkaOptions(config);
  ASSERT_THAT(options, IsOk());
  EXPECT_TRUE(options->tls.has_value());
}

TEST(KafkaOptionsTest, RefusesNoBrokersAndTheEmbeddedOne) {
  ExpectRefused(config::v1::Kafka(), "kafka.bootstrap_servers");
  config::v1::Kafka config;
  config.set_bootstrap_servers("embedded");
  ExpectRefused(config, "kafka.bootstrap_servers");
}

TEST(KafkaOptionsTest, RefusesAMechanismThatIsNotOffered) {
  config::v1::Kafka config = WithSasl();
  config.mutable_sasl()->set_mechanism("GSSAPI");
  ExpectRefused(config, "kafka.sasl.mechanism");
}

TEST(KafkaOptionsTest, RefusesALoginWithoutNameOrPassword) {
  config::v1::Kafka config = WithSasl();
  config.mutable_sasl()->clear_username();
  ExpectRefused(config, "kafka.sasl.username");
  config = WithSasl();
  config.mutable_sasl()->clear_password_file();
  ExpectRefused(config, "kafka.sasl.password_file");
  config = WithSasl();
  config.mutable_sasl()->set_password_file("/nonexistent/password");
  ExpectRefused(config, "kafka.sasl.password_file");
}

TEST(KafkaOptionsTest, RefusesHalfAClientCertificate) {
  config::v1::Kafka config = Plain();
  config.mutable_tls()->set_cert_file("/tls/tls.crt");
  ExpectRefused(config, "kafka.tls.key_file");
  config = Plain();
  config.mutable_tls()->set_key_file("/tls/tls.key");
  ExpectRefused(config, "kafka.tls.cert_file");
}

}  // namespace
}  // namespace lamplighter
