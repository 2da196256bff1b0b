#include "common/app/admin_server.h"

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/http/testing/loop_thread.h"
#include "common/http/testing/test_client.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

using ::absl::StatusCode;
using ::testing::HasSubstr;

class AdminServerTest : public ::testing::Test {
 protected:
  AdminServerTest() {
    server_ = MakeAdminServer("127.0.0.1:0", loop_.loop(), health_, metrics_,
                              process_)
                  .value();
    loop_.Do([this] { server_->Start(); });
  }
  ~AdminServerTest() override {
    loop_.Run(server_->Stop(absl::ZeroDuration()));
    loop_.Do([this] { server_.reset(); });
  }

  TestResponse Get(absl::string_view path, absl::string_view method = "GET") {
    TestClient client(server_->port());
    client.Send(
        absl::StrCat(method, " ", path, " HTTP/1.1\r\nHost: test\r\n\r\n"));
    return client.Read(method == "HEAD").value_or(TestResponse{});
  }

  Health health_;
  Metrics metrics_;
  ProcessMetrics process_{metrics_, absl::UnixEpoch()};
  LoopThread loop_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(AdminServerTest, IsAliveEvenIfNotReady) {
  loop_.Do([this] { health_.SetStopping(); });
  const TestResponse response = Get("/livez");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "ok\n");
}

TEST_F(AdminServerTest, IsReadyIfHealthIs) {
  const TestResponse response = Get("/readyz");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "ok\n");
}

TEST_F(AdminServerTest, SaysWhyItIsNotReady) {
  loop_.Do([this] {
    health_.AddCheck("kafka", [] { return absl::UnavailableError("down"); });
  });
  const TestResponse response = Get("/readyz");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.body, "kafka: down\n");
}

TEST_F(AdminServerTest, ServesMetrics) {
  metrics_.AddCounters("lamplighter_test_total", "T.").Add({}).Increment();
  const TestResponse response = Get("/metrics");
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(std::string(response.headers.Find("Content-Type").value_or("")),
              HasSubstr("text/plain; version=0.0.4"));
  EXPECT_THAT(response.body, HasSubstr("lamplighter_test_total 1\n"));
  EXPECT_THAT(response.body, HasSubstr("process_resident_memory_bytes "));
}

TEST_F(AdminServerTest, SaysWhichVersionItIs) {
  const TestResponse response = Get("/version");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body,
            "{\"version\":\"0.1.0\",\"revision\":\"unknown\"}\n");
}

TEST_F(AdminServerTest, AnswersNothingElse) {
  EXPECT_EQ(Get("/").status, 404);
  EXPECT_EQ(Get("/livez", "DELETE").status, 405);
}

TEST_F(AdminServerTest, SaysWhichAddressCannotBeBound) {
  const std::string taken = absl::StrCat("127.0.0.1:", server_->port());
  EXPECT_THAT(MakeAdminServer(taken, loop_.loop(), health_, metrics_, process_),
              StatusIs(StatusCode::kUnavailable, HasSubstr(taken)));
}

}  // namespace
}  // namespace lamplighter
