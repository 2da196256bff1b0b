#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "boost/asio/ip/address.hpp"
#include "common/http/http_message.h"

namespace lamplighter {

// "::ffff:10.0.0.1" is 10.0.0.1, as a socket that takes both calls it.
boost::asio::ip::address Unmapped(const boost::asio::ip::address& address);

// The proxies whose word about a client's address is taken. Empty: none.
class TrustedProxies {
 public:
  TrustedProxies() = default;

  // Of addresses ("10.1.2.3", "fd00::1") and ranges ("10.0.0.0/8", "fd00::/8").
  // InvalidArgument says which is none.
  static absl::StatusOr<TrustedProxies> Parse(
      const std::vector<std::string>& ranges);

  bool empty() const { return ranges_.empty(); }
  bool Contains(const boost::asio::ip::address& address) const;

  // Who sent a request that came from `peer`: X-Forwarded-For read from its
  // end, which the last proxy wrote, for as long as the address so far is that
  // of a trusted proxy. What is no address ends it, as do 32 of them.
  boost::asio::ip::address ClientOf(const boost::asio::ip::address& peer,
                                    const HttpHeaders& headers) const;

 private:
  struct Range {
    boost::asio::ip::address network;
    int prefix = 0;
  };

  static absl::StatusOr<Range> ParseRange(const std::string& text);

  std::vector<Range> ranges_;
};

}  // namespace lamplighter
