#include "common/http/connection.h"

#include <algorithm>
#include <array>
#include <exception>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "boost/asio/as_tuple.hpp"
#include "boost/asio/buffer.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "boost/asio/write.hpp"
#include "boost/beast/http/error.hpp"
#include "common/log/log.h"
#include "common/time/clock.h"

namespace lamplighter {
namespace {

namespace asio = boost::asio;
using ::boost::asio::awaitable;
using ::boost::system::error_code;

constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);

// A header and the body of most webhooks, in one read.
constexpr size_t kFirstRead = 16 << 10;
constexpr size_t kLeastRead = 4 << 10;
// A larger one, from a larger header, is not kept between requests.
constexpr size_t kKeptBuffer = 4 * kFirstRead;
constexpr size_t kBodyStep = 256 << 10;
// Up to here an answer's body is copied behind its header.
constexpr size_t kSmallBody = 16 << 10;
// What a refused client may still send before it has to look at the answer.
constexpr size_t kLingerBytes = 256 << 10;
constexpr absl::Duration kLingerTime = absl::Seconds(2);

}  // namespace

Connection::Connection(std::shared_ptr<ServerState> state,
                       asio::ip::tcp::socket socket, std::string peer)
    : state_(std::move(state)),
      socket_(std::move(socket)),
      peer_(std::move(peer)) {
  error_code ignored;  // they only make it faster
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  socket_.non_blocking(true, ignored);
  buffer_.reserve(kFirstRead);
  state_->connections.insert(this);
}

Connection::~Connection() {
  state_->connections.erase(this);
  state_->room.cancel();
  if (!state_->connections.empty()) return;
  state_->drained.cancel();
  state_->sweep.cancel();
}

awaitable<void> Connection::Serve(std::unique_ptr<Connection> connection) {
  while (co_await connection->ServeOne()) {
  }
  if (connection->unread_ || connection->buffer_.size() > 0)
    co_await connection->Linger();
  connection->Close();
}

void Connection::CheckDeadline(absl::Duration now) {
  if (now < deadline_) return;
  if (phase_ == Phase::kHeader || phase_ == Phase::kBody) {
    timed_out_ = true;
    error_code ignored;
    socket_.cancel(ignored);
  } else {
    Close();
  }
}

void Connection::CloseIfIdle() {
  if (phase_ == Phase::kIdle || phase_ == Phase::kLinger) Close();
}

void Connection::Close() {
  error_code ignored;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
  socket_.close(ignored);
}

void Connection::Enter(Phase phase) {
  const auto limit = [&] {
    switch (phase) {
      case Phase::kIdle:
        return state_->options.idle_timeout;
      case Phase::kHeader:
        return state_->options.header_timeout;
      case Phase::kBody:
        return state_->options.body_timeout;
      case Phase::kWrite:
        return state_->options.write_timeout;
      case Phase::kLinger:
        return kLingerTime;
      case Phase::kHandler:
        break;
    }
    return absl::InfiniteDuration();
  }();
  phase_ = phase;
  timed_out_ = false;
  deadline_ =
      phase == Phase::kHandler ? limit : Clock::System().MonotonicNow() + limit;
}

awaitable<bool> Connection::ServeOne() {
  BodyReservation memory(state_->memory);
  RequestParser parser(state_->options.max_header, state_->options.max_body,
                       memory);
  int verdict = co_await ReadHeader(parser);
  RouteTable::Match match;
  if (verdict == kGoOn) verdict = parser.CheckHeader();
  if (verdict == kGoOn) {
    match = state_->routes.Find(parser.request().method, parser.request().path);
    if (match.route == nullptr) verdict = match.allow.empty() ? 404 : 405;
  }
  if (verdict == kGoOn) verdict = co_await ReadBody(parser, memory);
  if (verdict == kGone) co_return false;
  if (verdict != kGoOn)
    co_return co_await Refuse(parser, verdict, std::move(match.allow));

  HttpRequest& request = parser.request();
  const bool to_head = request.method == "HEAD";
  request.peer = peer_;
  request.path_params = std::move(match.path_params);
  Enter(Phase::kHandler);
  HttpResponse response = co_await Handle(*match.route, std::move(request));
  auto field = ConnectionField::kNone;
  if (!parser.keep_alive() || state_->stopping) {
    field = ConnectionField::kClose;
    // The client did not expect it and may have sent its next request.
    unread_ = parser.keep_alive();
  } else if (parser.is_http10()) {
    field = ConnectionField::kKeepAlive;
  }
  co_return co_await Answer(std::move(response), field, to_head);
}

awaitable<int> Connection::ReadHeader(RequestParser& parser) {
  Enter(buffer_.size() > 0 ? Phase::kHeader : Phase::kIdle);
  if (buffer_.size() == 0 && buffer_.capacity() > kKeptBuffer) {
    buffer_.shrink_to_fit();
    buffer_.reserve(kFirstRead);
  }
  size_t used = 0;
  for (;;) {
    if (buffer_.size() > 0) {
      error_code error;
      const size_t n = parser.put(buffer_.cdata(), error);
      buffer_.consume(n);
      used += n;
      if (error && error != boost::beast::http::error::need_more)
        co_return parser.StatusFor(error);
      // Beast's own limit starts anew with each put().
      if (used + (error ? buffer_.size() : 0) > state_->options.max_header)
        co_return 431;
      if (!error) co_return kGoOn;
    }
    if (!co_await ReadMore()) co_return TimedOutOrGone();
    if (phase_ == Phase::kIdle) Enter(Phase::kHeader);
  }
}

awaitable<int> Connection::ReadBody(RequestParser& parser,
                                    BodyReservation& memory) {
  if (parser.is_done()) co_return kGoOn;
  const auto length = parser.content_length();
  if (length && !memory.Grow(*length)) co_return 503;
  if (parser.expects_continue() && buffer_.size() == 0) {
    Enter(Phase::kWrite);
    out_ = "HTTP/1.1 100 Continue\r\n\r\n";
    if (!co_await Write("")) co_return kGone;
  }
  if (length) co_return co_await ReadFixedBody(*length, parser.request().body);
  co_return co_await ReadChunkedBody(parser);
}

awaitable<int> Connection::ReadFixedBody(size_t length, std::string& body) {
  size_t filled = std::min(length, buffer_.size());
  body.reserve(length);
  body.assign(static_cast<const char*>(buffer_.cdata().data()), filled);
  buffer_.consume(filled);
  if (filled < length) Enter(Phase::kBody);
  while (filled < length) {
    // Step by step: memory is used as bytes come, not as they are announced.
    if (filled == body.size())
      body.resize(std::min(length, filled + kBodyStep));
    const auto [error, n] = co_await socket_.async_read_some(
        asio::buffer(&body[filled], body.size() - filled), kAsTuple);
    if (error) co_return TimedOutOrGone();
    filled += n;
  }
  co_return kGoOn;
}

awaitable<int> Connection::ReadChunkedBody(RequestParser& parser) {
  Enter(Phase::kBody);
  parser.eager(true);
  for (;;) {
    error_code error;
    if (buffer_.size() > 0) buffer_.consume(parser.put(buffer_.cdata(), error));
    if (parser.is_done()) co_return kGoOn;
    if (error && error != boost::beast::http::error::need_more)
      co_return parser.StatusFor(error);
    // Chunk extensions and trailers are held to the header's limit.
    if (buffer_.size() > state_->options.max_header) co_return 431;
    if (!co_await ReadMore()) co_return TimedOutOrGone();
  }
}

awaitable<bool> Connection::ReadMore() {
  const size_t room = buffer_.capacity() - buffer_.size();
  const auto [error, n] = co_await socket_.async_read_some(
      buffer_.prepare(std::max(room, kLeastRead)), kAsTuple);
  buffer_.commit(n);
  co_return !error;
}

awaitable<HttpResponse> Connection::Handle(const HttpRoute& route,
                                           HttpRequest request) {
  std::string what;
  try {
    co_return co_await route.handler(std::move(request));
  } catch (const std::exception& exception) {
    what = exception.what();
  } catch (...) {
    what = "unknown exception";
  }
  LAMPLIGHTER_LOG_EVERY_SECOND(kError, "http handler threw")
      .With("route", route.path)
      .With("what", what);
  co_return Problem(500, "an error of the server's own; its log has more");
}

awaitable<bool> Connection::Refuse(RequestParser& parser, int status,
                                   std::string allow) {
  if (state_->on_refused) state_->on_refused(status);
  const bool skipped =
      (status == 404 || status == 405 || status == 503) && SkipBody(parser);
  unread_ = !skipped;
  const bool stays = skipped && parser.keep_alive() && !state_->stopping;
  auto field = ConnectionField::kClose;
  if (stays)
    field = parser.is_http10() ? ConnectionField::kKeepAlive
                               : ConnectionField::kNone;
  const bool to_head = parser.request().method == "HEAD";
  co_return co_await Answer(RefusalFor(status, std::move(allow)), field,
                            to_head);
}

bool Connection::SkipBody(RequestParser& parser) {
  if (parser.is_done()) return true;
  const auto rest = parser.content_length_remaining();
  if (!rest || *rest > buffer_.size()) return false;
  buffer_.consume(*rest);
  return true;
}

HttpResponse Connection::RefusalFor(int status, std::string allow) const {
  const HttpServer::Options& options = state_->options;
  HttpResponse response = Problem(status, [&]() -> std::string {
    switch (status) {
      case 404:
        return "nothing answers at this path; check the URL";
      case 405:
        return absl::StrCat("this path answers ", allow, " only");
      case 408:
        return "the request did not come in time; send it again";
      case 413:
        return absl::StrCat("send at most ", options.max_body, " bytes");
      case 431:
        return absl::StrCat("send at most ", options.max_header,
                            " bytes of header");
      case 501:
        return "send a Content-Length, or Transfer-Encoding: chunked alone";
      case 503:
        return "too much is being received at once; send it again later";
      default:
        return "this is not a valid HTTP/1.1 request";
    }
  }());
  if (status == 405) response.headers.Add("Allow", std::move(allow));
  if (status == 503) response.headers.Add("Retry-After", "1");
  return response;
}

awaitable<bool> Connection::Answer(HttpResponse response, ConnectionField field,
                                   bool to_head) {
  Enter(Phase::kWrite);
  out_.clear();
  AppendResponseHead(response, field, state_->Date(), out_);
  // A 204 or 304 has no body; one would be read as the next answer.
  if (to_head || response.status == 204 || response.status == 304)
    response.body.clear();
  if (response.body.size() <= kSmallBody) {
    out_ += response.body;
    response.body.clear();
  }
  const bool written = co_await Write(std::move(response.body));
  if (!written) unread_ = false;
  co_return written&& field != ConnectionField::kClose;
}

awaitable<bool> Connection::Write(std::string body) {
  std::array<asio::const_buffer, 2> rest = {asio::buffer(out_),
                                            asio::buffer(body)};
  // Nearly always the kernel takes all of it at once, which spares a turn of
  // the loop.
  error_code error;
  size_t n = socket_.write_some(rest, error);
  if (error && error != asio::error::would_block) co_return false;
  if (n == out_.size() + body.size()) co_return true;
  for (asio::const_buffer& part : rest) {
    const size_t done = std::min(n, part.size());
    part += done;
    n -= done;
  }
  const auto [write_error, ignored] =
      co_await asio::async_write(socket_, rest, kAsTuple);
  co_return !write_error;
}

awaitable<void> Connection::Linger() {
  Enter(Phase::kLinger);
  error_code ignored;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  for (size_t left = kLingerBytes; left > 0;) {
    buffer_.clear();
    if (!co_await ReadMore()) co_return;
    left -= std::min(left, buffer_.size());
  }
}

}  // namespace lamplighter
