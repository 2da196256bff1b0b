// Clients that take their time.

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/http/testing/server_fixture.h"
#include "common/http/testing/test_client.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

using ::testing::ElementsAre;

class HttpServerSlowTest : public ServerFixture {
 protected:
  // The status that one request on a connection of its own gets.
  int Ask(absl::string_view request) {
    TestClient client(port());
    client.Send(request);
    const auto response = client.Read();
    return response ? response->status : 0;
  }
};

TEST_F(HttpServerSlowTest, GivesUpOnSlowHeaders) {
  options_.header_timeout = absl::Milliseconds(20);
  StartServer();
  TestClient client(port());
  client.Send("POST /echo HT");
  EXPECT_EQ(client.Read()->status, 408);
  EXPECT_TRUE(client.Closed());
}

TEST_F(HttpServerSlowTest, GivesUpOnSlowBodies) {
  options_.body_timeout = absl::Milliseconds(20);
  StartServer();
  EXPECT_EQ(Ask("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n\r\nx"),
            408);
  EXPECT_EQ(Ask("POST /echo HTTP/1.1\r\nHost: t\r\n"
                "Transfer-Encoding: chunked\r\n\r\n9\r\nx"),
            408);
}

TEST_F(HttpServerSlowTest, ClosesIdleConnectionsWithoutAWord) {
  options_.idle_timeout = absl::Milliseconds(20);
  StartServer();
  TestClient client(port());
  ASSERT_TRUE(client.Post("/echo", "x"));
  EXPECT_TRUE(client.Read());
  EXPECT_TRUE(client.Closed());
}

TEST_F(HttpServerSlowTest, GivesUpOnClientsThatDoNotTakeTheirAnswer) {
  options_.write_timeout = absl::Milliseconds(20);
  options_.max_connections = 1;
  StartServer();
  TestClient stuck(port());
  stuck.Send("GET /huge HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_EQ(Ask("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n\r\n"),
            200);
  EXPECT_FALSE(stuck.Read());
}

// Each byte comes in time, and all of them do not.
TEST_F(HttpServerSlowTest, GivesUpOnWhatComesByteByByte) {
  options_.header_timeout = absl::Milliseconds(20);
  options_.body_timeout = absl::Milliseconds(20);
  StartServer();
  for (const char* begin :
       {"POST /echo HTTP/1.1\r\nX-Slow: ",
        "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 99999\r\n\r\n"}) {
    TestClient client(port());
    client.Send(begin);
    // So many calls of the kernel take longer than that.
    for (int i = 0; i < 50000 && client.Send("x"); ++i) {
    }
    client.Read();  // until the server has decided
  }
  EXPECT_THAT(Refused(), ElementsAre(408, 408));
}

}  // namespace
}  // namespace lamplighter
