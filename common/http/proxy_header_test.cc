#include "common/http/proxy_header.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

using State = ProxyHeader::State;

// The client that `bytes` name; "local" where they name none, "part" and "none"
// where they are no whole header.
std::string Read(absl::string_view bytes) {
  const ProxyHeader header = ParseProxyHeader(bytes);
  if (header.state == State::kPart) return "part";
  if (header.state == State::kNone) return "none";
  return header.client ? header.client->to_string() : "local";
}

// A header of version 2, from the byte of its command on.
std::string Binary(absl::string_view command_and_family,
                   absl::string_view rest) {
  std::string bytes("\r\n\r\n\0\r\nQUIT\n", 12);
  absl::StrAppend(&bytes, command_and_family);
  bytes.push_back(static_cast<char>(rest.size() >> 8));
  bytes.push_back(static_cast<char>(rest.size() & 0xff));
  return absl::StrCat(bytes, rest);
}

constexpr absl::string_view kAddresses4(
    "\xc0\x00\x02\x01\x0a\x00\x00\x01"
    "\x12\x34\x01\xbb",
    12);
const std::string& Addresses6() {
  static const auto* const kAddresses = new std::string(absl::StrCat(
      absl::string_view("\x20\x01\x0d\xb8", 4), std::string(11, '\0'), "\x01",
      std::string(16, '\0'), "1234"));
  return *kAddresses;
}

TEST(ProxyHeader, ReadsALine) {
  const std::string line = "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n";
  EXPECT_EQ(Read(line), "192.0.2.1");
  EXPECT_EQ(ParseProxyHeader(absl::StrCat(line, "GET /")).size, line.size());
  EXPECT_EQ(Read("PROXY TCP6 2001:db8::1 ::1 1 65535\r\n"), "2001:db8::1");
}

TEST(ProxyHeader, LeavesTheClientOpenWhereTheProxyDoesNotKnow) {
  EXPECT_EQ(Read("PROXY UNKNOWN\r\n"), "local");
  EXPECT_EQ(Read("PROXY UNKNOWN ffff::1 ::1 1 2\r\n"), "local");
}

TEST(ProxyHeader, RefusesLinesThatAreNotWellFormed) {
  for (const char* bad :
       {"PROXY\r\n", "PROXY \r\n", "PROXY TCP5 1.1.1.1 2.2.2.2 1 2\r\n",
        "PROXY TCP4 1.1.1.1 2.2.2.2 1\r\n",
        "PROXY TCP4 1.1.1.1 2.2.2.2 1 2 3\r\n",
        "PROXY TCP4  1.1.1.1 2.2.2.2 1 2\r\n", "PROXY TCP4 ::1 ::1 1 2\r\n",
        "PROXY TCP6 1.1.1.1 2.2.2.2 1 2\r\n",
        "PROXY TCP4 1.1.1.1 2.2.2 1 2\r\n",
        "PROXY TCP4 1.1.1.1 2.2.2.2 1 65536\r\n",
        "PROXY TCP4 1.1.1.1 2.2.2.2 -1 2\r\n",
        "PROXY TCP4 1.1.1.1 2.2.2.2 1 x\r\n",
        "proxy TCP4 1.1.1.1 2.2.2.2 1 2\r\n", "GET / HTTP/1.1\r\n",
        "\x16\x03"}) {
    EXPECT_EQ(Read(bad), "none") << bad;
  }
}

TEST(ProxyHeader, WaitsForTheRest) {
  const std::string line = "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n";
  const std::string binary = Binary("\x21\x11", kAddresses4);
  for (const std::string& header : {line, binary}) {
    for (size_t size = 0; size < header.size(); ++size) {
      EXPECT_EQ(Read(header.substr(0, size)), "part") << size;
    }
  }
}

TEST(ProxyHeader, GivesUpOnALineThatDoesNotEnd) {
  const std::string line = absl::StrCat("PROXY UNKNOWN ", std::string(93, 'x'));
  EXPECT_EQ(Read(line.substr(0, 106)), "part");
  EXPECT_EQ(Read(line), "none");
}

TEST(ProxyHeader, ReadsTheBinaryForm) {
  const std::string header = Binary("\x21\x11", kAddresses4);
  EXPECT_EQ(Read(header), "192.0.2.1");
  EXPECT_EQ(ParseProxyHeader(absl::StrCat(header, "GET /")).size, 28u);
  EXPECT_EQ(Read(Binary("\x21\x21", Addresses6())), "2001:db8::1");
}

TEST(ProxyHeader, PassesOverWhatElseTheBinaryFormSays) {
  const std::string header =
      Binary("\x21\x11", absl::StrCat(kAddresses4, std::string(500, 'x')));
  EXPECT_EQ(Read(header), "192.0.2.1");
  EXPECT_EQ(ParseProxyHeader(header).size, header.size());
}

TEST(ProxyHeader, LeavesTheClientOpenInLocalAndUnknownConnections) {
  EXPECT_EQ(Read(Binary(absl::string_view("\x20\x00", 2), "")), "local");
  EXPECT_EQ(Read(Binary("\x20\x11", kAddresses4)), "local") << "a health check";
  EXPECT_EQ(Read(Binary(absl::string_view("\x21\x00", 2), "")), "local");
  EXPECT_EQ(Read(Binary("\x21\x31", std::string(216, 'x'))), "local") << "UNIX";
  EXPECT_EQ(Read(Binary("\x21\x12", kAddresses4)), "local") << "UDP";
}

TEST(ProxyHeader, RefusesBinaryHeadersThatAreNotWellFormed) {
  EXPECT_EQ(Read(Binary("\x11\x11", kAddresses4)), "none") << "version 1";
  EXPECT_EQ(Read(Binary("\x22\x11", kAddresses4)), "none") << "no command";
  EXPECT_EQ(Read(Binary("\x21\x11", kAddresses4.substr(0, 11))), "none");
  EXPECT_EQ(Read(Binary("\x21\x21", Addresses6().substr(0, 35))), "none");
}

TEST(ProxyHeader, RefusesALongBinaryHeaderBeforeItHasCome) {
  const std::string longest = Binary("\x21\x11", std::string(4080, '\0'));
  EXPECT_EQ(longest.size(), ProxyHeader::kMaxSize);
  EXPECT_EQ(Read(longest), "0.0.0.0");
  EXPECT_EQ(Read(Binary("\x21\x11", std::string(4081, '\0')).substr(0, 16)),
            "none");
}

}  // namespace
}  // namespace lamplighter
