#pragma once

#include <cstdint>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "boost/asio/io_context.hpp"
#include "boost/asio/ip/tcp.hpp"
#include "boost/asio/steady_timer.hpp"
#include "common/http/body_memory.h"
#include "common/http/http_server.h"
#include "common/http/route_table.h"

namespace lamplighter {

class Connection;

// What a server and its connections share; shared, because handlers that are
// running when the server is destroyed go on.
struct ServerState {
  ServerState(const HttpServer::Options& options, boost::asio::io_context& loop,
              RouteTable routes, HttpServer::OnRefused on_refused)
      : options(options),
        routes(std::move(routes)),
        on_refused(std::move(on_refused)),
        acceptor(loop),
        sweep(loop),
        room(loop),
        drained(loop),
        handshake_ended(loop, boost::asio::steady_timer::time_point::max()) {
    memory.limit = options.max_body_memory;
  }

  // The Date field's value, made once a second.
  absl::string_view Date();

  const HttpServer::Options options;
  const RouteTable routes;
  const HttpServer::OnRefused on_refused;
  boost::asio::ip::tcp::acceptor acceptor;
  BodyMemory memory;
  absl::flat_hash_set<Connection*> connections;
  bool stopping = false;
  // Closes what is past its deadline; runs while there are connections.
  boost::asio::steady_timer sweep;
  bool sweeping = false;
  // Ends early when a connection ends (`room`), or the last (`drained`).
  boost::asio::steady_timer room;
  boost::asio::steady_timer drained;
  // Those that are under way; those that wait for one to end wait for the
  // timer, which never runs out, to be cancelled.
  size_t handshakes = 0;
  boost::asio::steady_timer handshake_ended;

 private:
  std::string date_;
  int64_t date_second_ = 0;
};

}  // namespace lamplighter
