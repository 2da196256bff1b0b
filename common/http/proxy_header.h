#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "boost/asio/ip/address.hpp"

namespace lamplighter {

// What a proxy says about the client before the connection's own bytes: the
// PROXY protocol, version 1 (a line of text) or 2 (binary).
struct ProxyHeader {
  enum class State : uint8_t {
    kWhole,
    kPart,  // so far it may become one
    kNone   // it is none, and will not become one
  };
  // Longer ones are none. Version 2 has room for 64 KiB of things nobody asked
  // for; those of load balancers take some hundred bytes.
  static constexpr size_t kMaxSize = 4096;

  State state = State::kNone;
  // If it is whole:
  size_t size = 0;
  // None where the proxy speaks for itself (LOCAL), or does not know (UNKNOWN,
  // a UNIX socket): then the client is who the connection came from.
  absl::optional<boost::asio::ip::address> client = absl::nullopt;
};

// Reads the PROXY header that `bytes` begin with.
ProxyHeader ParseProxyHeader(absl::string_view bytes);

}  // namespace lamplighter
