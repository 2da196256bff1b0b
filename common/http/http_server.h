#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/io_context.hpp"
#include "common/http/http_message.h"

namespace lamplighter {

// A request, whole.
struct HttpRequest {
  std::string method;
  std::string path;   // as sent, percent-encoded, without the query
  std::string query;  // without the question mark; may be empty
  HttpHeaders headers;
  std::string body;
  std::string peer;  // address of the client, without the port
  // What the route's {name} elements matched, in their order.
  std::vector<std::string> path_params;
};

// An answer. Content-Length, Connection and Date are the server's business.
struct HttpResponse {
  int status = 200;
  std::string content_type;  // none if empty
  std::string body;
  HttpHeaders headers;
};

// An RFC 9457 problem+json answer. `title` is the status's own phrase; `detail`
// tells the sender what to do and never holds a secret.
HttpResponse Problem(int status, absl::string_view detail);

// What a server does for a path.
using HttpHandler =
    std::function<boost::asio::awaitable<HttpResponse>(HttpRequest request)>;

// One path and what answers it.
struct HttpRoute {
  // The only method answered; others get 405 with Allow. "GET" answers HEAD.
  std::string method;
  // "/a/{b}/c": each {name} matches one non-empty element, which is handed on
  // as sent, percent-encoded. A route without {name} goes before one that has
  // it; no two others may match the same path with the same method.
  std::string path;
  HttpHandler handler;
};

// An HTTP/1.1 server with keep-alive and pipelining on the process's loop.
// Answers 400 to what is not HTTP, 404 and 405 by the routes, 408 to clients
// that are too slow, 413 and 431 beyond the limits, 500 where a handler throws,
// 503 beyond `max_body_memory`, 501 to codings it does not know; all as
// problem+json. A refused request whose body has not come ends its connection.
// A handler runs to its end even if its client has gone; what handlers use must
// outlive the loop or their own time limits.
class HttpServer {
 public:
  struct Options {
    // address:port; port 0 takes a free one. The address is an IP address (IPv6
    // in brackets), localhost, or empty for all.
    std::string listen;
    size_t max_body = 25 << 20;
    size_t max_header = 256 << 10;
    // Connections beyond it wait in the kernel's backlog.
    size_t max_connections = 4096;
    // Sum of the declared or received lengths of bodies being held.
    size_t max_body_memory = 256 << 20;
    absl::Duration header_timeout = absl::Seconds(10);
    absl::Duration body_timeout = absl::Seconds(30);
    absl::Duration idle_timeout = absl::Seconds(75);
    // For a client that does not take its answer.
    absl::Duration write_timeout = absl::Seconds(30);
  };
  // Called for each request the server itself refused, with the status; not for
  // a handler that threw, which is logged.
  using OnRefused = std::function<void(int status)>;

  // Binds and listens but does not accept. `loop` must outlive the server.
  // InvalidArgument for an address that cannot be read or routes that
  // contradict each other, Unavailable (saying which) for an address that
  // cannot be bound.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Create(
      const Options& options, boost::asio::io_context& loop,
      std::vector<HttpRoute> routes, OnRefused on_refused = nullptr);

  virtual ~HttpServer() = default;

  // Begins to accept. Call once.
  virtual void Start() = 0;

  // Stops accepting, closes idle connections, lets requests that are being
  // answered finish for up to `drain`, then closes what is left.
  virtual boost::asio::awaitable<void> Stop(absl::Duration drain) = 0;

  virtual uint16_t port() const = 0;
};

}  // namespace lamplighter
