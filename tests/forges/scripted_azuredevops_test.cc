#include "tests/forges/scripted_azuredevops.h"

#include <memory>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "common/http/http_server.h"
#include "common/http/testing/loop_thread.h"
#include "common/http/testing/test_client.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/testing/fake_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/forges/scripted_azuredevops_json.h"

namespace lamplighter {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kSha[] = "5394cb7f48332b2de7c17dd8b8384bbc84b7e738";
constexpr char kVersion[] = "Accept: application/json;api-version=7.1\r\n";

class ScriptedAzureDevOpsTest : public ::testing::Test {
 protected:
  ScriptedAzureDevOpsTest() { Start({}); }
  ~ScriptedAzureDevOpsTest() override {
    client_.reset();
    loop_.Do([&] { server_.reset(); });
  }

  void Start(const ScriptedAzureDevOps::Options& options) {
    client_.reset();
    loop_.Do([&] {
      server_.reset();
      forge_ = std::make_unique<ScriptedAzureDevOps>(options, clock_);
      server_ = HttpServer::Create({.listen = "127.0.0.1:0"}, loop_.loop(),
                                   forge_->Routes())
                    .value();
      server_->Start();
    });
    client_ = std::make_unique<TestClient>(server_->port());
  }

  TestResponse Do(const std::string& method, const std::string& path,
                  const std::string& body = "",
                  const std::string& headers = kVersion) {
    client_->Send(absl::StrCat(
        method, " ", path, " HTTP/1.1\r\nHost: forge\r\n",
        "Content-Length: ", body.size(), "\r\n", headers, "\r\n", body));
    return client_->Read().value_or(
        TestResponse{.status = -1, .headers = {}, .body = ""});
  }

  static std::string Statuses(const std::string& repository = "repo") {
    return absl::StrCat("/org/my%20proj/_apis/git/repositories/", repository,
                        "/commits/", kSha, "/statuses");
  }
  TestResponse Set(const std::string& genre, const std::string& state) {
    return Do("POST", Statuses(),
              absl::StrCat(R"({"state":")", state, R"(","context":{"name":)",
                           R"("app","genre":")", genre, R"("}})"));
  }

  static std::string Subscription() {
    return absl::StrCat(
        R"({"publisherId":"tfs","eventType":"git.push","consumerId":)",
        R"("webHooks","consumerActionId":"httpRequest","publisherInputs":)",
        R"({"projectId":")", azuredevops::ProjectId("p"), R"(","repository":")",
        azuredevops::RepositoryId("p", "r"),
        R"("},"consumerInputs":{"url":"https://hooks.example.com/",)",
        R"("basicAuthPassword":"s3cret"}})");
  }
  TestResponse Subscribe(const std::string& old = "",
                         const std::string& fresh = "") {
    const std::string body =
        old.empty() ? Subscription()
                    : absl::StrReplaceAll(Subscription(), {{old, fresh}});
    return Do("POST", "/org/_apis/hooks/subscriptions", body);
  }

  FakeClock clock_;
  LoopThread loop_;
  std::unique_ptr<ScriptedAzureDevOps> forge_;
  std::unique_ptr<HttpServer> server_;
  std::unique_ptr<TestClient> client_;
};

TEST_F(ScriptedAzureDevOpsTest, EveryStatusHasItsIdAndLatestOnlyTheNewest) {
  EXPECT_THAT(Set("fluxcd", "pending").body, HasSubstr(R"("id":1)"));
  EXPECT_THAT(Set("fluxcd", "succeeded").body, HasSubstr(R"("id":2)"));
  EXPECT_THAT(Set("ci", "failed").body, HasSubstr(R"("id":3)"));
  EXPECT_THAT(Do("GET", Statuses()).body, StartsWith(R"({"count":3,)"));
  EXPECT_THAT(Do("GET", Statuses() + "?latestOnly=true").body,
              AllOf(StartsWith(R"({"count":2,)"), Not(HasSubstr("pending"))));
  EXPECT_THAT(Do("GET", Statuses() + "?top=1&skip=1").body,
              AllOf(StartsWith(R"({"count":1,)"), HasSubstr(R"("id":2)")));
}

TEST_F(ScriptedAzureDevOpsTest, ChecksAStatus) {
  EXPECT_EQ(Set("fluxcd", "success").status, 400);
  EXPECT_EQ(Do("POST", Statuses(), R"({"state":"error"})").status, 400);
  EXPECT_EQ(Do("POST", Statuses(), "[").status, 400);
  EXPECT_EQ(Do("POST", Statuses("disabled"), "{}").status, 404);
  EXPECT_EQ(Do("GET", Statuses("disabled")).status, 404);
  const std::string nowhere =
      absl::StrReplaceAll(Statuses(), {{kSha, std::string(40, '0')}});
  EXPECT_EQ(Do("POST", nowhere, "{}").status, 404);
}

TEST_F(ScriptedAzureDevOpsTest, AWrongTokenIsSentToSignIn) {
  for (const int sign_in : {203, 302, 401}) {
    Start({.token = "t0ken", .sign_in = sign_in});
    EXPECT_EQ(Do("GET", "/org/_apis/projects").status, sign_in);
    EXPECT_EQ(Do("GET", "/org/_apis/projects", "",
                 absl::StrCat(kVersion, "Authorization: Basic ",
                              absl::Base64Escape(":t0ken"), "\r\n"))
                  .status,
              200);
  }
}

TEST_F(ScriptedAzureDevOpsTest, AsksForAVersionThatItKnows) {
  Start({.token = "", .newest_version = 5.0});
  const std::string projects = "/org/_apis/projects";
  EXPECT_EQ(Do("GET", projects, "", "").status, 400);
  EXPECT_EQ(Do("GET", projects).status, 400);
  EXPECT_EQ(Do("GET", projects + "?api-version=5.0", "", "").status, 200);
  const std::string data = "/org/_apis/connectionData?api-version=5.0";
  EXPECT_THAT(Do("GET", data, "", "").body, HasSubstr("-preview"));
  EXPECT_EQ(Do("GET", data + "-preview", "", "").status, 200);
}

TEST_F(ScriptedAzureDevOpsTest, CountsProjectsFromPageToPage) {
  loop_.Do([&] { forge_->AddRepositories(25); });
  const TestResponse first = Do("GET", "/org/_apis/projects?$top=2");
  EXPECT_THAT(first.body, StartsWith(R"({"count":2,)"));
  EXPECT_EQ(first.headers.Find("x-ms-continuationtoken"), "2");
  for (const char* next : {"$skip=2", "continuationToken=2"}) {
    const TestResponse rest =
        Do("GET", absl::StrCat("/org/_apis/projects?$top=2&", next));
    EXPECT_THAT(rest.body,
                AllOf(StartsWith(R"({"count":1,)"), HasSubstr("Project 2")));
    EXPECT_FALSE(rest.headers.Find("x-ms-continuationtoken"));
  }
  const std::string id = azuredevops::ProjectId("Project 2");
  EXPECT_THAT(
      Do("GET", absl::StrCat("/org/", id, "/_apis/git/repositories")).body,
      AllOf(StartsWith(R"({"count":5,)"), HasSubstr("repo-24")));
  EXPECT_EQ(Do("GET", "/org/Project%203/_apis/git/repositories").status, 404);
}

TEST_F(ScriptedAzureDevOpsTest, ChecksASubscription) {
  EXPECT_EQ(Subscribe().status, 200);
  EXPECT_EQ(Subscribe().status, 200) << "several of the same are welcome";
  const std::string id = azuredevops::RepositoryId("p", "r");
  EXPECT_EQ(Subscribe(id, "r").status, 400) << "no names";
  EXPECT_EQ(Subscribe(R"("s3cret")", "7").status, 400) << "texts only";
  EXPECT_EQ(Subscribe("https:", "http:").status, 400) << "a password needs TLS";
  EXPECT_EQ(Subscribe("hooks.example.com", "127.0.0.1").status, 400);
  EXPECT_EQ(Subscribe("git.push", "git.pull").status, 400);
}

TEST_F(ScriptedAzureDevOpsTest, ShowsNoPasswordAndKeepsOneThatComesMasked) {
  EXPECT_THAT(Subscribe().body,
              AllOf(HasSubstr("********"), Not(HasSubstr("s3cret"))));
  const std::string id =
      loop_.Do([&] { return forge_->hooks().all().begin()->first; });
  const std::string path = absl::StrCat("/org/_apis/hooks/subscriptions/", id);
  EXPECT_EQ(Do("PUT", path,
               absl::StrReplaceAll(Subscription(), {{"s3cret", "********"}}))
                .status,
            200);
  loop_.Do([&] {
    EXPECT_EQ(forge_->hooks()
                  .all()
                  .at(id)
                  .at("consumerInputs")
                  .at("basicAuthPassword"),
              "s3cret");
  });
  EXPECT_EQ(Do("DELETE", path).status, 204);
  EXPECT_EQ(Do("DELETE", path).status, 404);
}

TEST_F(ScriptedAzureDevOpsTest, FindsSubscriptionsByTheirInputs) {
  Subscribe();
  const std::string other = azuredevops::RepositoryId("p", "other");
  Subscribe(azuredevops::RepositoryId("p", "r"), other);
  EXPECT_THAT(Do("GET", "/org/_apis/hooks/subscriptions?publisherId=tfs").body,
              StartsWith(R"({"count":2,)"));
  EXPECT_THAT(Do("GET", "/org/_apis/hooks/subscriptions?eventType=git.x").body,
              StartsWith(R"({"count":0,)"));
  const std::string found =
      Do("POST", "/org/_apis/hooks/subscriptionsquery",
         absl::StrCat(R"({"publisherInputFilters":[{"conditions":[{"inputId":)",
                      R"("repository","operator":"equals","inputValue":")",
                      other, R"("}]}]})"))
          .body;
  EXPECT_THAT(found, HasSubstr(other));
  EXPECT_THAT(found, Not(HasSubstr(azuredevops::RepositoryId("p", "r"))));
}

TEST_F(ScriptedAzureDevOpsTest, ADelayedAnswerSaysForHowLongToStayAway) {
  loop_.Do([&] { forge_->Delay(absl::Seconds(20), 1); });
  EXPECT_EQ(Do("GET", Statuses()).headers.Find("Retry-After"), "20");
  EXPECT_FALSE(Do("GET", Statuses()).headers.Find("Retry-After"));
}

}  // namespace
}  // namespace lamplighter
