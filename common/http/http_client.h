#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/io_context.hpp"
#include "common/http/http_message.h"

namespace lamplighter {

// How to reach a server, where that takes more than its URL.
struct HttpTransport {
  std::string ca_pem;           // authorities to trust; the system's if empty
  std::string client_cert_pem;  // with client_key_pem, for servers that ask
  std::string client_key_pem;
  std::string proxy;  // http://[user:password@]host:port; none if empty
  // Believes whoever answers, and so hides nothing from somebody in between.
  bool skip_verification = false;
};

// A request to send.
struct HttpCall {
  std::string method = "GET";
  std::string url;
  HttpHeaders headers;
  std::string body;
  absl::Duration timeout = absl::Seconds(15);
  // A larger answer is cut off and reported as OutOfRange.
  size_t max_response = 8 << 20;
  // If set, it is given the body of a 2xx answer piece by piece, as it comes;
  // the result then has none, and max_response is for other answers alone. An
  // error ends the call, which returns it. Runs within the client: it must
  // neither send nor destroy.
  std::function<absl::Status(absl::string_view piece)> on_body;
  // May be null. Shared because calls under way outlive a reload of secrets.
  std::shared_ptr<const HttpTransport> transport;
};

// An answer of any status code.
struct HttpResult {
  int status = 0;
  HttpHeaders headers;
  std::string body;
};

// Sends requests. Redirects are followed within the same scheme, host and port
// only, by the same method (for other than GET and HEAD: 307 and 308 alone),
// three times at most; any other is an answer like others. A request whose kept
// connection proves to be closed, with no answer, is sent once more on another.
// Bodies that come compressed are given uncompressed.
class HttpClient {
 public:
  virtual ~HttpClient() = default;

  // Whatever answer comes, 4xx and 5xx included, or
  //   InvalidArgument     the URL, header or transport cannot be used;
  //   Unavailable         the request was surely not acted upon: no name, no
  //                       connection, no TLS, or too many requests under way;
  //   DeadlineExceeded    no whole answer came, and the request may have been
  //                       acted upon: time ran out or the connection broke;
  //   OutOfRange          the answer is larger than max_response;
  //   Cancelled           the awaiting coroutine was cancelled.
  // Messages name host and cause, never a header, a body or a query.
  virtual boost::asio::awaitable<absl::StatusOr<HttpResult>> Send(
      HttpCall call) = 0;
};

// HttpClient on libcurl's multi interface: HTTP/2 where the server has it, kept
// connections. On the process's loop only.
class CurlHttpClient {
 public:
  struct Options {
    size_t max_requests = 256;  // at once; a further one is Unavailable
    // A request that has to wait for a connection costs libcurl dearly: no
    // fewer than are usual at once.
    size_t max_connections_per_host = 64;
    std::string user_agent = "lamplighter";
  };
  // Internal if libcurl cannot be set up. `loop` must outlive the client; what
  // is under way when it is destroyed ends as Cancelled.
  static absl::StatusOr<std::unique_ptr<HttpClient>> Create(
      const Options& options, boost::asio::io_context& loop);
};

}  // namespace lamplighter
