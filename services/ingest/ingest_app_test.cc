#include "services/ingest/ingest_app.h"

#include <cstdio>
#include <fstream>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "boost/asio/co_spawn.hpp"
#include "boost/asio/io_context.hpp"
#include "common/app/app.h"
#include "common/app/health.h"
#include "common/config/config_file.h"
#include "common/metrics/metrics.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/config/v1/config.pb.h"
#include "services/ingest/ingest_service.h"
#include "services/ingest/spool/spool_file.h"

namespace lamplighter::ingest {
namespace {

using ::testing::HasSubstr;

// What a process gives to its services, with a configuration.
struct Process {
  explicit Process(const std::string& yaml)
      : config_file(*ConfigFile::Parse(yaml, "test.yaml", config)) {}

  boost::asio::io_context loop;
  config::v1::Config config;
  ConfigFile config_file;
  Metrics metrics;
  Health health;
  AppContext context{.loop = loop,
                     .config = config,
                     .config_file = config_file,
                     .metrics = metrics,
                     .health = health,
                     .clock = Clock::System(),
                     .fail = [](const absl::Status&) {}};
};

// A file of that name, which is not there yet.
std::string SpoolPath(const std::string& name) {
  std::string path = absl::StrCat(::testing::TempDir(), "/", name, ".db");
  std::remove(path.c_str());
  return path;
}

TEST(ReadOptions, HasTheDocumentedDefaults) {
  Process process("");
  const auto options =
      ReadOptions(process.config.ingest(), process.config_file);
  ASSERT_THAT(options, IsOk());
  EXPECT_EQ(options->http.listen, "0.0.0.0:8080");
  EXPECT_EQ(options->http.max_body, 25u << 20);
  EXPECT_EQ(options->http.max_connections, 4096u);
  EXPECT_EQ(options->http.max_body_memory, 256u << 20);
  EXPECT_EQ(options->http.header_timeout, absl::Seconds(10));
  EXPECT_EQ(options->http.body_timeout, absl::Seconds(30));
  EXPECT_EQ(options->http.idle_timeout, absl::Seconds(75));
  EXPECT_EQ(options->drain_timeout, absl::Seconds(20));
}

TEST(ReadOptions, TakesWhatIsConfigured) {
  Process process(
      "ingest: {listen: '127.0.0.1:1', max_body: 1MiB, max_connections: 5,"
      " max_body_memory: 2MiB, header_timeout: 1s, body_timeout: 2s,"
      " idle_timeout: 3s, drain_timeout: 500ms}");
  const auto options =
      ReadOptions(process.config.ingest(), process.config_file);
  ASSERT_THAT(options, IsOk());
  EXPECT_EQ(options->http.listen, "127.0.0.1:1");
  EXPECT_EQ(options->http.max_body, 1u << 20);
  EXPECT_EQ(options->http.max_connections, 5u);
  EXPECT_EQ(options->http.max_body_memory, 2u << 20);
  EXPECT_EQ(options->http.header_timeout, absl::Seconds(1));
  EXPECT_EQ(options->http.body_timeout, absl::Seconds(2));
  EXPECT_EQ(options->http.idle_timeout, absl::Seconds(3));
  EXPECT_EQ(options->drain_timeout, absl::Milliseconds(500));
}

TEST(ReadOptions, TakesWhatIsConfiguredOfProxies) {
  Process process(
      "ingest: {trusted_proxies: [10.0.0.0/8], proxy_protocol: true}");
  const auto options =
      ReadOptions(process.config.ingest(), process.config_file);
  ASSERT_THAT(options, IsOk());
  EXPECT_TRUE(options->http.proxy_protocol);
  EXPECT_FALSE(options->http.trusted_proxies.empty());
  EXPECT_EQ(options->http.tls, nullptr);
}

TEST(ReadOptions, RefusesATimeoutOfNothing) {
  Process process("ingest:\n  idle_timeout: 0s");
  EXPECT_THAT(ReadOptions(process.config.ingest(), process.config_file),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("test.yaml:2: ingest.idle_timeout")));
}

TEST(MakeIngest, RefusesSourcesThatCannotBeUsed) {
  Process process(
      "kafka: {bootstrap_servers: '127.0.0.1:1'}\n"
      "ingest:\n"
      "  sources: [{name: x, type: svn}]");
  EXPECT_THAT(MakeIngest(process.context),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("test.yaml:3: ingest.sources[0].type")));
}

TEST(MakeIngest, RefusesABrokerThatIsNotNamed) {
  Process process("ingest: {listen: '127.0.0.1:0'}");
  EXPECT_THAT(MakeIngest(process.context),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(OpenSpool, OpensNoneWhereNoneIsConfigured) {
  Process process("ingest: {listen: '127.0.0.1:0'}");
  const auto spool = OpenSpool(process.config.ingest(), process.config_file);
  ASSERT_THAT(spool, IsOk());
  EXPECT_EQ(*spool, nullptr);
}

TEST(OpenSpool, HasTheDocumentedDefaultAndTakesWhatIsConfigured) {
  const std::string path = SpoolPath("config");
  Process process(absl::StrCat("ingest: {spool: {path: ", path, "}}"));
  auto spool = OpenSpool(process.config.ingest(), process.config_file);
  ASSERT_THAT(spool, IsOk());
  EXPECT_EQ((*spool)->max_bytes(), 1 << 30);
  spool->reset();
  Process small(
      absl::StrCat("ingest: {spool: {path: ", path, ", max_bytes: 16MiB}}"));
  spool = OpenSpool(small.config.ingest(), small.config_file);
  ASSERT_THAT(spool, IsOk());
  EXPECT_EQ((*spool)->max_bytes(), 16 << 20);
}

TEST(OpenSpool, SaysWhereTheConfigurationIsWrong) {
  Process no_path("ingest:\n  spool: {}");
  EXPECT_THAT(OpenSpool(no_path.config.ingest(), no_path.config_file),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("test.yaml:2: ingest.spool.path")));
  Process tiny("ingest:\n  spool:\n    path: /nowhere/x\n    max_bytes: 15MiB");
  EXPECT_THAT(OpenSpool(tiny.config.ingest(), tiny.config_file),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("test.yaml:4: ingest.spool.max_bytes")));
}

// Whatever is wrong with the file is a mistake in the configuration, which ends
// the start with status 2.
TEST(OpenSpool, SaysWhatIsWrongWithTheFile) {
  const std::string path = SpoolPath("wrong");
  Process process(absl::StrCat("ingest:\n  spool:\n    path: ", path));
  const auto open = [&process] {
    return OpenSpool(process.config.ingest(), process.config_file);
  };
  std::ofstream(path) << std::string(5000, 'x');
  EXPECT_THAT(open(), StatusIs(absl::StatusCode::kInvalidArgument,
                               HasSubstr("test.yaml:3: ingest.spool.path: ")));
  std::remove(path.c_str());
  const auto first = open();
  ASSERT_THAT(first, IsOk());
  EXPECT_THAT(open(), StatusIs(absl::StatusCode::kInvalidArgument,
                               HasSubstr("another process uses it")));
}

boost::asio::awaitable<absl::Status> StartAndStop(Service& service,
                                                  const Health& health,
                                                  absl::Status& ready) {
  const absl::Status started = co_await service.Start();
  ready = health.Ready();
  co_await service.Stop();
  co_return started;
}

// Whether the process is ready after its start, without a broker.
absl::Status ReadyWithoutABroker(const std::string& ingest) {
  Process process(absl::StrCat("kafka: {bootstrap_servers: '127.0.0.1:1'}\n",
                               "ingest: {listen: '127.0.0.1:0', ",
                               "drain_timeout: 100ms", ingest, "}"));
  auto service = MakeIngest(process.context);
  EXPECT_THAT(service, IsOk());
  if (!service.ok()) return service.status();
  absl::Status started = absl::UnknownError("did not end");
  absl::Status ready;
  boost::asio::co_spawn(
      process.loop, StartAndStop(**service, process.health, ready),
      [&](const std::exception_ptr& error, absl::Status status) {
        if (error == nullptr) started = std::move(status);
        process.loop.stop();
      });
  process.loop.run_for(std::chrono::seconds(10));
  EXPECT_THAT(started, IsOk());
  service->reset();
  return ready;
}

TEST(MakeIngest, StartsWithoutABrokerButIsNotReady) {
  EXPECT_THAT(ReadyWithoutABroker(""),
              StatusIs(absl::StatusCode::kUnavailable));
}

TEST(MakeIngest, IsReadyWithoutABrokerWhereThereIsASpool) {
  EXPECT_THAT(ReadyWithoutABroker(
                  absl::StrCat(", spool: {path: ", SpoolPath("ready"), "}")),
              IsOk());
}

}  // namespace
}  // namespace lamplighter::ingest
