#include "tests/forges/scripted_github.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/http/http_server.h"
#include "common/http/testing/loop_thread.h"
#include "common/http/testing/test_client.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/testing/fake_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kSha[] = "5394cb7f48332b2de7c17dd8b8384bbc84b7e738";

class ScriptedGitHubTest : public ::testing::Test {
 protected:
  ScriptedGitHubTest() { Start({}); }
  ~ScriptedGitHubTest() override {
    client_.reset();
    loop_.Do([&] { server_.reset(); });
  }

  void Start(const ScriptedGitHub::Options& options) {
    client_.reset();
    loop_.Do([&] {
      server_.reset();
      forge_ = std::make_unique<ScriptedGitHub>(options, clock_);
      server_ = HttpServer::Create({.listen = "127.0.0.1:0"}, loop_.loop(),
                                   forge_->Routes())
                    .value();
      server_->Start();
    });
    client_ = std::make_unique<TestClient>(server_->port());
  }

  TestResponse Do(const std::string& method, const std::string& path,
                  const std::string& body = "",
                  const std::string& headers = "") {
    client_->Send(absl::StrCat(
        method, " ", path, " HTTP/1.1\r\nHost: forge\r\n",
        "Content-Length: ", body.size(), "\r\n", headers, "\r\n", body));
    return client_->Read().value_or(
        TestResponse{.status = -1, .headers = {}, .body = ""});
  }

  TestResponse Set(const std::string& context, const std::string& state,
                   const std::string& description = "d",
                   const std::string& headers = "") {
    return Do("POST", absl::StrCat("/api/v3/repos/Org/Repo/statuses/", kSha),
              absl::StrCat(R"({"context":")", context, R"(","state":")", state,
                           R"(","description":")", description, R"("})"),
              headers);
  }
  TestResponse Get(const std::string& what, const std::string& headers = "") {
    return Do("GET", absl::StrCat("/repos/org/repo/commits/", kSha, "/", what),
              "", headers);
  }

  FakeClock clock_;
  LoopThread loop_;
  std::unique_ptr<ScriptedGitHub> forge_;
  std::unique_ptr<HttpServer> server_;
  std::unique_ptr<TestClient> client_;
};

TEST_F(ScriptedGitHubTest, KeepsStatusesWhereverTheyWereSetFrom) {
  const TestResponse created = Set("a", "success", "caf\xC3\xA9");
  EXPECT_EQ(created.status, 201);
  EXPECT_THAT(
      created.body,
      AllOf(HasSubstr(R"("state":"success")"), HasSubstr("caf\xC3\xA9"),
            HasSubstr(R"("target_url":null)"), HasSubstr("SC_sandbox1\"")));
  EXPECT_EQ(Set("A", "failure").status, 201);
  EXPECT_EQ(Set("b", "success").status, 201);
  const std::string history = Get("statuses").body;
  EXPECT_LT(history.find("SC_sandbox3\""), history.find("SC_sandbox2\""));
  EXPECT_LT(history.find("SC_sandbox2\""), history.find("SC_sandbox1\""));
  const std::string combined = Get("status").body;
  EXPECT_THAT(
      combined,
      AllOf(StartsWith(R"({"state":"failure")"), HasSubstr("SC_sandbox2\""),
            HasSubstr("SC_sandbox3\""), Not(HasSubstr("SC_sandbox1\""))));
}

TEST_F(ScriptedGitHubTest, PagesAreLinked) {
  for (int i = 0; i < 5; ++i) Set(absl::StrCat("c", i), "success");
  const TestResponse first = Get("statuses?per_page=2");
  EXPECT_THAT(std::string(first.headers.Find("Link").value_or("")),
              AllOf(HasSubstr("per_page=2&page=2"), HasSubstr("rel=\"next\"")));
  const TestResponse last = Get("statuses?per_page=2&page=3");
  EXPECT_FALSE(last.headers.Find("Link"));
  EXPECT_THAT(last.body, HasSubstr("SC_sandbox1\""));
}

TEST_F(ScriptedGitHubTest, WhatIsUnchangedIsNotSentAgainAndCostsNothing) {
  const TestResponse first = Get("status");
  const std::string etag(*first.headers.Find("ETag"));
  const TestResponse again =
      Get("status", absl::StrCat("If-None-Match: ", etag, "\r\n"));
  EXPECT_EQ(again.status, 304);
  EXPECT_EQ(again.headers.Find("X-RateLimit-Remaining"),
            first.headers.Find("X-RateLimit-Remaining"));
  Set("a", "success");
  EXPECT_EQ(Get("status", absl::StrCat("If-None-Match: ", etag, "\r\n")).status,
            200);
}

TEST_F(ScriptedGitHubTest, RefusesWhatGitHubRefuses) {
  EXPECT_EQ(Set("a", "running").status, 422);
  EXPECT_EQ(Set("a", "success", std::string(140, 'x')).status, 201);
  EXPECT_THAT(Set("a", "success", std::string(141, 'x')).body,
              HasSubstr("maximum is 140 characters"));
  EXPECT_EQ(Set(std::string(256, 'c'), "success").status, 422);
  EXPECT_EQ(Do("POST", absl::StrCat("/repos/o/r/statuses/", kSha), "{").status,
            400);
  EXPECT_THAT(
      Do("POST", absl::StrCat("/repos/o/r/statuses/", std::string(40, '0')),
         R"({"state":"success"})")
          .body,
      HasSubstr("No commit found"));
}

TEST_F(ScriptedGitHubTest, TakesAThousandStatusesOfAContext) {
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(Set("a", "success").status, 201);
  const TestResponse refused = Set("A", "success");
  EXPECT_EQ(refused.status, 422);
  EXPECT_THAT(refused.body, HasSubstr("maximum number of statuses"));
  EXPECT_EQ(Set("b", "success").status, 201);
}

TEST_F(ScriptedGitHubTest, AsksForItsToken) {
  Start({.token = "t0ken"});
  EXPECT_EQ(Set("a", "success").status, 401);
  EXPECT_EQ(Set("a", "success", "d", "Authorization: Bearer wrong\r\n").status,
            401);
  EXPECT_EQ(Set("a", "success", "d", "Authorization: Bearer t0ken\r\n").status,
            201);
}

TEST_F(ScriptedGitHubTest, HasARateLimitThatEndsWithTheHour) {
  Start({.token = "", .rate_limit = 2});
  EXPECT_EQ(Set("a", "success").headers.Find("X-RateLimit-Remaining"), "1");
  EXPECT_EQ(Set("b", "success").status, 201);
  EXPECT_EQ(Set("c", "success").status, 403);
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(Set("c", "success").status, 201);
}

TEST_F(ScriptedGitHubTest, DoesWhatItIsToldToDoWrong) {
  EXPECT_EQ(Do("POST", "/_sandbox/faults",
               R"({"status":502,"retry_after_s":7,"times":1})")
                .status,
            204);
  const TestResponse failed = Set("a", "success");
  EXPECT_EQ(failed.status, 502);
  EXPECT_EQ(failed.headers.Find("Retry-After"), "7");
  EXPECT_EQ(Set("a", "success").status, 201);

  Do("POST", "/_sandbox/faults",
     R"({"status":500,"for_ms":10000,"method":"POST"})");
  EXPECT_EQ(Set("a", "success").status, 500);
  EXPECT_EQ(Get("status").status, 200);
  clock_.Advance(absl::Seconds(10));
  EXPECT_EQ(Set("a", "success").status, 201);

  Do("POST", "/_sandbox/faults", R"({"rate_limit_until":1700000100})");
  const TestResponse limited = Set("a", "success");
  EXPECT_EQ(limited.status, 403);
  EXPECT_EQ(limited.headers.Find("X-RateLimit-Reset"), "1700000100");
  EXPECT_EQ(limited.headers.Find("X-RateLimit-Remaining"), "0");
  Do("DELETE", "/_sandbox/faults");
  EXPECT_EQ(Set("a", "success").status, 201);
}

TEST_F(ScriptedGitHubTest, CanLoseTheAnswerAlone) {
  Do("POST", "/_sandbox/faults", R"({"status":504,"after":true,"times":1})");
  EXPECT_EQ(Set("a", "success").status, 504);
  EXPECT_THAT(Get("status").body, HasSubstr(R"("context":"a")"));
}

TEST_F(ScriptedGitHubTest, CanAnswerWhatIsNoHttp) {
  Do("POST", "/_sandbox/faults", R"({"reset":true,"times":1})");
  EXPECT_LT(Set("a", "success").status, 100);
}

TEST_F(ScriptedGitHubTest, RefusesFaultsThatItDoesNotUnderstand) {
  EXPECT_EQ(Do("POST", "/_sandbox/faults", R"({"stats":502})").status, 400);
  EXPECT_EQ(Do("POST", "/_sandbox/faults", R"({"status":"502"})").status, 400);
  EXPECT_EQ(Do("POST", "/_sandbox/faults", "[]").status, 400);
  EXPECT_EQ(Set("a", "success").status, 201);
}

TEST_F(ScriptedGitHubTest, TellsWhatItWasAskedAndForgetsIt) {
  Start({.token = "", .rate_limit = 0, .max_calls = 2});
  Set("a", "success");
  Set("b", "oops");
  EXPECT_FALSE(Get("status").headers.Find("X-RateLimit-Limit"));
  const std::string calls = Do("GET", "/_sandbox/calls").body;
  EXPECT_THAT(calls, StartsWith(R"([{"number":2,"at_ms":1700000000000,)"
                                R"("method":"POST","path":"/api/v3/repos/Org/)"
                                R"(Repo/statuses/)"));
  EXPECT_THAT(calls, HasSubstr(R"("status":422,"context":"b","state":"oops")"));
  EXPECT_THAT(Do("GET", "/_sandbox/calls?after=2").body,
              AllOf(StartsWith(R"([{"number":3,)"), Not(HasSubstr("POST"))));
  EXPECT_EQ(Do("GET", "/_sandbox/stats").body,
            R"({"calls":3,"statuses":1,"commits":1,)"
            R"("by_status":{"200":1,"201":1,"422":1}})");
  EXPECT_EQ(Do("DELETE", "/_sandbox").status, 204);
  EXPECT_EQ(Do("GET", "/_sandbox/calls").body, "[]");
  EXPECT_EQ(Do("GET", "/_sandbox/stats").body,
            R"({"calls":0,"statuses":0,"commits":0,"by_status":{}})");
}

TEST(StatusStore, ForgetsTheOldestCommitsBeyondItsBound) {
  StatusStore store(/*max_statuses=*/2);
  store.Add("one", {});
  store.Add("two", {});
  store.Add("three", {});
  EXPECT_TRUE(store.History("one").empty());
  EXPECT_EQ(store.History("three").size(), 1);
  EXPECT_EQ(store.statuses(), 2);
}

}  // namespace
}  // namespace lamplighter
