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
#include "services/provider/forges/github/app_jwt.h"
#include "services/provider/forges/github/testing/app_key.h"

namespace lamplighter {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
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
  EXPECT_THAT(Do("GET", "/_sandbox/calls").body,
              AllOf(HasSubstr(R"("status":504)"), HasSubstr(R"("effect":1})")));
}

TEST_F(ScriptedGitHubTest, CanRefuseOneCredentialAlone) {
  const auto set = [this](const std::string& credential) {
    return Set("a", "success", "d",
               absl::StrCat("Authorization: ", credential, "\r\n"))
        .status;
  };
  Do("POST", "/_sandbox/faults", R"({"status":401,"credential":"t0ken-b"})");
  EXPECT_EQ(set("Bearer t0ken-a"), 201);
  EXPECT_EQ(set("Bearer t0ken-b"), 401);
  EXPECT_EQ(set("Basic OnQwa2VuLWI="), 401);
  Do("DELETE", "/_sandbox/faults");
  EXPECT_EQ(set("Bearer t0ken-b"), 201);
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
  EXPECT_THAT(Do("GET", "/_sandbox/stats").body,
              AllOf(StartsWith(R"({"calls":3,"bytes":)"),
                    EndsWith(R"(,"statuses":1,"commits":1,)"
                             R"("by_status":{"200":1,"201":1,"422":1}})")));
  EXPECT_EQ(Do("DELETE", "/_sandbox").status, 204);
  EXPECT_EQ(Do("GET", "/_sandbox/calls").body, "[]");
  EXPECT_EQ(Do("GET", "/_sandbox/stats").body,
            R"({"calls":0,"bytes":0,"statuses":0,"commits":0,)"
            R"("by_status":{}})");
}

TEST_F(ScriptedGitHubTest, ListsRepositoriesInPagesOfAHundredAtMost) {
  loop_.Do([&] {
    forge_->AddRepositories(100'000, "org");
    forge_->AddRepositories(3, "zeta");
  });
  const TestResponse first = Do("GET", "/user/repos?per_page=500");
  EXPECT_THAT(first.body, AllOf(HasSubstr(R"("full_name":"org/repo-000099")"),
                                Not(HasSubstr("repo-000100"))));
  EXPECT_TRUE(first.headers.Find("Link"));
  const TestResponse last = Do("GET", "/user/repos?per_page=100&page=1001");
  EXPECT_THAT(last.body, AllOf(StartsWith("[{"), HasSubstr("zeta/repo-000002"),
                               Not(HasSubstr("org/"))));
  EXPECT_FALSE(last.headers.Find("Link"));
}

TEST_F(ScriptedGitHubTest, TakesOneWebhookOfAUrlAndTwentyOfAnEvent) {
  const auto create = [&](const std::string& url, const std::string& rest) {
    return Do("POST", "/repos/Org/Repo/hooks",
              absl::StrCat(R"({"name":"web","config":{"url":")", url, R"("})",
                           rest, "}"));
  };
  const TestResponse first = create("https://a", "");
  EXPECT_EQ(first.status, 201);
  EXPECT_THAT(first.body,
              AllOf(HasSubstr(R"("events":["push"])"),
                    HasSubstr(R"("content_type":"form")"),
                    HasSubstr(R"("active":true)"), Not(HasSubstr("secret"))));
  EXPECT_THAT(create("https://a", "").body,
              HasSubstr("Hook already exists on this repository"));
  EXPECT_EQ(create("https://a", R"(,"events":["release"])").status, 201);
  for (int i = 0; i < 19; ++i) {
    EXPECT_EQ(create(absl::StrCat("https://b/", i), "").status, 201);
  }
  EXPECT_THAT(create("https://c", "").body,
              HasSubstr("cannot have more than 20 hooks"));
  EXPECT_EQ(Do("DELETE", "/repos/org/repo/hooks/1").status, 204);
  EXPECT_EQ(Do("DELETE", "/repos/org/repo/hooks/1").status, 404);
  EXPECT_EQ(create("https://c", "").status, 201);
}

TEST_F(ScriptedGitHubTest, AWebhooksSecretReadsAsStars) {
  Do("POST", "/repos/o/r/hooks",
     R"({"config":{"url":"https://a","secret":"s3cret"}})");
  EXPECT_THAT(
      Do("GET", "/repos/o/r/hooks").body,
      AllOf(HasSubstr(R"("secret":"********")"), Not(HasSubstr("s3cret"))));
  Do("PATCH", "/repos/o/r/hooks/1", R"({"active":false})");
  loop_.Do([&] {
    EXPECT_EQ(forge_->hooks().of("o/r")[0].secret, "s3cret");
    EXPECT_FALSE(forge_->hooks().of("o/r")[0].active);
  });
}

TEST_F(ScriptedGitHubTest, SendsOnWhatWasRenamed) {
  loop_.Do([&] { forge_->Rename("org/repo", "org/new"); });
  const TestResponse read = Get("status?per_page=5");
  EXPECT_EQ(read.status, 301);
  EXPECT_EQ(read.headers.Find("Location"),
            absl::StrCat("http://forge/api/v3/repos/org/new/commits/", kSha,
                         "/status?per_page=5"));
}

class ScriptedGitHubAppTest : public ScriptedGitHubTest {
 protected:
  ScriptedGitHubAppTest() {
    Start({.token = "t0ken", .app_id = "123", .app_key = Key()});
    loop_.Do([&] {
      forge_->app().installations()[7].account = "org";
      forge_->AddRepositories(2, "org");
      forge_->AddRepositories(2, "other");
    });
  }

  static const std::string& Key() {
    static const auto* const key = new std::string(provider::MakeAppKey());
    return *key;
  }
  std::string Bearer(const std::string& token) {
    return absl::StrCat("Authorization: Bearer ", token, "\r\n");
  }
  // Of an App that dates itself so.
  std::string Jwt(const std::string& id, absl::Time at,
                  const std::string& key = Key()) {
    return Bearer(provider::MakeAppJwt(id, key, at).value());
  }
  TestResponse CreateToken() {
    return Do("POST", "/app/installations/7/access_tokens", "",
              Jwt("123", clock_.Now()));
  }
  std::string TokenIn(const TestResponse& response) {
    const size_t begin = response.body.find("ghs_");
    return response.body.substr(begin, response.body.find('"', begin) - begin);
  }
};

TEST_F(ScriptedGitHubAppTest, AsksForAProofThatIsSignedAndFresh) {
  const absl::Time now = clock_.Now();
  EXPECT_EQ(Do("GET", "/app", "", Jwt("123", now)).status, 200);
  EXPECT_EQ(Do("GET", "/app", "", Jwt("321", now)).status, 404);
  for (const std::string& wrong :
       {Jwt("123", now, provider::MakeAppKey()), Bearer("t0ken"),
        Jwt("123", now + absl::Minutes(2)), Jwt("123", now - absl::Hours(1))}) {
    EXPECT_EQ(Do("GET", "/app", "", wrong).status, 401);
  }
}

TEST_F(ScriptedGitHubAppTest, ATokenIsOfItsAccountForAnHour) {
  const TestResponse created = CreateToken();
  EXPECT_EQ(created.status, 201);
  const std::string as_app = Bearer(TokenIn(created));
  EXPECT_THAT(
      Do("GET", "/installation/repositories", "", as_app).body,
      AllOf(StartsWith(R"({"total_count":2,)"), Not(HasSubstr("other/repo"))));
  EXPECT_EQ(Do("GET", "/user/repos", "", as_app).status, 403);
  EXPECT_EQ(Do("GET", "/repos/org/x", "", as_app).status, 200);
  EXPECT_EQ(Do("GET", "/repos/other/x", "", as_app).status, 404);
  loop_.Do([&] {
    forge_->app().installations()[7].permissions.erase("repository_hooks");
  });
  EXPECT_EQ(Do("GET", "/repos/org/x/hooks", "", as_app).status, 403);
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(Do("GET", "/repos/org/x", "", as_app).status, 401);
}

TEST_F(ScriptedGitHubAppTest, SuspendedAndGoneInstallationsGetNoToken) {
  loop_.Do([&] { forge_->app().installations()[7].is_suspended = true; });
  EXPECT_EQ(CreateToken().status, 403);
  loop_.Do([&] { forge_->app().installations().clear(); });
  EXPECT_EQ(CreateToken().status, 404);
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
