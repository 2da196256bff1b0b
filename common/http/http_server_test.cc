#include "common/http/http_server.h"

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/io_context.hpp"
#include "common/http/testing/server_fixture.h"
#include "common/http/testing/test_client.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class HttpServerTest : public ServerFixture {
 protected:
  boost::asio::awaitable<bool> StopServer(absl::Duration drain) {
    co_await server_->Stop(drain);
    co_return true;
  }
  // The status that one request on a connection of its own gets.
  int Ask(absl::string_view request) {
    TestClient client(port());
    client.Send(request);
    const auto response = client.Read();
    return response ? response->status : 0;
  }
};

TEST_F(HttpServerTest, AnswersManyRequestsOnOneConnection) {
  StartServer();
  TestClient client(port());
  for (const std::string body : {"one", "", "three"}) {
    ASSERT_TRUE(client.Post("/echo", body));
    const auto response = client.Read();
    ASSERT_TRUE(response);
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->body, body);
    EXPECT_EQ(response->headers.Find("content-type"), "text/plain");
    EXPECT_THAT(std::string(*response->headers.Find("date")),
                HasSubstr(" GMT"));
  }
}

TEST_F(HttpServerTest, GivesHandlersTheWholeRequest) {
  StartServer();
  TestClient client(port());
  client.Send(
      "GET http://test/describe/1/b%20c?q=1 HTTP/1.1\r\nHost: test\r\n"
      "X-Test: yes\r\n\r\n");
  const auto response = client.Read();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->body, "GET /describe/1/b%20c q=1 127.0.0.1 1,b%20c yes");
  EXPECT_EQ(response->headers.Find("X-Evil"), "a  b");
}

TEST_F(HttpServerTest, AnswersPipelinedRequestsInOrder) {
  StartServer();
  TestClient client(port());
  std::string all;
  for (const char* body : {"one", "two", "three"})
    absl::StrAppend(&all, "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: ",
                    strlen(body), "\r\n\r\n", body);
  ASSERT_TRUE(client.Send(all));
  EXPECT_EQ(client.Read()->body, "one");
  EXPECT_EQ(client.Read()->body, "two");
  EXPECT_EQ(client.Read()->body, "three");
}

TEST_F(HttpServerTest, AnswersHeadWithTheLengthAlone) {
  StartServer();
  TestClient client(port());
  client.Send("HEAD /describe/a/b HTTP/1.1\r\nHost: t\r\n\r\n");
  const auto response = client.Read(/*to_head=*/true);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->headers.Find("Content-Length"), "35");
  ASSERT_TRUE(client.Post("/echo", "next"));
  EXPECT_EQ(client.Read()->body, "next");
}

TEST_F(HttpServerTest, SendsNoBodyWithNoContent) {
  StartServer();
  TestClient client(port());
  client.Send("GET /nothing HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_FALSE(client.Read()->headers.Find("Content-Length"));
  ASSERT_TRUE(client.Post("/echo", "next"));
  EXPECT_EQ(client.Read()->body, "next");
}

TEST_F(HttpServerTest, ReadsLargeBodiesThatComeInPieces) {
  StartServer();
  TestClient client(port());
  const std::string body(3 << 20, 'x');
  client.Send("POST /echo HTTP/1.1\r\nHost: t\r\n");
  client.Send(absl::StrCat("Content-Length: ", body.size(), "\r\n\r\n"));
  client.Send(body);
  const auto response = client.Read();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->body, body);
}

TEST_F(HttpServerTest, JoinsChunksAndDropsTrailers) {
  StartServer();
  TestClient client(port());
  client.Send(
      "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n");
  client.Send("A;ext=1\r\n0123456789\r\n0\r\nX-Late: 1\r\n\r\n");
  EXPECT_EQ(client.Read()->body, "abc0123456789");
  ASSERT_TRUE(client.Post("/echo", "next"));
  EXPECT_EQ(client.Read()->body, "next");
}

TEST_F(HttpServerTest, ExplainsUnknownPathsAndMethods) {
  StartServer();
  TestClient client(port());
  ASSERT_TRUE(client.Post("/nowhere", "body"));
  auto response = client.Read();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->headers.Find("Content-Type"), "application/problem+json");
  EXPECT_EQ(response->body,
            "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,"
            "\"detail\":\"nothing answers at this path; check the URL\"}\n");
  client.Send("GET /echo HTTP/1.1\r\nHost: t\r\n\r\n");
  response = client.Read();
  ASSERT_TRUE(response) << "the connection stays where nothing is unread";
  EXPECT_EQ(response->status, 405);
  EXPECT_EQ(response->headers.Find("Allow"), "POST");
  EXPECT_THAT(Refused(), ElementsAre(404, 405));
}

TEST_F(HttpServerTest, RefusesABodyOneByteTooLongBeforeReadingIt) {
  options_.max_body = 100;
  StartServer();
  TestClient client(port());
  ASSERT_TRUE(client.Post("/echo", std::string(100, 'x')));
  EXPECT_EQ(client.Read()->status, 200);
  client.Send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 101\r\n\r\n");
  const auto response = client.Read();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 413);
  EXPECT_EQ(response->headers.Find("Connection"), "close");
  EXPECT_THAT(response->body, HasSubstr("at most 100 bytes"));
}

TEST_F(HttpServerTest, RefusesChunksBeyondTheLimit) {
  options_.max_body = 100;
  StartServer();
  EXPECT_EQ(Ask(absl::StrCat("POST /echo HTTP/1.1\r\nHost: t\r\n"
                             "Transfer-Encoding: chunked\r\n\r\n64\r\n",
                             std::string(100, 'x'), "\r\n1\r\n")),
            413);
}

TEST_F(HttpServerTest, LetsAClientThatIsStillSendingSeeItsRefusal) {
  options_.max_body = 100;
  StartServer();
  TestClient client(port());
  ASSERT_TRUE(client.Post("/echo", std::string(200 << 10, 'x')));
  const auto response = client.Read();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 413);
  EXPECT_TRUE(client.Closed());
}

TEST_F(HttpServerTest, RefusesHeadersBeyondTheLimit) {
  options_.max_header = 1000;
  StartServer();
  EXPECT_EQ(Ask(absl::StrCat("GET /describe/a/b HTTP/1.1\r\nHost: t\r\nX: ",
                             std::string(1000, 'x'), "\r\n\r\n")),
            431);
  TestClient client(port());
  client.Send("GET /describe/a/b HTTP/1.1\r\nHost: t\r\n");
  for (int i = 0; i < 100; ++i) client.Send("X-Many: 12345\r\n");
  EXPECT_EQ(client.Read()->status, 431);
}

TEST_F(HttpServerTest, RefusesWhatIsNotHttp) {
  StartServer();
  EXPECT_EQ(Ask("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello\r\n\r\n"),
            400);
  EXPECT_EQ(Ask("GET /describe/a/b HTTP/2.0\r\nHost: t\r\n\r\n"), 400);
  EXPECT_EQ(Ask("GET /describe/a/b HTTP/1.1\r\n\r\n"), 400) << "no Host";
  EXPECT_EQ(Ask("GET /describe/a/b HTTP/1.1\r\nHost : t\r\n\r\n"), 400);
  EXPECT_THAT(Refused(), ElementsAre(400, 400, 400, 400));
}

TEST_F(HttpServerTest, RefusesWhatLeavesOpenWhereTheBodyEnds) {
  StartServer();
  const auto post = [this](absl::string_view headers) {
    return Ask(absl::StrCat("POST /echo HTTP/1.1\r\nHost: t\r\n", headers,
                            "\r\n0\r\n\r\n"));
  };
  EXPECT_EQ(post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400);
  EXPECT_EQ(post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), 400);
  EXPECT_EQ(post("Content-Length: 5\r\nTransfer-Encoding: identity\r\n"), 400);
  EXPECT_EQ(post("Transfer-Encoding: identity\r\nContent-Length: 5\r\n"), 400);
  EXPECT_EQ(post("Content-Length: 5\r\nContent-Length: 6\r\n"), 400);
  EXPECT_EQ(post("Content-Length: -5\r\n"), 400);
  EXPECT_EQ(post("Content-Length: 99999999999999999999999\r\n"), 400);
  EXPECT_EQ(post("Transfer-Encoding: xchunked\r\n"), 501);
  EXPECT_EQ(post("Transfer-Encoding: gzip, chunked\r\n"), 501);
  EXPECT_EQ(post("Content-Length: 5\r\nContent-Length: 5\r\n"), 200);
  EXPECT_EQ(Ask("POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0"),
            400);
}

TEST_F(HttpServerTest, SendsLargeAnswersWhole) {
  StartServer();
  TestClient client(port());
  client.Send("GET /huge HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_EQ(client.Read()->body.size(), 32 << 20);
}

TEST_F(HttpServerTest, AsksForTheBodyWhereTheClientWaitsForThat) {
  StartServer();
  TestClient client(port());
  client.Send(
      "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\n"
      "Expect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.Read()->status, 100);
  client.Send("hi");
  EXPECT_EQ(client.Read()->body, "hi");
  client.Send(
      "POST /nowhere HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\n"
      "Expect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.Read()->status, 404);
}

TEST_F(HttpServerTest, RefusesMoreThanItMayHoldAtOnce) {
  options_.max_body_memory = 1000;
  StartServer();
  TestClient holder(port());
  ASSERT_TRUE(holder.Post("/wait", std::string(900, 'x')));
  ASSERT_TRUE(Entered());
  TestClient client(port());
  ASSERT_TRUE(client.Post("/echo", std::string(101, 'x')));
  const auto response = client.Read();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 503);
  EXPECT_EQ(response->headers.Find("Retry-After"), "1");
  EXPECT_EQ(Ask("POST /echo HTTP/1.1\r\nHost: t\r\n"
                "Transfer-Encoding: chunked\r\n\r\n65\r\n"),
            503);
  OpenGate();
  ASSERT_TRUE(holder.Read());
  ASSERT_TRUE(client.Post("/echo", std::string(1000, 'x')));
  EXPECT_EQ(client.Read()->status, 200) << "what was held is given back";
}

TEST_F(HttpServerTest, HidesWhatAHandlerThrew) {
  StartServer();
  TestClient client(port());
  client.Send("GET /throw HTTP/1.1\r\nHost: t\r\n\r\n");
  const auto response = client.Read();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 500);
  EXPECT_EQ(response->body.find("secret"), std::string::npos);
}

TEST_F(HttpServerTest, FinishesWorkWhoseClientHasGone) {
  StartServer();
  {
    TestClient client(port());
    ASSERT_TRUE(client.Post("/wait", "x"));
    ASSERT_TRUE(Entered());
  }
  OpenGate();
  EXPECT_TRUE(Left());
}

TEST_F(HttpServerTest, ClosesWhenAskedToAndWithOldClients) {
  StartServer();
  TestClient client(port());
  ASSERT_TRUE(client.Post("/echo", "x", "Connection: close\r\n"));
  EXPECT_EQ(client.Read()->headers.Find("Connection"), "close");
  EXPECT_TRUE(client.Closed());
  TestClient old(port());
  old.Send(
      "POST /echo HTTP/1.0\r\nContent-Length: 1\r\n"
      "Connection: keep-alive\r\n\r\nx");
  EXPECT_EQ(old.Read()->headers.Find("Connection"), "keep-alive");
  old.Send("POST /echo HTTP/1.0\r\nContent-Length: 1\r\n\r\nx");
  EXPECT_EQ(old.Read()->headers.Find("Connection"), "close");
  EXPECT_TRUE(old.Closed());
}

TEST_F(HttpServerTest, LetsConnectionsBeyondTheLimitWait) {
  options_.max_connections = 1;
  StartServer();
  auto first = std::make_unique<TestClient>(port());
  ASSERT_TRUE(first->Post("/wait", "x"));
  ASSERT_TRUE(Entered());
  TestClient second(port());
  ASSERT_TRUE(second.Post("/wait", "y"));
  OpenGate();
  ASSERT_TRUE(first->Read());
  first.reset();
  EXPECT_EQ(second.Read()->body, "y");
}

TEST_F(HttpServerTest, FinishesWhatIsUnderWayBeforeItStops) {
  StartServer();
  TestClient idle(port());
  ASSERT_TRUE(idle.Post("/echo", "x"));
  ASSERT_TRUE(idle.Read());
  TestClient busy(port());
  ASSERT_TRUE(busy.Post("/wait", "y"));
  ASSERT_TRUE(Entered());
  auto stopped = loop_.Start(StopServer(absl::Seconds(60)));
  EXPECT_TRUE(idle.Closed());
  OpenGate();
  const auto response = busy.Read();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->body, "y");
  EXPECT_EQ(response->headers.Find("Connection"), "close");
  EXPECT_TRUE(busy.Closed());
  busy.CloseSending();
  stopped.get();
}

TEST_F(HttpServerTest, ClosesWhatTakesLongerThanTheDrain) {
  StartServer();
  TestClient busy(port());
  ASSERT_TRUE(busy.Post("/wait", "y"));
  ASSERT_TRUE(Entered());
  loop_.Run(StopServer(absl::Milliseconds(10)));
  EXPECT_FALSE(busy.Read());
  OpenGate();
  EXPECT_TRUE(Left()) << "its handler still runs to its end";
}

TEST_F(HttpServerTest, SaysWhichAddressItCannotListenOn) {
  StartServer();
  boost::asio::io_context loop;
  HttpServer::Options options;
  options.listen = absl::StrCat("127.0.0.1:", port());
  EXPECT_THAT(
      HttpServer::Create(options, loop, {}),
      StatusIs(absl::StatusCode::kUnavailable, HasSubstr(options.listen)));
  for (const char* bad : {"", "8080", "127.0.0.1:", "127.0.0.1:70000",
                          "no.such.name:80", "1.2.3:80"}) {
    options.listen = bad;
    EXPECT_THAT(HttpServer::Create(options, loop, {}),
                StatusIs(absl::StatusCode::kInvalidArgument))
        << bad;
  }
}

}  // namespace
}  // namespace lamplighter
