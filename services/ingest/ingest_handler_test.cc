#include "services/ingest/ingest_handler.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/http/testing/test_client.h"
#include "common/kafka/record.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/v1/events.pb.h"
#include "services/ingest/testing/ingest_server_test.h"

namespace lamplighter::ingest {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using IngestHandlerTest = IngestServerTest;

TEST_F(IngestHandlerTest, RefusesBodiesBeyondTheLimit) {
  ExpectRefused(Post("/", std::string((64 << 10) + 1, ' ')), 413, "none",
                "size", "");
}

TEST_F(IngestHandlerTest, CountsWhatTheServerItselfRefuses) {
  TestClient client(service_->port());
  ASSERT_TRUE(client.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  const auto response = client.Read();
  ASSERT_TRUE(response.has_value());
  ExpectRefused(*response, 405, "none", "method", "");
}

TEST_F(IngestHandlerTest, GivesUpOnClientsThatSendTheirHeaderTooSlowly) {
  TestClient client(service_->port());
  ASSERT_TRUE(client.Send("POST / HTTP/1.1\r\nHost: x\r\nX-Slo"));
  const auto response = client.Read();
  ASSERT_TRUE(response.has_value());
  ExpectRefused(*response, 408, "none", "timeout", "");
}

TEST_F(IngestHandlerTest, GivesUpOnClientsThatSendTheirBodyTooSlowly) {
  TestClient client(service_->port());
  ASSERT_TRUE(
      client.Send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{"));
  const auto response = client.Read();
  ASSERT_TRUE(response.has_value());
  ExpectRefused(*response, 408, "none", "timeout", "");
}

TEST_F(IngestHandlerTest, RefusesPathsThatNobodyServes) {
  ExpectRefused(Post("/api/events-handler/v1/events/subversion", kFlux), 404,
                "none", "unknown_source", "");
}

TEST_F(IngestHandlerTest, AnswersOnlyOnceTheBrokerHasTheEvent) {
  loop_.Do([this] { producer_.Hold(); });
  TestClient client(service_->port());
  ASSERT_TRUE(client.Post("/", kFlux, kJson));
  const absl::Time deadline = Clock::System().Now() + absl::Seconds(10);
  while (loop_.Do([this] { return producer_.held(); }) == 0) {
    ASSERT_LT(Clock::System().Now(), deadline);
  }
  EXPECT_THAT(MetricsText(), HasSubstr(Accepted("flux", 0)));
  loop_.Do([this] { producer_.Release(); });
  const auto response = client.Read();
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->status, 202);
  EXPECT_THAT(MetricsText(), HasSubstr(Accepted("flux", 1)));
}

TEST_F(IngestHandlerTest, AsksToComeAgainWhileTheBrokerIsAway) {
  for (const absl::Status& error :
       {absl::UnavailableError("away"), absl::ResourceExhaustedError("full"),
        absl::InvalidArgumentError("no such topic"),
        absl::PermissionDeniedError("no"), absl::CancelledError("stopped")}) {
    loop_.Do([this, &error] { producer_.FailNext(error); });
    const TestResponse response = Post("/", kFlux);
    EXPECT_EQ(response.status, 503) << error;
    EXPECT_FALSE(response.headers.Find("Retry-After").has_value());
    EXPECT_THAT(response.body, HasSubstr("send it again"));
  }
  EXPECT_THAT(Records(), IsEmpty());
  EXPECT_THAT(MetricsText(),
              HasSubstr("lamplighter_ingest_rejected_total{provider=\"flux\","
                        "reason=\"broker\"} 5\n"));
}

TEST_F(IngestHandlerTest, ContinuesTheSendersTrace) {
  const std::string trace = "0af7651916cd43dd8448eb211c80319c";
  EXPECT_EQ(Post("/", kFlux,
                 absl::StrCat(kJson, "traceparent: 00-", trace,
                              "-b7ad6b7169203331-01\r\n"))
                .status,
            202);
  EXPECT_THAT(std::string(*FindHeader(Records().at(0), "traceparent")),
              HasSubstr(trace));
}

TEST_F(IngestHandlerTest, IsReadyWhenItsProducerIs) {
  EXPECT_THAT(loop_.Do([this] { return health_.Ready(); }), IsOk());
  loop_.Do([this] { producer_.set_ready(absl::UnavailableError("away")); });
  EXPECT_THAT(loop_.Do([this] { return health_.Ready(); }),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("away")));
}

TEST_F(IngestHandlerTest, GivesTheSameEventTheSameId) {
  const std::string push = absl::StrCat(kEvents, "github");
  const std::string headers =
      GitHubHeaders(absl::StrCat("sha256=", Sign(kPush)));
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Post("/", kFlux).status, 202);
    EXPECT_EQ(Post(push, kPush, headers).status, 202);
  }
  const auto records = Records();
  ASSERT_THAT(records, SizeIs(4));
  EXPECT_EQ(FindHeader(records[0], "ce_id"), FindHeader(records[2], "ce_id"));
  EXPECT_EQ(FindHeader(records[1], "ce_id"), FindHeader(records[3], "ce_id"));
}

// A server whose broker takes very little.
class SmallBrokerTest : public IngestHandlerTest {
 protected:
  void SetUp() override {
    producer_.set_max_record_bytes(700);
    IngestHandlerTest::SetUp();
  }
};

TEST_F(SmallBrokerTest, LeavesOutABodyThatDoesNotFit) {
  const std::string body = absl::StrCat(kFlux, std::string(700, ' '));
  EXPECT_EQ(Post("/", body).status, 202);
  v1::FluxEvent event;
  ASSERT_TRUE(event.ParseFromString(Records().at(0).value));
  EXPECT_EQ(event.raw().encoding(), v1::RawBody::OMITTED);
  EXPECT_EQ(event.raw().size(), body.size());
}

TEST_F(SmallBrokerTest, RefusesAnEventThatDoesNotFitWithoutItsBodyEither) {
  loop_.Do(
      [this] { producer_.FailNext(absl::InvalidArgumentError("too large")); });
  const std::string body = absl::StrCat(
      R"({"involvedObject": {"kind": "K", "name": "n"}, "message": ")",
      std::string(700, 'x'), "\"}");
  ExpectRefused(Post("/", body), 413, "flux", "size",
                "larger than the broker takes");
}

}  // namespace
}  // namespace lamplighter::ingest
