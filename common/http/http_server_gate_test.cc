// What a route's gate decides before a body is read.

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/http/http_server.h"
#include "common/http/testing/server_fixture.h"
#include "common/http/testing/test_client.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class HttpServerGateTest : public ServerFixture {
 protected:
  HttpServerGateTest() {
    group_->on_refused = [this](int status) { of_group_.push_back(status); };
    admission_.group = group_;
  }
  ~HttpServerGateTest() override {
    OpenGate();
    loop_.Do([this] { server_.reset(); });
  }

  size_t Requests() {
    return loop_.Do([this] { return group_->requests; });
  }
  std::vector<int> RefusedOfGroup() {
    return loop_.Do([this] { return of_group_; });
  }

  std::vector<int> of_group_;
  const std::shared_ptr<RequestGroup> group_ = std::make_shared<RequestGroup>();
};

TEST_F(HttpServerGateTest, AnswersForTheGateWithTheBodyUnread) {
  admission_.refusal = Problem(429, "slower");
  StartServer();
  TestClient client(port());
  client.Send(
      "POST /gated HTTP/1.1\r\nHost: t\r\nContent-Length: 1000000\r\n\r\n");
  const auto response = client.Read();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 429);
  EXPECT_THAT(response->body, HasSubstr("slower"));
  EXPECT_EQ(Requests(), 0u);
  EXPECT_THAT(Refused(), IsEmpty()) << "the gate knows what it refused";
}

TEST_F(HttpServerGateTest, KeepsTheConnectionWhereTheBodyHasComeAlready) {
  admission_.refusal = Problem(429, "slower");
  StartServer();
  TestClient client(port());
  ASSERT_TRUE(client.Post("/gated", "body"));
  EXPECT_EQ(client.Read()->status, 429);
  ASSERT_TRUE(client.Post("/echo", "next"));
  EXPECT_EQ(client.Read()->body, "next");
}

TEST_F(HttpServerGateTest, CountsRequestsOfAGroupUntilTheyAreAnswered) {
  StartServer();
  TestClient client(port());
  ASSERT_TRUE(client.Post("/gated", "x"));
  ASSERT_TRUE(Entered());
  EXPECT_EQ(Requests(), 1u);
  OpenGate();
  ASSERT_TRUE(client.Read());
  ASSERT_TRUE(client.Post("/echo", "after it"));
  ASSERT_TRUE(client.Read());
  EXPECT_EQ(Requests(), 0u);
}

TEST_F(HttpServerGateTest, HoldsBodiesToTheGatesLimit) {
  admission_.max_body = 10;
  StartServer();
  OpenGate();
  TestClient client(port());
  ASSERT_TRUE(client.Post("/gated", std::string(10, 'x')));
  EXPECT_EQ(client.Read()->status, 200);
  ASSERT_TRUE(client.Post("/gated", std::string(11, 'x')));
  EXPECT_THAT(client.Read()->body, HasSubstr("at most 10 bytes"));
  TestClient chunks(port());
  chunks.Send(
      "POST /gated HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
      "6\r\n123456\r\n5\r\n12345\r\n0\r\n\r\n");
  EXPECT_EQ(chunks.Read()->status, 413);
  EXPECT_THAT(RefusedOfGroup(), ElementsAre(413, 413));
}

// The rest is for others, however little of it they use.
TEST_F(HttpServerGateTest, GivesAGroupNoMoreMemoryThanItLeaves) {
  options_.max_body_memory = 1000;
  StartServer();
  TestClient first(port());
  ASSERT_TRUE(first.Post("/gated", std::string(400, 'x')));
  ASSERT_TRUE(Entered());
  TestClient second(port());
  ASSERT_TRUE(second.Post("/gated", std::string(201, 'x')));
  EXPECT_EQ(second.Read()->status, 503);
  EXPECT_THAT(RefusedOfGroup(), ElementsAre(503));
  TestClient other(port());
  ASSERT_TRUE(other.Post("/echo", std::string(600, 'x')));
  EXPECT_EQ(other.Read()->status, 200);
  OpenGate();
  ASSERT_TRUE(first.Read());
  ASSERT_TRUE(second.Post("/gated", std::string(500, 'x')));
  EXPECT_EQ(second.Read()->status, 200) << "what was held is given back";
}

}  // namespace
}  // namespace lamplighter
