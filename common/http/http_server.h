#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
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
#include "common/http/trusted_proxies.h"

namespace lamplighter {

class ServerTls;

// A request, whole.
struct HttpRequest {
  std::string method;
  std::string path;   // as sent, percent-encoded, without the query
  std::string query;  // without the question mark; may be empty
  HttpHeaders headers;
  std::string body;
  std::string peer;  // address of the client, without the port
  // DNS names, URIs and common names, as they stand there, of the certificate
  // that the client has shown and TLS has verified. Empty if there is none.
  std::vector<std::string> certificate_names;
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

// Requests that are counted together, as those of one sender. Its owner keeps
// one and reads it; the server alone writes.
struct RequestGroup {
  // Between their headers and their answers.
  size_t requests = 0;
  // Of their bodies; see BodyReservation::JoinGroup for how much it may be.
  size_t body_bytes = 0;
  // Called for each request of the group that the server refuses after the gate
  // has let it pass, with the status. May be null.
  std::function<void(int status)> on_refused;
};

// What a gate says of a request.
struct Admission {
  // Set to answer this instead, with the body unread.
  absl::optional<HttpResponse> refusal = absl::nullopt;
  // Set to lower the server's own limit.
  size_t max_body = std::numeric_limits<size_t>::max();
  // May be null. Shared, because requests may outlive the gate's owner.
  std::shared_ptr<RequestGroup> group = nullptr;
};

// Decides on a request by its header, before its body is read. The length is
// that which the header declares; chunks declare none.
using HttpGate = std::function<Admission(const HttpRequest& header,
                                         absl::optional<uint64_t> length)>;

// One path and what answers it.
struct HttpRoute {
  // The only method answered; others get 405 with Allow. "GET" answers HEAD.
  std::string method;
  // "/a/{b}/c": each {name} matches one non-empty element, which is handed on
  // as sent, percent-encoded. A route without {name} goes before one that has
  // it; no two others may match the same path with the same method.
  std::string path;
  HttpHandler handler;
  HttpGate gate = nullptr;  // null lets all pass
};

// An HTTP/1.1 server with keep-alive and pipelining, over TCP or TLS, on the
// process's loop.
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
    // Plain HTTP if null. `header_timeout` holds for the handshake, from the
    // moment that the connection is there. Shared by those that are made with
    // the same options.
    std::shared_ptr<ServerTls> tls = nullptr;
    // TLS handshakes at once, of clients that have begun theirs; further ones
    // wait within their time.
    size_t max_handshakes = 512;
    // Whose X-Forwarded-For is believed.
    TrustedProxies trusted_proxies = {};
    // Connections must come from a trusted proxy and begin with a PROXY header,
    // which has `header_timeout` too; others are closed.
    bool proxy_protocol = false;
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
