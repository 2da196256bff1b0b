#include "common/http/proxy_header.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "boost/asio/ip/address_v4.hpp"
#include "boost/asio/ip/address_v6.hpp"

namespace lamplighter {
namespace {

namespace ip = boost::asio::ip;
using State = ProxyHeader::State;

constexpr absl::string_view kText = "PROXY ";
constexpr size_t kMaxLine = 107;  // with its CRLF
constexpr absl::string_view kBinary("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr size_t kBinaryHead = 16;

// Whether `bytes` begin with `magic`, or are the beginning of it.
bool MayBe(absl::string_view magic, absl::string_view bytes) {
  return absl::StartsWith(bytes, magic) || absl::StartsWith(magic, bytes);
}

bool IsPort(absl::string_view text) {
  if (text.empty() || text.size() > 5) return false;
  int port = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    port = port * 10 + (c - '0');
  }
  return port <= 65535;
}

// The address `text`, if it is one of that version.
absl::optional<ip::address> AddressOf(absl::string_view version,
                                      absl::string_view text) {
  boost::system::error_code error;
  const ip::address address = ip::make_address(std::string(text), error);
  if (error || address.is_v4() != (version == "TCP4")) return absl::nullopt;
  return address;
}

// "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n"
ProxyHeader ParseLine(absl::string_view bytes) {
  const absl::string_view start = bytes.substr(0, kMaxLine);
  const size_t end = start.find("\r\n");
  if (end == absl::string_view::npos) {
    return {.state = start.size() < kMaxLine ? State::kPart : State::kNone};
  }
  const std::vector<absl::string_view> words =
      absl::StrSplit(start.substr(0, end), ' ');
  if (words.size() > 1 && words[1] == "UNKNOWN") {
    return {.state = State::kWhole, .size = end + 2, .client = {}};
  }
  if (words.size() != 6 || (words[1] != "TCP4" && words[1] != "TCP6") ||
      !AddressOf(words[1], words[3]) || !IsPort(words[4]) ||
      !IsPort(words[5])) {
    return {};
  }
  const auto client = AddressOf(words[1], words[2]);
  if (!client) return {};
  return {.state = State::kWhole, .size = end + 2, .client = client};
}

template <typename Address>
Address FromBytes(absl::string_view bytes) {
  typename Address::bytes_type raw;
  std::copy_n(bytes.begin(), raw.size(), raw.begin());
  return Address(raw);
}

ProxyHeader ParseBinary(absl::string_view bytes) {
  if (bytes.size() < kBinaryHead) return {.state = State::kPart};
  const auto byte = [bytes](size_t i) {
    return static_cast<unsigned char>(bytes[i]);
  };
  const int command = byte(12);
  const int family = byte(13) >> 4;
  const bool is_stream = (byte(13) & 0xf) == 1;
  const size_t length = size_t{byte(14)} << 8 | byte(15);
  constexpr int kLocal = 0x20;
  constexpr int kProxy = 0x21;
  constexpr int kIpv4 = 1;
  constexpr int kIpv6 = 2;
  if (command != kLocal && command != kProxy) return {};
  if (kBinaryHead + length > ProxyHeader::kMaxSize) return {};
  if (bytes.size() < kBinaryHead + length) return {.state = State::kPart};

  ProxyHeader header{.state = State::kWhole, .size = kBinaryHead + length};
  // What is not understood is passed over, as the protocol asks.
  if (command == kLocal || !is_stream) return header;
  const absl::string_view addresses = bytes.substr(kBinaryHead, length);
  // Both addresses and both ports.
  if (family == kIpv4) {
    if (length < 12) return {};
    header.client = FromBytes<ip::address_v4>(addresses);
  } else if (family == kIpv6) {
    if (length < 36) return {};
    header.client = FromBytes<ip::address_v6>(addresses);
  }
  return header;
}

}  // namespace

ProxyHeader ParseProxyHeader(absl::string_view bytes) {
  if (bytes.empty()) return {.state = State::kPart};
  if (MayBe(kBinary, bytes)) return ParseBinary(bytes);
  if (MayBe(kText, bytes)) return ParseLine(bytes);
  return {};
}

}  // namespace lamplighter
