// What proxies say about a client: the PROXY header, however it is cut on its
// way, and X-Forwarded-For.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "boost/asio/ip/address.hpp"
#include "common/http/http_message.h"
#include "common/http/proxy_header.h"
#include "common/http/trusted_proxies.h"
#include "services/ingest/fuzz/expect.h"

namespace lamplighter {
namespace {

using State = ProxyHeader::State;

void CheckProxyHeader(absl::string_view bytes) {
  const ProxyHeader whole = ParseProxyHeader(bytes);
  if (whole.state == State::kPart) Expect(bytes.size() < ProxyHeader::kMaxSize);
  if (whole.state != State::kWhole) return;
  Expect(whole.size > 0);
  Expect(whole.size <= std::min(bytes.size(), ProxyHeader::kMaxSize));
  // What follows it changes nothing, and less of it is not enough.
  const ProxyHeader alone = ParseProxyHeader(bytes.substr(0, whole.size));
  Expect(alone.state == State::kWhole);
  Expect(alone.size == whole.size);
  Expect(alone.client == whole.client);
  for (size_t size = 0; size < whole.size; ++size) {
    Expect(ParseProxyHeader(bytes.substr(0, size)).state == State::kPart);
  }
}

void CheckForwardedFor(absl::string_view value) {
  static const auto* const kProxies = new TrustedProxies(
      *TrustedProxies::Parse({"10.0.0.0/8", "fd00::/8", "::1"}));
  const auto peer = boost::asio::ip::make_address_v4(0x0a000001);
  HttpHeaders headers;
  headers.Add("X-Forwarded-For", std::string(value));
  const auto client = kProxies->ClientOf(peer, headers);
  Expect(Unmapped(client) == client);
  // Who is not trusted is not asked.
  const auto stranger = boost::asio::ip::make_address_v4(0xc0000201);
  Expect(kProxies->ClientOf(stranger, headers) == stranger);
  // A client cannot hide by what it writes itself: a proxy puts the address it
  // sees behind that, and there it ends.
  headers.fields[0].second.append(", 192.0.2.1");
  Expect(kProxies->ClientOf(peer, headers) == stranger);
  // It may also be a field of its own.
  headers.fields[0].second = std::string(value);
  headers.Add("x-forwarded-for", "192.0.2.1");
  Expect(kProxies->ClientOf(peer, headers) == stranger);
}

}  // namespace
}  // namespace lamplighter

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  lamplighter::CheckProxyHeader(bytes);
  lamplighter::CheckForwardedFor(bytes);
  return 0;
}
