#include "common/kubernetes/object_watch.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "boost/json/object.hpp"
#include "common/async/testing/fake_sleeper.h"
#include "common/async/testing/run_sync.h"
#include "common/http/http_client.h"
#include "common/http/testing/fake_http_client.h"
#include "common/kubernetes/json.h"
#include "common/kubernetes/kubernetes_client.h"
#include "common/kubernetes/testing/fake_api_server.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "prometheus/counter.h"

namespace lamplighter {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::string Object(const std::string& name, int version) {
  return absl::StrCat(R"({"metadata":{"namespace":"apps","name":")", name,
                      R"(","resourceVersion":")", version, R"("}})");
}

HttpResult List(const std::vector<std::string>& items, int version,
                const std::string& next = "") {
  return Reply(200, absl::StrCat(R"({"metadata":{"resourceVersion":")", version,
                                 R"(","continue":")", next, R"("},"items":[)",
                                 absl::StrJoin(items, ","), "]}"));
}

std::string Event(const std::string& type, const std::string& object) {
  return absl::StrCat(R"({"type":")", type, R"(","object":)", object, "}\n");
}

HttpResult Refusal(int code) {
  return Reply(code, absl::StrCat(R"({"kind":"Status","code":)", code,
                                  R"(,"message":"not now"})"));
}

// A watch that says `lines` and then breaks.
auto Broken(std::string lines) {
  return [lines = std::move(lines)](
             const HttpCall& call) -> absl::StatusOr<HttpResult> {
    if (absl::Status s = call.on_body(lines); !s.ok()) return s;
    return absl::DeadlineExceededError("connection broke");
  };
}

// Writes down what it hears.
class Notes final : public ObjectListener {
 public:
  void OnListBegin() override { heard.emplace_back("begin"); }
  void OnListed() override { heard.emplace_back("listed"); }
  void OnObject(boost::json::object object) override {
    heard.push_back(TextAt(object, {"metadata", "name"}));
  }
  void OnDeleted(const boost::json::object& object) override {
    heard.push_back("-" + TextAt(object, {"metadata", "name"}));
  }
  void OnInTouch() override { ++in_touch; }
  void OnError(const absl::Status& why) override {
    errors.emplace_back(why.message());
  }

  std::vector<std::string> heard;
  int in_touch = 0;
  std::vector<std::string> errors;
};

class ObjectWatchTest : public ::testing::Test {
 protected:
  ObjectWatchTest() {
    options_.group = "notification.toolkit.fluxcd.io";
    options_.resource = "alerts";
    options_.versions = {"v1beta3", "v1beta2", "v1beta1"};
    http_.When("GET", HasSubstr("limit=")).Return(List({}, 10));
  }

  ObjectWatch& watch() {
    if (watch_ == nullptr) {
      watch_ = std::make_unique<ObjectWatch>(
          options_, *client_, sleeper_,
          WatchRestarts{.ended = ended_, .gone = gone_, .failed = failed_},
          notes_);
    }
    return *watch_;
  }
  absl::Status Step() { return RunSync(watch().Step()); }
  static boost::asio::awaitable<bool> ToItsEnd(ObjectWatch& watch) {
    co_await watch.Run();
    co_return true;
  }
  std::string last_url() const { return http_.calls().back().url; }

  FakeHttpClient http_;
  std::unique_ptr<KubernetesClient> client_ =
      KubernetesClient::Create({}, FakeApiServer::Cluster(), http_).value();
  ObjectWatch::Options options_;
  FakeSleeper sleeper_;
  prometheus::Counter ended_;
  prometheus::Counter gone_;
  prometheus::Counter failed_;
  Notes notes_;
  std::unique_ptr<ObjectWatch> watch_;
};

TEST_F(ObjectWatchTest, ListsPageByPageAndWatchesFromThere) {
  options_.namespace_ = "apps";
  options_.page = 2;
  http_.When("GET", HasSubstr("limit=2"))
      .Return(List({Object("a", 3), Object("b", 4)}, 10, "next/1"))
      .Then(List({Object("c", 5)}, 10));
  http_.When("GET", HasSubstr("watch=1"))
      .Return(Reply(200, Event("ADDED", Object("d", 11)) +
                             Event("MODIFIED", Object("a", 12)) +
                             Event("DELETED", Object("b", 13))));
  ASSERT_THAT(Step(), IsOk());
  EXPECT_THAT(notes_.heard, ElementsAre("begin", "a", "b", "c", "listed"));
  EXPECT_EQ(last_url(),
            "https://cluster.example/apis/notification.toolkit.fluxcd.io/"
            "v1beta3/namespaces/apps/alerts?limit=2&continue=next%2F1");

  notes_.heard.clear();
  ASSERT_THAT(Step(), IsOk());
  EXPECT_THAT(notes_.heard, ElementsAre("d", "a", "-b"));
  EXPECT_THAT(last_url(), AllOf(HasSubstr("resourceVersion=10&"),
                                HasSubstr("allowWatchBookmarks=true"),
                                HasSubstr("timeoutSeconds=")));
  ASSERT_THAT(Step(), IsOk());
  EXPECT_THAT(last_url(), HasSubstr("resourceVersion=13&"));
}

TEST_F(ObjectWatchTest, GoesOnWhereAWatchWasDropped) {
  http_.When("GET", HasSubstr("watch=1"))
      .Return(Broken(Event("ADDED", Object("a", 11)) + R"({"type":"ADD)"))
      .Then(Reply(200, Event("ADDED", Object("b", 12))));
  ASSERT_THAT(Step(), IsOk());
  EXPECT_THAT(Step(), StatusIs(StatusCode::kDeadlineExceeded));
  ASSERT_THAT(Step(), IsOk());
  EXPECT_THAT(last_url(), HasSubstr("resourceVersion=11&"));
  EXPECT_THAT(notes_.heard, ElementsAre("begin", "listed", "a", "b"));
}

TEST_F(ObjectWatchTest, MovesOnWithBookmarks) {
  http_.When("GET", HasSubstr("watch=1"))
      .Return(Reply(
          200, Event("BOOKMARK", R"({"metadata":{"resourceVersion":"50"}})")));
  ASSERT_THAT(Step(), IsOk());
  ASSERT_THAT(Step(), IsOk());
  EXPECT_EQ(notes_.in_touch, 1);
  ASSERT_THAT(Step(), IsOk());
  EXPECT_THAT(last_url(), HasSubstr("resourceVersion=50&"));
}

TEST_F(ObjectWatchTest, ListsAgainWhereThePlaceIsGone) {
  http_.When("GET", HasSubstr("watch=1"))
      .Return(Refusal(410))
      .Then(Reply(200, Event("ERROR", R"({"code":410,"message":"too old"})")));
  for (int i = 0; i < 2; ++i) {  // once as a status, once as an event
    ASSERT_THAT(Step(), IsOk());
    EXPECT_THAT(last_url(), HasSubstr("limit="));
    EXPECT_THAT(Step(), StatusIs(StatusCode::kFailedPrecondition));
  }
  ASSERT_THAT(Step(), IsOk());
  EXPECT_THAT(last_url(), HasSubstr("limit="));
}

TEST_F(ObjectWatchTest, KeepsItsPlaceThroughOtherErrorEvents) {
  http_.When("GET", HasSubstr("watch=1"))
      .Return(Reply(
          200, Event("ERROR", R"({"code":500,"message":"etcd is away"})")));
  ASSERT_THAT(Step(), IsOk());
  EXPECT_THAT(Step(),
              StatusIs(StatusCode::kUnavailable, HasSubstr("etcd is away")));
  EXPECT_THAT(Step(), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(last_url(), HasSubstr("resourceVersion=10&"));
}

TEST_F(ObjectWatchTest, KeepsItsPlaceThroughRefusals) {
  http_.When("GET", HasSubstr("watch=1"))
      .Return(Refusal(403))
      .Then(Refusal(401))
      .Then(Refusal(429));
  ASSERT_THAT(Step(), IsOk());
  for (const StatusCode code :
       {StatusCode::kPermissionDenied, StatusCode::kUnauthenticated,
        StatusCode::kResourceExhausted}) {
    EXPECT_THAT(Step(), StatusIs(code));
    EXPECT_THAT(last_url(), HasSubstr("resourceVersion=10&"));
  }
}

TEST_F(ObjectWatchTest, SaysWhatToGrantWhereItIsDenied) {
  options_.namespace_ = "apps";
  http_.When("GET", HasSubstr("limit=")).Return(Refusal(403));
  EXPECT_THAT(
      Step(),
      StatusIs(StatusCode::kPermissionDenied,
               "list alerts.notification.toolkit.fluxcd.io in namespace apps: "
               "403: not now: grant list and watch of alerts in API group "
               "\"notification.toolkit.fluxcd.io\" by a Role and RoleBinding "
               "in namespace apps"));
}

TEST_F(ObjectWatchTest, ListsAgainAfterWhatItCannotRead) {
  for (const std::string bad :
       {"hunter2\n", "[]\n", "{\"type\":\"ADDED\"}\n",
        "{\"type\":\"ADDED\",\"object\":{}}\n",
        "{\"type\":\"LEFT\",\"object\":{\"metadata\":{\"resourceVersion\":"
        "\"9\"}}}\n"}) {
    http_.When("GET", HasSubstr("watch=1")).Return(Reply(200, bad));
    ASSERT_THAT(Step(), IsOk());
    EXPECT_THAT(Step(), StatusIs(StatusCode::kInvalidArgument,
                                 Not(HasSubstr("hunter2"))))
        << bad;
  }
  http_.When("GET", HasSubstr("limit=")).Return(Reply(200, "{}"));
  EXPECT_THAT(Step(), StatusIs(StatusCode::kInvalidArgument,
                               HasSubstr("without items")));
}

TEST_F(ObjectWatchTest, DoesNotTakeABrokenOffListForAWholeOne) {
  http_.When("GET", HasSubstr("limit="))
      .Return(List({Object("a", 3)}, 10, "next"))
      .Then(Refusal(410))
      .Then(List({Object("b", 3)}, 10));
  EXPECT_THAT(Step(), StatusIs(StatusCode::kFailedPrecondition));
  ASSERT_THAT(Step(), IsOk());
  EXPECT_THAT(notes_.heard, ElementsAre("begin", "a", "begin", "b", "listed"));
}

TEST_F(ObjectWatchTest, AsksWhichVersionIsServedWhereTheFirstIsNot) {
  http_.When("GET", HasSubstr("/v1beta3/alerts?")).Return(Refusal(404));
  http_.When("GET", testing::EndsWith("/apis/notification.toolkit.fluxcd.io"))
      .Return(Reply(200, R"({"versions":[{"version":"v1"},
          {"version":"v1beta2"},{"version":"v1beta3"},{"version":"v1beta1"}]})"));
  http_.When("GET", testing::EndsWith("/v1beta3"))
      .Return(Reply(200, R"({"resources":[{"name":"providers"}]})"));
  http_.When("GET", testing::EndsWith("/v1beta2"))
      .Return(Reply(
          200,
          R"({"resources":[{"name":"alerts/status"},{"name":"alerts"}]})"));
  ASSERT_THAT(Step(), IsOk());
  EXPECT_THAT(last_url(), HasSubstr("/v1beta2/alerts?limit="));
}

TEST_F(ObjectWatchTest, SaysThatTheCrdsAreMissing) {
  http_.When("GET", HasSubstr("https://")).Return(Refusal(404));
  EXPECT_THAT(Step(), StatusIs(StatusCode::kNotFound,
                               HasSubstr("install Flux's CRDs")));
}

TEST_F(ObjectWatchTest, AsksForFewerWhereObjectsAreLarge) {
  options_.page = 8;
  http_.When("GET", HasSubstr("limit="))
      .Return(absl::OutOfRangeError("too large"))
      .Then(absl::OutOfRangeError("too large"))
      .Then(List({Object("a", 3)}, 10));
  ASSERT_THAT(Step(), IsOk());
  EXPECT_THAT(last_url(), HasSubstr("limit=2"));
}

TEST_F(ObjectWatchTest, WaitsLongerAfterEachFailureAndCountsThem) {
  http_.When("GET", HasSubstr("watch=1"))
      .Return(Refusal(500))
      .Then(Refusal(410))
      .Then(Broken(""))
      .Then(Reply(200, Event("ADDED", Object("a", 11))))
      .Then(Broken(""))
      .Then(absl::CancelledError("stop"));
  ASSERT_TRUE(RunSync(ToItsEnd(watch())));
  EXPECT_EQ(failed_.Value(), 3);
  EXPECT_EQ(gone_.Value(), 1);
  EXPECT_EQ(ended_.Value(), 1);
  const auto& slept = sleeper_.Slept();
  ASSERT_EQ(slept.size(), 4) << "none after the watch that ended as it should";
  const absl::Duration most[] = {absl::Seconds(1), absl::Seconds(2),
                                 absl::Seconds(4), absl::Seconds(1)};
  for (int i = 0; i < 4; ++i) {
    EXPECT_GE(slept[i], most[i] / 2) << i;
    EXPECT_LE(slept[i], most[i]) << i;
  }
  EXPECT_EQ(notes_.errors.size(), 4);
}

}  // namespace
}  // namespace lamplighter
