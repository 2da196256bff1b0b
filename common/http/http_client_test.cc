#include "common/http/http_client.h"

#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "boost/asio/bind_cancellation_slot.hpp"
#include "boost/asio/buffer.hpp"
#include "boost/asio/cancellation_signal.hpp"
#include "boost/asio/co_spawn.hpp"
#include "boost/asio/ssl.hpp"
#include "boost/asio/use_future.hpp"
#include "common/http/testing/scripted_server.h"
#include "common/http/testing/server_fixture.h"
#include "common/http/testing/test_certificate.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

namespace asio = boost::asio;
using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string Ok(absl::string_view body) {
  return absl::StrCat("HTTP/1.1 200 OK\r\nContent-Length: ", body.size(),
                      "\r\n\r\n", body);
}

HttpCall CallTo(std::string method, uint16_t port, absl::string_view path,
                std::string body = "") {
  HttpCall call;
  call.method = std::move(method);
  call.url = absl::StrCat("http://127.0.0.1:", port, path);
  call.body = std::move(body);
  return call;
}

class HttpClientTest : public ServerFixture {
 protected:
  ~HttpClientTest() override {
    OpenGate();
    loop_.Do([this] { client_.reset(); });
  }

  HttpClient& client() {
    if (client_ == nullptr)
      client_ = *CurlHttpClient::Create(client_options_, loop_.loop());
    return *client_;
  }
  absl::StatusOr<HttpResult> Send(HttpCall call) {
    return loop_.Run(client().Send(std::move(call)));
  }

  CurlHttpClient::Options client_options_;
  std::unique_ptr<HttpClient> client_;
};

TEST_F(HttpClientTest, SendsMethodHeadersAndBodyAndGivesTheAnswer) {
  StartServer();
  const auto echo = Send(CallTo("POST", port(), "/echo", "hello"));
  ASSERT_THAT(echo, IsOk());
  EXPECT_EQ(echo->status, 200);
  EXPECT_EQ(echo->body, "hello");
  EXPECT_EQ(echo->headers.Find("content-type"), "text/plain");
  HttpCall call = CallTo("GET", port(), "/describe/a/b?q");
  call.headers.Add("X-Test", "yes");
  EXPECT_EQ(Send(call)->body, "GET /describe/a/b q 127.0.0.1 a,b yes");
  EXPECT_EQ(Send(CallTo("HEAD", port(), "/describe/a/b"))->body, "");
}

TEST_F(HttpClientTest, AddsNoHeaderThatNobodyAskedFor) {
  std::string seen;
  ScriptedServer server([&](const std::string& request) {
    seen = request;
    return Ok("");
  });
  for (const char* method : {"POST", "PUT", "PATCH", "DELETE"}) {
    ASSERT_THAT(Send(CallTo(method, server.port(), "/x")), IsOk());
    EXPECT_THAT(
        seen, AllOf(HasSubstr(absl::StrCat(method, " /x HTTP/1.1")),
                    HasSubstr("User-Agent: lamplighter\r\n"),
                    Not(HasSubstr("Expect")), Not(HasSubstr("Content-Type"))));
  }
  HttpCall call =
      CallTo("POST", server.port(), "/x", std::string(2 << 20, 'x'));
  call.headers.Add("Content-Type", "application/json");
  call.headers.Add("X-Empty", "");
  ASSERT_THAT(Send(call), IsOk());
  EXPECT_THAT(seen.substr(0, 500),
              AllOf(HasSubstr("Content-Type: application/json\r\n"),
                    HasSubstr("X-Empty:"), Not(HasSubstr("Expect"))));
}

TEST_F(HttpClientTest, TakesAnyStatusForAnAnswer) {
  StartServer();
  EXPECT_EQ(Send(CallTo("GET", port(), "/nowhere"))->status, 404);
  EXPECT_EQ(Send(CallTo("GET", port(), "/throw"))->status, 500);
}

TEST_F(HttpClientTest, GivesUpWhenTimeIsOutAndDoesNotKnowTheOutcome) {
  StartServer();
  HttpCall call = CallTo("POST", port(), "/wait?secret=1", "x");
  call.timeout = absl::Milliseconds(50);
  EXPECT_THAT(Send(call), StatusIs(StatusCode::kDeadlineExceeded,
                                   AllOf(HasSubstr("127.0.0.1: "),
                                         Not(HasSubstr("secret")))));
}

TEST_F(HttpClientTest, KnowsThatNothingWasSentWhereNobodyListens) {
  uint16_t closed = 0;
  {
    ScriptedServer server([](const std::string&) { return ""; });
    closed = server.port();
  }
  EXPECT_THAT(Send(CallTo("POST", closed, "/x", "y")),
              StatusIs(StatusCode::kUnavailable, HasSubstr("127.0.0.1: ")));
  HttpCall call;
  call.url = "http://no-such-host.invalid/";
  EXPECT_THAT(Send(call), StatusIs(StatusCode::kUnavailable));
}

TEST_F(HttpClientTest, DoesNotKnowTheOutcomeWhereTheConnectionBreaks) {
  std::string answer;
  ScriptedServer server([&](const std::string&) { return answer; });
  EXPECT_THAT(Send(CallTo("POST", server.port(), "/x", "y")),
              StatusIs(StatusCode::kDeadlineExceeded));
  answer = absl::StrCat("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
                        ScriptedServer::kThenBreak);
  EXPECT_THAT(Send(CallTo("GET", server.port(), "/x")),
              StatusIs(StatusCode::kDeadlineExceeded));
}

TEST_F(HttpClientTest, DoesNotKnowTheOutcomeWhereTheAnswerIsNoHttp) {
  const ScriptedServer server(
      [](const std::string&) { return "no such thing\r\n\r\n"; });
  EXPECT_THAT(Send(CallTo("POST", server.port(), "/x", "y")),
              StatusIs(StatusCode::kDeadlineExceeded));
}

TEST_F(HttpClientTest, CutsOffLargeAnswers) {
  StartServer();
  HttpCall call = CallTo("GET", port(), "/huge");
  EXPECT_THAT(Send(call),
              StatusIs(StatusCode::kOutOfRange, HasSubstr("8388608 bytes")));
  call.max_response = 32 << 20;
  EXPECT_EQ(Send(call)->body.size(), 32 << 20);
}

TEST_F(HttpClientTest, RefusesWhatCannotBeSent) {
  HttpCall call = CallTo("GET", 1, "/");
  call.method = "GET /x HTTP/1.1\r\nEvil: yes";
  EXPECT_THAT(Send(call), StatusIs(StatusCode::kInvalidArgument));
  call = CallTo("GET", 1, "/");
  call.headers.Add("X-A", "b\r\nEvil: yes");
  EXPECT_THAT(Send(call), StatusIs(StatusCode::kInvalidArgument));
  for (const char* url : {"", "http://", "ftp://127.0.0.1/x",
                          "file:///etc/hosts", "http://a b/"}) {
    call = HttpCall();
    call.url = url;
    EXPECT_THAT(Send(call), StatusIs(StatusCode::kInvalidArgument)) << url;
  }
  auto transport = std::make_shared<HttpTransport>();
  transport->ca_pem = "no certificate";
  call = CallTo("GET", 1, "/");
  ScriptedServer server([](const std::string&) { return ""; });
  call.url = absl::StrCat("https://127.0.0.1:", server.port());
  call.transport = transport;
  EXPECT_THAT(Send(call), StatusIs(StatusCode::kInvalidArgument));
}

TEST_F(HttpClientTest, GivesABodyPieceByPieceWhereAsked) {
  ScriptedServer server([](const std::string& request) -> std::string {
    if (absl::StrContains(request, "/denied"))
      return "HTTP/1.1 403 No\r\nContent-Length: 3\r\n\r\nwhy";
    return absl::StrCat(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\none\r\n3\r\ntwo\r\n",
        ScriptedServer::kThenBreak);
  });
  std::string seen;
  HttpCall call = CallTo("GET", server.port(), "/");
  call.max_response = 4;  // counts for other answers alone
  call.on_body = [&seen](absl::string_view piece) {
    seen += std::string(piece);
    return absl::OkStatus();
  };
  EXPECT_THAT(Send(call), StatusIs(StatusCode::kDeadlineExceeded))
      << "the connection broke before the end";
  EXPECT_EQ(seen, "onetwo");

  call.url += "denied";
  const auto denied = Send(call);
  ASSERT_THAT(denied, IsOk());
  EXPECT_EQ(denied->status, 403);
  EXPECT_EQ(denied->body, "why");
  EXPECT_EQ(seen, "onetwo");
}

TEST_F(HttpClientTest, EndsACallWhoseBodyIsNotWanted) {
  ScriptedServer server([](const std::string&) { return Ok("hello"); });
  HttpCall call = CallTo("GET", server.port(), "/");
  call.on_body = [](absl::string_view /*piece*/) {
    return absl::DataLossError("no line ends");
  };
  EXPECT_THAT(Send(call), StatusIs(StatusCode::kDataLoss, "no line ends"));
}

TEST_F(HttpClientTest, FollowsRedirectsWithinAServer) {
  std::vector<std::string> seen;
  ScriptedServer server([&](const std::string& request) -> std::string {
    seen.push_back(request);
    if (absl::StrContains(request, " /new ")) return Ok("here");
    const bool get = absl::StartsWith(request, "GET");
    return absl::StrCat("HTTP/1.1 ", get ? 301 : 307,
                        " x\r\nLocation: /new\r\nContent-Length: 0\r\n\r\n");
  });
  HttpCall call = CallTo("GET", server.port(), "/old");
  call.headers.Add("Authorization", "Bearer 1");
  EXPECT_EQ(Send(call)->body, "here");
  EXPECT_THAT(seen.back(), HasSubstr("Authorization: Bearer 1"));
  EXPECT_EQ(Send(CallTo("POST", server.port(), "/old", "body"))->body, "here");
  EXPECT_THAT(seen.back(), AllOf(HasSubstr("POST /new"), HasSubstr("body")));
}

TEST_F(HttpClientTest, ReturnsRedirectsThatItMustNotFollow) {
  int elsewhere_asked = 0;
  ScriptedServer elsewhere([&](const std::string&) {
    ++elsewhere_asked;
    return Ok("");
  });
  std::string location = absl::StrCat("http://127.0.0.1:", elsewhere.port());
  int asked = 0;
  ScriptedServer server([&](const std::string&) {
    ++asked;
    return absl::StrCat("HTTP/1.1 302 x\r\nLocation: ", location,
                        "\r\nContent-Length: 0\r\n\r\n");
  });
  const auto moved = Send(CallTo("GET", server.port(), "/"));
  ASSERT_THAT(moved, IsOk());
  EXPECT_EQ(moved->status, 302);
  EXPECT_EQ(moved->headers.Find("location"), location);
  EXPECT_EQ(elsewhere_asked, 0);
  location = "/again";
  EXPECT_EQ(Send(CallTo("POST", server.port(), "/"))->status, 302)
      << "a POST must not become a GET";
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(Send(CallTo("GET", server.port(), "/"))->status, 302);
  EXPECT_EQ(asked, 2 + 4) << "three redirects at most";
}

TEST_F(HttpClientTest, EndsAsCancelledWithItsCaller) {
  StartServer();
  asio::cancellation_signal signal;
  auto result = asio::co_spawn(
      loop_.loop(), client().Send(CallTo("POST", port(), "/wait", "x")),
      asio::bind_cancellation_slot(signal.slot(), asio::use_future));
  ASSERT_TRUE(Entered());
  loop_.Do([&] { signal.emit(asio::cancellation_type::terminal); });
  EXPECT_THAT(result.get(), StatusIs(StatusCode::kCancelled));
  OpenGate();
  EXPECT_EQ(Send(CallTo("POST", port(), "/echo", "x"))->status, 200);
}

TEST_F(HttpClientTest, EndsWhatIsUnderWayWhenItIsDestroyed) {
  StartServer();
  auto result =
      loop_.Start(client().Send(CallTo("POST", port(), "/wait", "x")));
  ASSERT_TRUE(Entered());
  loop_.Do([this] { client_.reset(); });
  EXPECT_THAT(result.get(), StatusIs(StatusCode::kCancelled));
}

TEST_F(HttpClientTest, SendsManyAtOnce) {
  StartServer();
  std::vector<std::future<absl::StatusOr<HttpResult>>> results;
  for (int i = 0; i < 200; ++i)
    results.push_back(loop_.Start(
        client().Send(CallTo("POST", port(), "/echo", absl::StrCat(i)))));
  for (int i = 0; i < 200; ++i) {
    const auto result = results[i].get();
    ASSERT_THAT(result, IsOk());
    EXPECT_EQ(result->body, absl::StrCat(i));
  }
}

TEST_F(HttpClientTest, RefusesMoreThanItMaySendAtOnce) {
  client_options_.max_requests = 1;
  StartServer();
  auto first = loop_.Start(client().Send(CallTo("POST", port(), "/wait", "x")));
  ASSERT_TRUE(Entered());
  EXPECT_THAT(Send(CallTo("POST", port(), "/echo", "x")),
              StatusIs(StatusCode::kUnavailable, HasSubstr("too many")));
  OpenGate();
  EXPECT_THAT(first.get(), IsOk());
  EXPECT_THAT(Send(CallTo("POST", port(), "/echo", "x")), IsOk());
}

TEST_F(HttpClientTest, UsesAKeptConnectionAndReplacesOneThatHasGone) {
  bool last = false;
  ScriptedServer server([&](const std::string&) {
    return last ? absl::StrCat(Ok(""), ScriptedServer::kThenBreak) : Ok("");
  });
  for (int i = 0; i < 5; ++i)
    ASSERT_THAT(Send(CallTo("GET", server.port(), "/")), IsOk());
  EXPECT_EQ(server.accepted(), 1);
  last = true;
  ASSERT_THAT(Send(CallTo("GET", server.port(), "/")), IsOk());
  ASSERT_THAT(Send(CallTo("GET", server.port(), "/")), IsOk());
  EXPECT_EQ(server.accepted(), 2);
}

class HttpClientTlsTest : public HttpClientTest {
 protected:
  HttpClientTlsTest() {
    tls_.use_certificate(asio::buffer(certificate_.certificate_pem),
                         asio::ssl::context::pem);
    tls_.use_private_key(asio::buffer(certificate_.key_pem),
                         asio::ssl::context::pem);
  }
  HttpCall Call() {
    HttpCall call;
    call.url = absl::StrCat("https://127.0.0.1:", tls_server_.port());
    return call;
  }

  const TestCertificate certificate_ = MakeTestCertificate();
  asio::ssl::context tls_{asio::ssl::context::tls_server};
  ScriptedServer tls_server_{[](const std::string&) { return Ok("secure"); },
                             &tls_};
};

TEST_F(HttpClientTlsTest, TrustsOnlyTheAuthorityItWasGiven) {
  HttpCall call = Call();
  EXPECT_THAT(Send(call),
              StatusIs(StatusCode::kUnavailable, HasSubstr("certificate")));
  auto transport = std::make_shared<HttpTransport>();
  transport->ca_pem = certificate_.certificate_pem;
  call.transport = transport;
  ASSERT_THAT(Send(call), IsOk());
  EXPECT_EQ(Send(call)->body, "secure");
  EXPECT_EQ(tls_server_.accepted(), 2) << "the second one is kept";
}

TEST_F(HttpClientTlsTest, SharesNoConnectionBetweenTransports) {
  auto trusting = std::make_shared<HttpTransport>();
  trusting->ca_pem = certificate_.certificate_pem;
  auto other = std::make_shared<HttpTransport>();
  other->ca_pem = MakeTestCertificate().certificate_pem;
  HttpCall call = Call();
  call.transport = trusting;
  ASSERT_THAT(Send(call), IsOk());
  call.transport = other;
  call.timeout = absl::Milliseconds(300);
  EXPECT_THAT(Send(call), StatusIs(StatusCode::kUnavailable));
}

TEST_F(HttpClientTlsTest, BelievesWhoeverAnswersOnlyWhereTold) {
  auto transport = std::make_shared<HttpTransport>();
  transport->ca_pem = MakeTestCertificate().certificate_pem;
  transport->skip_verification = true;
  HttpCall call = Call();
  call.transport = transport;
  EXPECT_THAT(Send(call), IsOk());
}

TEST_F(HttpClientTlsTest, PresentsItsCertificateWhereAsked) {
  tls_.set_verify_mode(asio::ssl::verify_peer |
                       asio::ssl::verify_fail_if_no_peer_cert);
  tls_.add_certificate_authority(asio::buffer(certificate_.certificate_pem));
  auto transport = std::make_shared<HttpTransport>();
  transport->ca_pem = certificate_.certificate_pem;
  transport->client_cert_pem = certificate_.certificate_pem;
  transport->client_key_pem = certificate_.key_pem;
  HttpCall call = Call();
  call.transport = transport;
  EXPECT_THAT(Send(call), IsOk());
}

}  // namespace
}  // namespace lamplighter
