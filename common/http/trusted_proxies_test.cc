#include "common/http/trusted_proxies.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "boost/asio/ip/address.hpp"
#include "common/http/http_message.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

using ::boost::asio::ip::make_address;
using ::testing::HasSubstr;

TrustedProxies Trusting(const std::vector<std::string>& ranges) {
  auto proxies = TrustedProxies::Parse(ranges);
  EXPECT_THAT(proxies, IsOk());
  return proxies.ok() ? *std::move(proxies) : TrustedProxies();
}

bool Trusts(const std::string& range, const char* address) {
  return Trusting({range}).Contains(make_address(address));
}

TEST(TrustedProxies, HoldAddressesAndRangesOfBothVersions) {
  EXPECT_TRUE(Trusts("10.1.2.3", "10.1.2.3"));
  EXPECT_FALSE(Trusts("10.1.2.3", "10.1.2.4"));
  EXPECT_TRUE(Trusts("10.0.0.0/8", "10.255.0.1"));
  EXPECT_FALSE(Trusts("10.0.0.0/8", "11.0.0.1"));
  EXPECT_TRUE(Trusts("192.168.4.0/22", "192.168.7.255"));
  EXPECT_FALSE(Trusts("192.168.4.0/22", "192.168.8.0"));
  EXPECT_TRUE(Trusts("fd00::/8", "fdff::1"));
  EXPECT_FALSE(Trusts("fd00::/8", "fe00::1"));
  EXPECT_TRUE(Trusts("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(Trusts("2001:db8::/33", "2001:db8:8000::1"));
  EXPECT_TRUE(Trusts("::1", "::1"));
  EXPECT_FALSE(TrustedProxies().Contains(make_address("127.0.0.1")));
}

TEST(TrustedProxies, TakeAMappedAddressForWhatItMaps) {
  EXPECT_TRUE(Trusts("10.0.0.0/8", "::ffff:10.1.1.1"));
  EXPECT_TRUE(Trusts("::ffff:10.0.0.0/104", "10.1.1.1"));
  EXPECT_FALSE(Trusts("::ffff:10.0.0.0/104", "11.1.1.1"));
  EXPECT_TRUE(Trusts("::ffff:10.0.0.1", "10.0.0.1"));
}

TEST(TrustedProxies, AreOfTheVersionThatTheyAreWrittenIn) {
  EXPECT_TRUE(Trusts("0.0.0.0/0", "1.2.3.4"));
  EXPECT_FALSE(Trusts("0.0.0.0/0", "::1"));
  EXPECT_TRUE(Trusts("::/0", "::1"));
  EXPECT_FALSE(Trusts("::/0", "1.2.3.4"));
}

TEST(TrustedProxies, RefuseWhatIsNoRange) {
  for (const char* bad :
       {"", "proxy", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "fd00::/129",
        "10.0.0.0/8/8", "10.0.0/8", "fe80::1%lo", "10.0.0.1/8", "fd00::1/8"}) {
    EXPECT_THAT(TrustedProxies::Parse({"10.0.0.0/8", bad}),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(bad)))
        << bad;
  }
}

std::string ClientOf(const char* peer,
                     const std::vector<std::string>& forwarded) {
  HttpHeaders headers;
  for (const std::string& value : forwarded) {
    headers.Add("x-forwarded-for", value);
    headers.Add("Via", "1.1 proxy");
  }
  return Trusting({"10.0.0.0/8", "fd00::/8"})
      .ClientOf(make_address(peer), headers)
      .to_string();
}

TEST(ClientOf, IsThePeerWhereNobodyForwarded) {
  EXPECT_EQ(ClientOf("10.0.0.1", {}), "10.0.0.1");
}

TEST(ClientOf, IsWhomTheTrustedProxyNames) {
  EXPECT_EQ(ClientOf("10.0.0.1", {"192.0.2.1"}), "192.0.2.1");
  EXPECT_EQ(ClientOf("10.0.0.1", {" 192.0.2.1:4711 "}), "192.0.2.1");
  EXPECT_EQ(ClientOf("10.0.0.1", {"2001:db8::1"}), "2001:db8::1");
  EXPECT_EQ(ClientOf("10.0.0.1", {"[2001:db8::1]"}), "2001:db8::1");
  EXPECT_EQ(ClientOf("10.0.0.1", {"[2001:db8::1]:80"}), "2001:db8::1");
  EXPECT_EQ(ClientOf("10.0.0.1", {"::ffff:192.0.2.1"}), "192.0.2.1");
  EXPECT_EQ(ClientOf("fd00::1", {"192.0.2.1"}), "192.0.2.1");
}

TEST(ClientOf, IgnoresWhatAnUntrustedPeerSays) {
  EXPECT_EQ(ClientOf("192.0.2.9", {"10.0.0.2"}), "192.0.2.9");
}

// What a client writes itself stands on the left of what proxies add.
TEST(ClientOf, GoesFromTheEndThroughTrustedProxiesOnly) {
  EXPECT_EQ(ClientOf("10.0.0.1", {"198.51.100.7, 192.0.2.1, 10.0.0.2"}),
            "192.0.2.1");
  EXPECT_EQ(ClientOf("10.0.0.1", {"198.51.100.7", "192.0.2.1,10.0.0.2"}),
            "192.0.2.1");
  EXPECT_EQ(ClientOf("10.0.0.1", {"192.0.2.1", "10.0.0.2"}), "192.0.2.1");
  EXPECT_EQ(ClientOf("10.0.0.1", {"10.0.0.3, 10.0.0.2"}), "10.0.0.3");
}

TEST(ClientOf, EndsAtWhatIsNoAddress) {
  EXPECT_EQ(ClientOf("10.0.0.1", {"192.0.2.1, unknown, 10.0.0.2"}), "10.0.0.2");
  EXPECT_EQ(ClientOf("10.0.0.1", {"192.0.2.1,, 10.0.0.2"}), "10.0.0.2");
  EXPECT_EQ(ClientOf("10.0.0.1", {"[10.0.0.2"}), "10.0.0.1");
  EXPECT_EQ(ClientOf("10.0.0.1", {std::string(1000, '1')}), "10.0.0.1");
}

TEST(ClientOf, LooksAtNoMoreThanThirtyTwoHops) {
  std::string forwarded = "192.0.2.1";
  for (int i = 0; i < 31; ++i) absl::StrAppend(&forwarded, ", 10.0.0.2");
  EXPECT_EQ(ClientOf("10.0.0.1", {forwarded}), "192.0.2.1");
  absl::StrAppend(&forwarded, ", 10.0.0.3");
  EXPECT_EQ(ClientOf("10.0.0.1", {forwarded}), "10.0.0.2");
}

}  // namespace
}  // namespace lamplighter
