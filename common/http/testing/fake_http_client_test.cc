#include "common/http/testing/fake_http_client.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/async/testing/run_sync.h"
#include "common/http/http_client.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

using ::testing::HasSubstr;

HttpCall Get(std::string url) {
  HttpCall call;
  call.url = std::move(url);
  return call;
}

TEST(FakeHttpClientTest, AnswersInOrderAndRepeatsTheLast) {
  FakeHttpClient client;
  client.When("GET", HasSubstr("/repos"))
      .Return(503)
      .Then(absl::UnavailableError("down"))
      .Then(Reply(200, "[]"));
  EXPECT_EQ(RunSync(client.Send(Get("http://f/repos/1")))->status, 503);
  EXPECT_THAT(RunSync(client.Send(Get("http://f/repos/1"))),
              StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(RunSync(client.Send(Get("http://f/repos/2")))->body, "[]");
  EXPECT_EQ(RunSync(client.Send(Get("http://f/repos/3")))->body, "[]");
  EXPECT_EQ(client.calls().size(), 4);
}

TEST(FakeHttpClientTest, LaterScriptsComeFirst) {
  FakeHttpClient client;
  client.When("GET", HasSubstr("http://f/")).Return(200);
  client.When("GET", "http://f/missing").Return(404);
  EXPECT_EQ(RunSync(client.Send(Get("http://f/missing")))->status, 404);
  EXPECT_EQ(RunSync(client.Send(Get("http://f/other")))->status, 200);
}

TEST(FakeHttpClientTest, NamesTheCallThatNobodyScripted) {
  FakeHttpClient client;
  EXPECT_THAT(
      RunSync(client.Send(Get("http://f/x"))),
      StatusIs(absl::StatusCode::kInternal, HasSubstr("GET http://f/x")));
}

TEST(FakeHttpClientTest, ComputesAnAnswerFromTheCall) {
  FakeHttpClient client;
  client.When("POST", "http://f/echo").Return([](const HttpCall& call) {
    return Reply(201, call.body);
  });
  HttpCall call;
  call.method = "POST";
  call.url = "http://f/echo";
  call.body = "hello";
  EXPECT_EQ(RunSync(client.Send(call))->body, "hello");
}

}  // namespace
}  // namespace lamplighter
