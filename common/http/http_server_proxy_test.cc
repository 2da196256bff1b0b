// Who the client is, behind proxies.

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/http/testing/server_fixture.h"
#include "common/http/testing/test_client.h"
#include "common/http/trusted_proxies.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

constexpr absl::string_view kLine =
    "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n";
constexpr absl::string_view kLocal("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", 16);

class HttpServerProxyTest : public ServerFixture {
 protected:
  void Trust(const std::vector<std::string>& ranges) {
    options_.trusted_proxies = *TrustedProxies::Parse(ranges);
  }
  // Who the server says that a connection's first request came from; empty if
  // it was closed.
  std::string Who(absl::string_view before, absl::string_view headers = "") {
    TestClient client(port());
    client.Send(absl::StrCat(before, "GET /who HTTP/1.1\r\nHost: t\r\n",
                             headers, "\r\n"));
    const auto response = client.Read();
    return response ? response->body : "";
  }
};

TEST_F(HttpServerProxyTest, BelievesXForwardedForOfTrustedProxies) {
  Trust({"127.0.0.0/8"});
  StartServer();
  EXPECT_EQ(Who("", "X-Forwarded-For: 10.9.9.9, 192.0.2.1\r\n"), "192.0.2.1 ");
  EXPECT_EQ(Who(""), "127.0.0.1 ");
}

TEST_F(HttpServerProxyTest, BelievesXForwardedForOfNobodyElse) {
  Trust({"10.0.0.0/8"});
  StartServer();
  EXPECT_EQ(Who("", "X-Forwarded-For: 192.0.2.1\r\n"), "127.0.0.1 ");
}

TEST_F(HttpServerProxyTest, TakesNoPROXYHeaderWhereNoneIsConfigured) {
  Trust({"127.0.0.1"});
  StartServer();
  TestClient client(port());
  client.Send(absl::StrCat(kLine, "GET /who HTTP/1.1\r\nHost: t\r\n\r\n"));
  EXPECT_EQ(client.Read()->status, 400);
}

TEST_F(HttpServerProxyTest, TakesTheClientFromThePROXYHeader) {
  Trust({"127.0.0.1"});
  options_.proxy_protocol = true;
  StartServer();
  EXPECT_EQ(Who(kLine), "192.0.2.1 ");
  EXPECT_EQ(Who(kLocal), "127.0.0.1 ");
  EXPECT_EQ(Who("PROXY UNKNOWN\r\n"), "127.0.0.1 ");
  EXPECT_EQ(Who("PROXY TCP6 ::ffff:192.0.2.2 ::1 1 2\r\n"), "192.0.2.2 ");
}

TEST_F(HttpServerProxyTest, ReadsThePROXYHeaderOnceForAllRequests) {
  Trust({"127.0.0.1"});
  options_.proxy_protocol = true;
  StartServer();
  TestClient client(port());
  for (const char c : kLine) client.Send(absl::string_view(&c, 1));
  for (int i = 0; i < 2; ++i) {
    client.Send("GET /who HTTP/1.1\r\nHost: t\r\n\r\n");
    EXPECT_EQ(client.Read()->body, "192.0.2.1 ");
  }
}

TEST_F(HttpServerProxyTest, GoesOnWithXForwardedForWhereItNamesATrustedProxy) {
  Trust({"127.0.0.1", "192.0.2.0/24"});
  options_.proxy_protocol = true;
  StartServer();
  EXPECT_EQ(Who(kLine, "X-Forwarded-For: 198.51.100.9\r\n"), "198.51.100.9 ");
  EXPECT_EQ(Who("PROXY TCP4 203.0.113.1 198.51.100.1 1 2\r\n",
                "X-Forwarded-For: 198.51.100.9\r\n"),
            "203.0.113.1 ");
}

TEST_F(HttpServerProxyTest, ClosesConnectionsWithoutAPROXYHeader) {
  Trust({"127.0.0.1"});
  options_.proxy_protocol = true;
  StartServer();
  EXPECT_EQ(Who(""), "");
  EXPECT_EQ(Who("PROXY TCP9 1.1.1.1 2.2.2.2 1 2\r\n"), "");
}

TEST_F(HttpServerProxyTest, ClosesConnectionsThatAreNotFromATrustedProxy) {
  Trust({"10.0.0.0/8"});
  options_.proxy_protocol = true;
  StartServer();
  EXPECT_EQ(Who(kLine), "");
}

TEST_F(HttpServerProxyTest, ClosesConnectionsWhosePROXYHeaderIsSlow) {
  Trust({"127.0.0.1"});
  options_.proxy_protocol = true;
  options_.header_timeout = absl::Milliseconds(20);
  StartServer();
  TestClient silent(port());
  EXPECT_TRUE(silent.Closed());
  TestClient slow(port());
  slow.Send(kLine.substr(0, 20));
  EXPECT_TRUE(slow.Closed());
}

}  // namespace
}  // namespace lamplighter
