#include "common/http/trusted_proxies.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "boost/asio/ip/address_v4.hpp"
#include "boost/asio/ip/address_v6.hpp"
#include "common/status/macros.h"

namespace lamplighter {
namespace {

namespace ip = boost::asio::ip;

constexpr int kMaxHops = 32;
// The longest address, with its brackets and a port.
constexpr size_t kMaxAddress = 64;

absl::optional<ip::address> ParseAddress(absl::string_view text) {
  if (text.empty() || text.size() > kMaxAddress) return absl::nullopt;
  boost::system::error_code error;
  const ip::address address = ip::make_address(std::string(text), error);
  if (error) return absl::nullopt;
  return address;
}

// "1.2.3.4", "1.2.3.4:5", "2001:db8::1", "[2001:db8::1]" and "[2001:db8::1]:5":
// proxies write all of them.
absl::optional<ip::address> ParseHop(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  if (absl::StartsWith(text, "[")) {
    const size_t end = text.find(']');
    if (end == absl::string_view::npos) return absl::nullopt;
    return ParseAddress(text.substr(1, end - 1));
  }
  if (std::count(text.begin(), text.end(), ':') == 1) {
    text = text.substr(0, text.find(':'));
  }
  return ParseAddress(text);
}

// The bytes of an address, and how many there are.
struct Bytes {
  std::array<uint8_t, 16> bytes{};
  int bits = 0;
};

Bytes BytesOf(const ip::address& address) {
  Bytes result;
  if (address.is_v4()) {
    const auto bytes = address.to_v4().to_bytes();
    std::copy(bytes.begin(), bytes.end(), result.bytes.begin());
    result.bits = 32;
  } else {
    result.bytes = address.to_v6().to_bytes();
    result.bits = 128;
  }
  return result;
}

// Whether the first `prefix` bits are the same.
bool SharePrefix(const Bytes& a, const Bytes& b, int prefix) {
  const int whole = prefix / 8;
  if (!std::equal(a.bytes.begin(), a.bytes.begin() + whole, b.bytes.begin())) {
    return false;
  }
  const int rest = prefix % 8;
  return rest == 0 || (a.bytes[whole] ^ b.bytes[whole]) >> (8 - rest) == 0;
}

// Whether all bits behind the first `prefix` are 0.
bool EndsAt(Bytes bytes, int prefix) {
  for (int bit = prefix; bit < bytes.bits; ++bit) {
    if ((bytes.bytes[bit / 8] >> (7 - bit % 8) & 1) != 0) return false;
  }
  return true;
}

}  // namespace

ip::address Unmapped(const ip::address& address) {
  if (!address.is_v6() || !address.to_v6().is_v4_mapped()) return address;
  return ip::make_address_v4(ip::v4_mapped, address.to_v6());
}

absl::StatusOr<TrustedProxies> TrustedProxies::Parse(
    const std::vector<std::string>& ranges) {
  TrustedProxies proxies;
  for (const std::string& text : ranges) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(Range range, ParseRange(text));
    proxies.ranges_.push_back(std::move(range));
  }
  return proxies;
}

absl::StatusOr<TrustedProxies::Range> TrustedProxies::ParseRange(
    const std::string& text) {
  const size_t slash = text.find('/');
  const auto address = ParseAddress(text.substr(0, slash));
  if (!address || text.find('%') != std::string::npos) {
    return absl::InvalidArgumentError(absl::StrCat(
        text, ": must be an address, or a range like 10.0.0.0/8 or fd00::/8"));
  }
  Range range{.network = *address, .prefix = BytesOf(*address).bits};
  if (slash != std::string::npos &&
      (!absl::SimpleAtoi(text.substr(slash + 1), &range.prefix) ||
       range.prefix < 0 || range.prefix > BytesOf(*address).bits)) {
    return absl::InvalidArgumentError(
        absl::StrCat(text, ": the number behind the slash must be 0 to ",
                     BytesOf(*address).bits));
  }
  if (!EndsAt(BytesOf(*address), range.prefix)) {
    return absl::InvalidArgumentError(absl::StrCat(
        text,
        ": the address has bits that the range leaves open: set them to "
        "0, or leave /",
        range.prefix, " out"));
  }
  // Addresses that are asked for have been unmapped.
  if (range.prefix >= 96 && Unmapped(range.network).is_v4() &&
      range.network.is_v6()) {
    range = {Unmapped(range.network), range.prefix - 96};
  }
  return range;
}

bool TrustedProxies::Contains(const ip::address& address) const {
  if (ranges_.empty()) return false;
  const ip::address plain = Unmapped(address);
  const Bytes bytes = BytesOf(plain);
  return std::any_of(ranges_.begin(), ranges_.end(), [&](const Range& range) {
    return range.network.is_v4() == plain.is_v4() &&
           SharePrefix(BytesOf(range.network), bytes, range.prefix);
  });
}

ip::address TrustedProxies::ClientOf(const ip::address& peer,
                                     const HttpHeaders& headers) const {
  ip::address client = peer;
  int hops = 0;
  const auto& fields = headers.fields;
  for (auto field = fields.rbegin(); field != fields.rend(); ++field) {
    if (!absl::EqualsIgnoreCase(field->first, "X-Forwarded-For")) continue;
    absl::string_view rest = field->second;
    while (!rest.empty()) {
      if (!Contains(client) || ++hops > kMaxHops) return client;
      const size_t comma = rest.rfind(',');
      const bool last = comma == absl::string_view::npos;
      const auto hop = ParseHop(last ? rest : rest.substr(comma + 1));
      if (!hop) return client;
      client = Unmapped(*hop);
      rest = last ? "" : rest.substr(0, comma);
    }
  }
  return client;
}

}  // namespace lamplighter
