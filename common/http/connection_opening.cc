// What comes before a connection's first request.

#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "boost/asio/as_tuple.hpp"
#include "boost/asio/error.hpp"
#include "boost/asio/ssl/error.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "common/http/connection.h"
#include "common/http/proxy_header.h"
#include "common/http/server_tls.h"
#include "common/http/trusted_proxies.h"
#include "common/log/log.h"

namespace lamplighter {
namespace {

namespace asio = boost::asio;
using ::boost::asio::awaitable;
using ::boost::system::error_code;

// One of the handshakes that are under way at once.
class HandshakeTurn {
 public:
  explicit HandshakeTurn(ServerState& state) : state_(state) {
    ++state_.handshakes;
  }
  HandshakeTurn(const HandshakeTurn&) = delete;
  HandshakeTurn& operator=(const HandshakeTurn&) = delete;
  ~HandshakeTurn() {
    --state_.handshakes;
    state_.handshake_ended.cancel_one();
  }

 private:
  ServerState& state_;
};

// Health checks connect and go without a word.
bool HasGone(const error_code& error) {
  return error == asio::error::eof || error == asio::error::connection_reset ||
         error == asio::error::operation_aborted ||
         error == asio::ssl::error::stream_truncated;
}

}  // namespace

void Connection::SetPeer(const asio::ip::address& peer) {
  peer_ = peer;
  peer_name_ = peer.to_string();
  peer_is_proxy_ = state_->options.trusted_proxies.Contains(peer);
}

awaitable<bool> Connection::Open() {
  const HttpServer::Options& options = state_->options;
  if (!options.proxy_protocol && options.tls == nullptr) co_return true;
  Enter(Phase::kOpening);
  if (options.proxy_protocol && !co_await ReadProxyHeader()) co_return false;
  co_return options.tls == nullptr || co_await Handshake();
}

awaitable<bool> Connection::ReadProxyHeader() {
  absl::string_view problem = "it is not from a trusted proxy";
  while (peer_is_proxy_) {
    const asio::const_buffer read = buffer_.cdata();
    const ProxyHeader header =
        ParseProxyHeader({static_cast<const char*>(read.data()), read.size()});
    if (header.state == ProxyHeader::State::kWhole) {
      buffer_.consume(header.size);
      if (header.client) SetPeer(Unmapped(*header.client));
      co_return true;
    }
    problem = "it does not begin with a PROXY header";
    if (header.state == ProxyHeader::State::kNone) break;
    if (!co_await ReadMore()) co_return false;
  }
  buffer_.clear();
  LAMPLIGHTER_LOG_EVERY_SECOND(kWarning, "connection closed")
      .With("peer", peer_name_)
      .With("because", problem);
  co_return false;
}

awaitable<bool> Connection::Handshake() {
  // Who says nothing takes no turn, and no memory for TLS.
  if (buffer_.size() == 0) co_await stream_.Readable();
  waits_for_turn_ = true;
  while (stream_.is_open() &&
         state_->handshakes >= state_->options.max_handshakes) {
    co_await state_->handshake_ended.async_wait(
        asio::as_tuple(asio::use_awaitable));
  }
  waits_for_turn_ = false;
  if (!stream_.is_open()) {
    state_->handshake_ended.cancel_one();  // it was another's turn
    co_return false;
  }
  const HandshakeTurn turn(*state_);
  const error_code error = co_await stream_.Handshake(
      state_->options.tls->Context(), buffer_.cdata());
  buffer_.clear();
  if (!error) {
    certificate_names_ = stream_.ClientNames();
    co_return true;
  }
  if (!HasGone(error)) {
    LAMPLIGHTER_LOG_EVERY_SECOND(kWarning, "TLS handshake failed")
        .With("peer", peer_name_)
        .With("cause", error.message());
  }
  co_return false;
}

}  // namespace lamplighter
