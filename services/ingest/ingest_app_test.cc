#include "services/ingest/ingest_app.h"

#include <memory>
#include <string>

#include "absl/status/status.h"
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

boost::asio::awaitable<absl::Status> StartAndStop(Service& service,
                                                  const Health& health,
                                                  absl::Status& ready) {
  const absl::Status started = co_await service.Start();
  ready = health.Ready();
  co_await service.Stop();
  co_return started;
}

TEST(MakeIngest, StartsWithoutABrokerButIsNotReady) {
  Process process(
      "kafka: {bootstrap_servers: '127.0.0.1:1'}\n"
      "ingest: {listen: '127.0.0.1:0', drain_timeout: 100ms}");
  auto service = MakeIngest(process.context);
  ASSERT_THAT(service, IsOk());
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
  EXPECT_THAT(ready, StatusIs(absl::StatusCode::kUnavailable));
  service->reset();
}

}  // namespace
}  // namespace lamplighter::ingest
