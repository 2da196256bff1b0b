#include "common/kubernetes/kubernetes_client.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/async/testing/run_sync.h"
#include "common/http/testing/fake_http_client.h"
#include "common/kubernetes/line_splitter.h"
#include "common/kubernetes/testing/fake_api_server.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

using ::absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::unique_ptr<KubernetesClient> Client(FakeHttpClient& http) {
  ClusterConfig config = FakeApiServer::Cluster();
  config.token.text = "hunter2";
  return KubernetesClient::Create({}, config, http).value();
}

TEST(KubernetesClientTest, AsksWithItsToken) {
  FakeHttpClient http;
  http.When("GET", "https://cluster.example/api").Return(Reply(200, "{}"));
  EXPECT_EQ(RunSync(Client(http)->Get("/api")).value(), "{}");
  EXPECT_EQ(http.calls()[0].headers.Find("Authorization"), "Bearer hunter2");
}

TEST(KubernetesClientTest, TellsWhatTheServerSays) {
  FakeHttpClient http;
  const auto client = Client(http);
  const auto answer = [&](int code, const std::string& body) {
    http.When("GET", HasSubstr("/x")).Return(Reply(code, body));
    return RunSync(client->Get("/x")).status();
  };
  EXPECT_THAT(answer(403, R"({"kind":"Status","message":"may not"})"),
              StatusIs(StatusCode::kPermissionDenied, "403: may not"));
  EXPECT_THAT(answer(401, "<html>"),
              StatusIs(StatusCode::kUnauthenticated, "401: no reason given"));
  EXPECT_THAT(answer(404, ""), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(answer(410, ""), StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(answer(429, ""), StatusIs(StatusCode::kResourceExhausted));
  EXPECT_THAT(answer(503, ""), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(answer(400, ""), StatusIs(StatusCode::kInvalidArgument));
}

TEST(KubernetesClientTest, GivesAWatchLineByLine) {
  FakeHttpClient http;
  http.When("GET", HasSubstr("/w")).Return([](const HttpCall& call) {
    for (const char* piece : {"on", "e\ntw", "o\n", "not whole"}) {
      EXPECT_THAT(call.on_body(piece), IsOk());
    }
    return Reply(200);
  });
  std::vector<std::string> lines;
  const absl::Status ended = RunSync(
      Client(http)->Watch("/w", absl::Seconds(1), [&](absl::string_view line) {
        lines.emplace_back(line);
        return absl::OkStatus();
      }));
  EXPECT_THAT(ended, IsOk());
  EXPECT_THAT(lines, ElementsAre("one", "two"));
}

TEST(LineSplitterTest, BoundsALine) {
  LineSplitter lines(4, [](absl::string_view) { return absl::OkStatus(); });
  EXPECT_THAT(lines.Take("abc"), IsOk());
  EXPECT_THAT(lines.Take("d\nefgh"), IsOk());
  EXPECT_THAT(lines.Take("i"), StatusIs(StatusCode::kDataLoss));
}

TEST(LineSplitterTest, StopsAtTheFirstErrorOfWhoListens) {
  int heard = 0;
  LineSplitter lines(4, [&heard](absl::string_view) {
    ++heard;
    return absl::AbortedError("enough");
  });
  EXPECT_THAT(lines.Take("a\nb\n"), StatusIs(StatusCode::kAborted));
  EXPECT_EQ(heard, 1);
}

}  // namespace
}  // namespace lamplighter
