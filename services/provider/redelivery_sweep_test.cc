#include "services/provider/redelivery_sweep.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "common/async/testing/fake_sleeper.h"
#include "common/async/testing/run_sync.h"
#include "common/http/testing/fake_http_client.h"
#include "common/metrics/metrics.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/testing/fake_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/config/v1/provider.pb.h"
#include "services/provider/connections.h"
#include "services/provider/forge_jobs.h"
#include "services/provider/testing/fake_manifests.h"

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kToken[] = "t0ken-of-the-account";
constexpr char kSecret[] = "webhook-s3cret";
constexpr char kHook[] = "https://hooks.example.com/events";

// On a GitLab of one project, which has one webhook.
class RedeliverySweepTest : public ::testing::Test {
 protected:
  RedeliverySweepTest() {
    const std::filesystem::path directory =
        std::filesystem::path(::testing::TempDir()) / "redelivery-sweep";
    std::filesystem::create_directories(directory);
    std::ofstream(directory / "token") << kToken;
    std::ofstream(directory / "webhookSecret") << kSecret;
    config::v1::Provider config;
    config::v1::Connection& connection = *config.add_connections();
    connection.set_name("main");
    connection.set_type("gitlab");
    connection.set_address("https://gitlab.com");
    connection.set_secret_directory(directory);
    connection.set_webhook_url(kHook);
    connections_ = Connections::Create(config.connections(), {}).value();
    jobs_ = ForgeJobs::Create({}, {manifests_, connections_}, http_, clock_,
                              metrics_)
                .value();
    sweep_ = std::make_unique<RedeliverySweep>(
        RedeliverySweep::Options{.connection = "main"}, *jobs_, clock_,
        sleeper_, metrics_);
    http_.When("GET", HasSubstr("/projects?"))
        .Return(Reply(200, R"([{"id":1,"path_with_namespace":"g/p"}])"));
    http_.When("GET", HasSubstr("/hooks?"))
        .Return(
            Reply(200, absl::StrCat(R"([{"id":3,"url":")", kHook, R"("}])")));
    http_.When("GET", HasSubstr("/events?"))
        .Return(Reply(200, R"([{"id":9,"response_status":"internal error",)"
                           R"("request_headers":{"Idempotency-Key":"b"}},)"
                           R"({"id":8,"response_status":"200",)"
                           R"("request_headers":{"Idempotency-Key":"c"}},)"
                           R"({"id":7,"response_status":"503",)"
                           R"("request_headers":{"Idempotency-Key":"a"}}])"));
    http_.When("POST", EndsWith("/resend"))
        .Return(Reply(201, R"({"response_status":202})"));
  }

  // Runs until it has waited so often; what it logged.
  std::string Run(int waits) {
    sleeper_.Allow(waits);
    ::testing::internal::CaptureStderr();
    RunSync(RunAll(*sweep_));
    return ::testing::internal::GetCapturedStderr();
  }
  static asio::awaitable<bool> RunAll(RedeliverySweep& sweep) {
    co_await sweep.Run();
    co_return true;
  }
  // The URLs that were posted to.
  std::vector<std::string> Posts() {
    std::vector<std::string> urls;
    for (const HttpCall& call : http_.calls()) {
      if (call.method == "POST") urls.push_back(call.url);
    }
    return urls;
  }

  FakeManifests manifests_;
  FakeHttpClient http_;
  FakeClock clock_;
  FakeSleeper sleeper_;
  Metrics metrics_;
  Connections connections_;
  std::unique_ptr<ForgeJobs> jobs_;
  std::unique_ptr<RedeliverySweep> sweep_;
};

TEST_F(RedeliverySweepTest, LogsALineAndCountsWhatItDid) {
  // Before the sweep, between two deliveries, before the next sweep.
  const std::string log = Run(3);
  EXPECT_THAT(log, AllOf(HasSubstr("found=2"), HasSubstr("redelivered=2"),
                         HasSubstr("connection=main")));
  EXPECT_THAT(Posts(), ::testing::ElementsAre(
                           EndsWith("/projects/g%2Fp/hooks/3/events/7/resend"),
                           EndsWith("/9/resend")));
  EXPECT_THAT(metrics_.Text(),
              HasSubstr("lamplighter_provider_redeliveries_total{"
                        "connection=\"main\",result=\"redelivered\"} 2"));
}

TEST_F(RedeliverySweepTest, WaitsSomeMinutesBetweenSweepsAndNeverTheSame) {
  Run(21);
  ASSERT_THAT(sleeper_.Slept(), SizeIs(21));
  absl::Duration shortest = absl::InfiniteDuration();
  absl::Duration longest;
  for (const absl::Duration wait : sleeper_.Slept()) {
    if (wait == absl::Seconds(1)) continue;  // between the two deliveries
    shortest = std::min(shortest, wait);
    longest = std::max(longest, wait);
  }
  EXPECT_GE(shortest, absl::Minutes(2.5));
  EXPECT_LE(longest, absl::Minutes(7.5));
  EXPECT_GT(longest - shortest, absl::Seconds(1));
}

TEST_F(RedeliverySweepTest, NeverLogsASecret) {
  const std::string said =
      absl::StrCat(R"({"message":"bad )", kToken, " and ", kSecret, R"("})");
  for (const char* url : {"/projects?", "/hooks?", "/events?"}) {
    http_.When("GET", HasSubstr(url))
        .Return(Reply(500, said))
        .Then(Reply(200, "[]"));
    const std::string log = Run(1);
    EXPECT_THAT(log, AllOf(HasSubstr("bad *** and ***"), Not(HasSubstr(kToken)),
                           Not(HasSubstr(kSecret))))
        << url;
    if (std::string(url) == "/projects?") {
      http_.When("GET", HasSubstr(url))
          .Return(Reply(200, R"([{"id":1,"path_with_namespace":"g/p"}])"));
    } else if (std::string(url) == "/hooks?") {
      http_.When("GET", HasSubstr(url))
          .Return(
              Reply(200, absl::StrCat(R"([{"id":3,"url":")", kHook, R"("}])")));
    }
  }
}

TEST_F(RedeliverySweepTest, ARefusedDeliveryIsNotLoggedWithItsSecretEither) {
  http_.When("POST", EndsWith("/resend"))
      .Return(Reply(422, absl::StrCat(R"({"message":"no )", kSecret, R"("})")));
  EXPECT_THAT(Run(2), AllOf(HasSubstr("no ***"), HasSubstr("failed=2"),
                            Not(HasSubstr(kSecret))));
}

TEST_F(RedeliverySweepTest, AConnectionWithoutWebhookSecretSaysSo) {
  std::filesystem::remove(std::filesystem::path(::testing::TempDir()) /
                          "redelivery-sweep/webhookSecret");
  ASSERT_THAT(connections_.Refresh(), IsOk());
  EXPECT_THAT(Run(1), HasSubstr("webhookSecret"));
  EXPECT_THAT(http_.calls(), SizeIs(0));
}

TEST_F(RedeliverySweepTest, AnAnswerThatIsNoListEndsTheSweep) {
  for (const char* body : {"", "{}", "<html>", R"([{"id":"x"}])"}) {
    http_.When("GET", HasSubstr("/events?")).Return(Reply(200, body));
    EXPECT_THAT(RunSync(sweep_->Sweep()).status,
                StatusIs(absl::StatusCode::kUnavailable))
        << body;
  }
  EXPECT_THAT(Posts(), SizeIs(0));
}

}  // namespace
}  // namespace lamplighter::provider
