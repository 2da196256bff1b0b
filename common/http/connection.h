#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/ip/address.hpp"
#include "boost/asio/ip/tcp.hpp"
#include "boost/beast/core/flat_buffer.hpp"
#include "common/http/http_server.h"
#include "common/http/request_parser.h"
#include "common/http/response_head.h"
#include "common/http/route_table.h"
#include "common/http/server_state.h"
#include "common/http/server_stream.h"

namespace lamplighter {

// One client's connection: hears from the proxy and shakes hands where that is
// configured, then reads requests and answers them, one at a time and in order.
// The server's sweeper watches its deadline. It stands in the state's
// set of connections for as long as it lives.
class Connection {
 public:
  Connection(std::shared_ptr<ServerState> state,
             boost::asio::ip::tcp::socket socket,
             const boost::asio::ip::address& peer);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  // Returns once the connection is closed. Takes the connection along.
  static boost::asio::awaitable<void> Serve(
      std::unique_ptr<Connection> connection);

  // Ends what has taken too long: a client that is still sending its request is
  // told so, any other just loses the connection.
  void CheckDeadline(absl::Duration now);

  // Closes it if no request has begun.
  void CloseIfIdle();
  void Close();

 private:
  enum class Phase : uint8_t {
    kOpening,  // before the first request: PROXY header and handshake
    kIdle,
    kHeader,
    kBody,
    kHandler,
    kWrite,
    kLinger
  };
  // What reading came to: go on, nobody is there any more, or a status to
  // refuse with.
  static constexpr int kGoOn = 0;
  static constexpr int kGone = -1;

  struct Exchange;

  // Returns whether requests may follow.
  boost::asio::awaitable<bool> Open();
  boost::asio::awaitable<bool> ReadProxyHeader();
  boost::asio::awaitable<bool> Handshake();
  void SetPeer(const boost::asio::ip::address& peer);

  // Returns whether another request may follow.
  boost::asio::awaitable<bool> ServeOne();
  boost::asio::awaitable<int> ReadHeader(RequestParser& parser);
  // Looks at a whole header: whether there is a route, and its gate lets the
  // request pass.
  int Examine(Exchange& exchange) const;
  boost::asio::awaitable<int> ReadBody(Exchange& exchange);
  boost::asio::awaitable<int> ReadFixedBody(size_t length, std::string& body);
  boost::asio::awaitable<int> ReadChunkedBody(RequestParser& parser);
  boost::asio::awaitable<bool> ReadMore();
  boost::asio::awaitable<HttpResponse> Handle(const HttpRoute& route,
                                              HttpRequest request);
  boost::asio::awaitable<bool> Refuse(Exchange& exchange, int status);
  boost::asio::awaitable<bool> Answer(HttpResponse response,
                                      ConnectionField field, bool to_head);
  boost::asio::awaitable<bool> Write(std::string body);
  boost::asio::awaitable<void> Linger();

  void Enter(Phase phase);
  int TimedOutOrGone() const { return timed_out_ ? 408 : kGone; }
  // Drops the body of a refused request if all of it has come already.
  bool SkipBody(RequestParser& parser);
  HttpResponse RefusalFor(int status, const Exchange& exchange) const;

  const std::shared_ptr<ServerState> state_;
  ServerStream stream_;
  boost::asio::ip::address peer_;
  std::string peer_name_;
  bool peer_is_proxy_ = false;  // a trusted one
  std::vector<std::string> certificate_names_;
  boost::beast::flat_buffer buffer_;  // what has come and is not yet used
  std::string out_;
  Phase phase_ = Phase::kIdle;
  absl::Duration deadline_ = absl::InfiniteDuration();
  bool timed_out_ = false;
  bool waits_for_turn_ = false;  // to shake hands
  bool unread_ = false;  // the client may still be sending what we refused
};

}  // namespace lamplighter
