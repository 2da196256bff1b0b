#include "common/config/config_file.h"

#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/config/v1/config.pb.h"

namespace lamplighter {
namespace {

using ::absl::StatusCode;
using ::lamplighter::config::v1::Config;
using ::lamplighter::config::v1::Dispatcher;
using ::lamplighter::config::v1::Telemetry;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

Config Read(absl::string_view text) {
  Config config;
  EXPECT_THAT(ConfigFile::Parse(text, "f.yaml", config), IsOk());
  return config;
}

// What the reader has to say of a wrong file.
std::string Refusal(absl::string_view text) {
  Config config;
  const absl::Status status =
      ConfigFile::Parse(text, "f.yaml", config).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  return std::string(status.message());
}

TEST(ConfigFileTest, ReadsEveryKindOfValue) {
  const Config config = Read(R"(
kafka: {bootstrap_servers: "a:1,b:2", partitions: -3}
telemetry:
  log_format: json
  log_level: warning
ingest:
  max_connections: 7
  sources:
    - name: prod
      secret_files: [/a, /b]
    - {name: test}
dispatcher:
  providers: {github: "dns:///g:1", default: d}
  description: flux
provider:
  allow_plaintext: true
)");
  EXPECT_EQ(config.kafka().bootstrap_servers(), "a:1,b:2");
  EXPECT_EQ(config.kafka().partitions(), -3);
  EXPECT_EQ(config.telemetry().log_format(), Telemetry::JSON);
  EXPECT_EQ(config.telemetry().log_level(), Telemetry::WARNING);
  EXPECT_EQ(config.ingest().max_connections(), 7);
  ASSERT_EQ(config.ingest().sources_size(), 2);
  EXPECT_THAT(config.ingest().sources(0).secret_files(),
              ElementsAre("/a", "/b"));
  EXPECT_EQ(config.ingest().sources(1).name(), "test");
  EXPECT_THAT(
      config.dispatcher().providers(),
      UnorderedElementsAre(Pair("github", "dns:///g:1"), Pair("default", "d")));
  EXPECT_EQ(config.dispatcher().description(), Dispatcher::FLUX);
  EXPECT_TRUE(config.provider().allow_plaintext());
}

TEST(ConfigFileTest, ReadsDurationsAsGoWritesThem) {
  const Config config = Read(R"(
ingest: {header_timeout: 1m30s, body_timeout: 1500ms, idle_timeout: 0}
)");
  EXPECT_EQ(config.ingest().header_timeout().seconds(), 90);
  EXPECT_EQ(config.ingest().body_timeout().seconds(), 1);
  EXPECT_EQ(config.ingest().body_timeout().nanos(), 500'000'000);
  EXPECT_TRUE(config.ingest().has_idle_timeout());
  EXPECT_FALSE(config.ingest().has_drain_timeout());
}

TEST(ConfigFileTest, RefusesDurationsThatMeanNothing) {
  EXPECT_EQ(Refusal("ingest: {body_timeout: 10}"),
            "f.yaml:1: ingest.body_timeout: a duration needs a unit: write "
            "10s");
  for (const char* bad : {"-1s", "inf", "soon", "''", "1s 2s", "400000000h"}) {
    EXPECT_THAT(Refusal(absl::StrCat("ingest: {body_timeout: ", bad, "}")),
                HasSubstr("f.yaml:1: ingest.body_timeout: "))
        << bad;
  }
}

TEST(ConfigFileTest, ReadsByteSizes) {
  const auto size = [](absl::string_view text) {
    return Read(absl::StrCat("ingest: {max_body: ", text, "}"))
        .ingest()
        .max_body();
  };
  EXPECT_EQ(size("1024"), 1024);
  EXPECT_EQ(size("64KiB"), 64 << 10);
  EXPECT_EQ(size("25 MiB"), 25 << 20);
  EXPECT_EQ(size("1GiB"), 1 << 30);
  EXPECT_EQ(size("3KB"), 3000);
  EXPECT_EQ(size("2MB"), 2'000'000);
  EXPECT_EQ(size("1GB"), 1'000'000'000);
  EXPECT_EQ(size("7B"), 7);
}

TEST(ConfigFileTest, RefusesByteSizesThatAreNone) {
  EXPECT_THAT(Refusal("ingest: {max_body: 16777216TiB}"),
              HasSubstr("ingest.max_body: is too large"));
  for (const char* bad : {"MiB", "-1", "1.5MiB", "1mib", "1Ki", "''"}) {
    EXPECT_THAT(Refusal(absl::StrCat("ingest: {max_body: ", bad, "}")),
                HasSubstr("expected a number of bytes, such as 25MiB"))
        << bad;
  }
}

TEST(ConfigFileTest, RefusesNumbersBeyondTheirRange) {
  EXPECT_EQ(Refusal("ingest: {max_connections: 4294967296}"),
            "f.yaml:1: ingest.max_connections: expected a whole number from 0 "
            "to 4294967295");
  EXPECT_THAT(Refusal("ingest: {max_connections: -1}"), HasSubstr("from 0 to"));
  EXPECT_THAT(Refusal("kafka: {partitions: 1.5}"), HasSubstr("whole number"));
}

TEST(ConfigFileTest, RefusesWordsThatAreNoneOfAnEnum) {
  EXPECT_EQ(Refusal("telemetry: {log_format: xml}"),
            "f.yaml:1: telemetry.log_format: expected one of: text, json");
  EXPECT_THAT(Refusal("telemetry: {log_format: TEXT}"), HasSubstr("one of"));
  EXPECT_THAT(Refusal("telemetry: {log_format: log_format_unspecified}"),
              HasSubstr("one of"));
}

TEST(ConfigFileTest, TakesOnlyTrueAndFalseForBool) {
  EXPECT_FALSE(Read("provider: {reflection: false}").provider().reflection());
  EXPECT_EQ(Refusal("provider: {reflection: yes}"),
            "f.yaml:1: provider.reflection: expected true or false");
}

TEST(ConfigFileTest, SaysAllMistakesWithTheirLines) {
  EXPECT_EQ(Refusal("telemetry:\n"
                    "  log_level: loud\n"
                    "ingest:\n"
                    "  sources:\n"
                    "    - name: a\n"
                    "    - nmae: b\n"
                    "  max_body: x\n"),
            "f.yaml:2: telemetry.log_level: expected one of: debug, info, "
            "warning, error\n"
            "f.yaml:6: ingest.sources[1].nmae: unknown key, did you mean "
            "name?\n"
            "f.yaml:7: ingest.max_body: expected a number of bytes, such as "
            "25MiB");
}

TEST(ConfigFileTest, SuggestsOnlyKeysThatAreClose) {
  EXPECT_THAT(Refusal("ingest: {lisen: a}"),
              HasSubstr("ingest.lisen: unknown key, did you mean listen?"));
  EXPECT_THAT(Refusal("ingest: {adminListen: a}"),
              HasSubstr("did you mean admin_listen?"));
  EXPECT_EQ(Refusal("console: {}"), "f.yaml:1: console: unknown key");
  EXPECT_EQ(
      Refusal(absl::StrCat("kafka: {", std::string(900, 'x'), ": 1}")),
      absl::StrCat("f.yaml:1: kafka.", std::string(900, 'x'), ": unknown key"));
}

TEST(ConfigFileTest, RefusesAKeyThatIsThereTwice) {
  EXPECT_EQ(Refusal("kafka:\n  partitions: 1\n  partitions: 2\n"),
            "f.yaml:3: kafka.partitions: is there twice");
  EXPECT_EQ(Refusal("dispatcher:\n  providers: {a: x, a: y}\n"),
            "f.yaml:2: dispatcher.providers.a: is there twice");
}

TEST(ConfigFileTest, RefusesTheWrongKindOfValue) {
  EXPECT_EQ(Refusal("ingest: {sources: prod}"),
            "f.yaml:1: ingest.sources: expected a list");
  EXPECT_EQ(Refusal("ingest: 7"), "f.yaml:1: ingest: expected keys and values");
  EXPECT_EQ(Refusal("[1]"), "f.yaml:1: expected keys and values");
  EXPECT_EQ(Refusal("ingest: {sources: [prod]}"),
            "f.yaml:1: ingest.sources[0]: expected keys and values");
  EXPECT_EQ(Refusal("ingest:\n  listen:\n    - a\n"),
            "f.yaml:2: ingest.listen: expected one value, not a list or keys");
  EXPECT_EQ(Refusal("dispatcher: {providers: [a]}"),
            "f.yaml:1: dispatcher.providers: expected keys and values");
  EXPECT_EQ(Refusal("dispatcher: {providers: {a: {b: c}}}"),
            "f.yaml:1: dispatcher.providers.a: expected one value, not a list "
            "or keys");
  EXPECT_EQ(Refusal("? [a]\n: b\n"), "f.yaml:1: a key must be a word");
}

TEST(ConfigFileTest, RefusesAnEmptyListItem) {
  EXPECT_EQ(Refusal("ingest:\n  sources:\n    - name: a\n    -\n"),
            "f.yaml:2: ingest.sources[1]: must not be empty");
}

TEST(ConfigFileTest, TakesNothingForDefaults) {
  for (const char* nothing : {"", "# nothing\n", "---\n", "ingest:\n",
                              "ingest: {sources: , listen: ~}\n"}) {
    const Config config = Read(nothing);
    EXPECT_EQ(config.ingest().listen(), "") << nothing;
    EXPECT_EQ(config.ingest().sources_size(), 0) << nothing;
  }
}

TEST(ConfigFileTest, RefusesASecondDocument) {
  EXPECT_EQ(Refusal("kafka: {}\n---\nkafka: {}\n"),
            "f.yaml:3: more than one document");
}

TEST(ConfigFileTest, SaysWhereYamlIsBroken) {
  EXPECT_THAT(Refusal("kafka:\n  a: [1\nb: 2\n"), HasSubstr("f.yaml:3: "));
  EXPECT_THAT(Refusal("kafka: *nobody\n"), HasSubstr("f.yaml:1: "));
  EXPECT_THAT(Refusal(std::string(100'000, '[')), HasSubstr("f.yaml:1: "));
}

TEST(ConfigFileTest, ReadsAnchors) {
  const Config config = Read(R"(
ingest: {header_timeout: &t 7s, body_timeout: *t}
)");
  EXPECT_EQ(config.ingest().body_timeout().seconds(), 7);
  EXPECT_THAT(Refusal("ingest: &i\n  sources: [*i]\n"), HasSubstr("f.yaml:"));
}

TEST(ConfigFileTest, NamesTheLineOfAValueThatCannotBeUsed) {
  Config config;
  const ConfigFile file = ConfigFile::Parse(
                              "ingest:\n"
                              "  listen: nowhere\n"
                              "  sources:\n"
                              "    - name: a\n"
                              "    - type: flux\n"
                              "      name: A\n",
                              "f.yaml", config)
                              .value();
  EXPECT_THAT(file.Error("ingest.listen", "is no address"),
              StatusIs(StatusCode::kInvalidArgument,
                       "f.yaml:2: ingest.listen: is no address"));
  EXPECT_EQ(file.Error("ingest.sources[1].name", "x").message(),
            "f.yaml:6: ingest.sources[1].name: x");
  EXPECT_EQ(file.Error("ingest.sources[0].type", "x").message(),
            "f.yaml:4: ingest.sources[0].type: x");
  EXPECT_EQ(file.Error("ingest.sources[9].name", "x").message(),
            "f.yaml:3: ingest.sources[9].name: x");
  EXPECT_EQ(file.Error("kafka.bootstrap_servers", "x").message(),
            "f.yaml:1: kafka.bootstrap_servers: x");
}

TEST(ConfigFileTest, LoadsAFile) {
  const std::string path = ::testing::TempDir() + "config.yaml";
  std::ofstream(path) << "ingest: {listen: 'x:1'}\n";
  Config config;
  EXPECT_THAT(ConfigFile::Load(path, config), IsOk());
  EXPECT_EQ(config.ingest().listen(), "x:1");
  EXPECT_THAT(ConfigFile::Load(path + ".none", config),
              StatusIs(StatusCode::kNotFound, HasSubstr("config.yaml.none")));
}

}  // namespace
}  // namespace lamplighter
