#include "common/http/connection.h"

#include <algorithm>
#include <exception>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "boost/asio/buffer.hpp"
#include "boost/beast/http/error.hpp"
#include "common/http/group_place.h"
#include "common/log/log.h"
#include "common/time/clock.h"

namespace lamplighter {
namespace {

namespace asio = boost::asio;
using ::boost::asio::awaitable;
using ::boost::system::error_code;

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

// Whether it is known where the refused request's body begins and ends.
bool IsAfterHeader(int status) {
  return status == 401 || status == 404 || status == 405 || status == 429 ||
         status == 503;
}

}  // namespace

// One request, from its header to its answer.
struct Connection::Exchange {
  explicit Exchange(ServerState& state)
      : memory(state.memory),
        parser(state.options.max_header, state.options.max_body, memory),
        max_body(state.options.max_body) {}

  GroupPlace place;  // outlives the memory, which is counted there
  BodyReservation memory;
  RequestParser parser;
  RouteTable::Match match;
  size_t max_body;
  absl::optional<HttpResponse> refusal;  // the gate's
};

Connection::Connection(std::shared_ptr<ServerState> state,
                       asio::ip::tcp::socket socket,
                       const asio::ip::address& peer)
    : state_(std::move(state)), stream_(std::move(socket)) {
  SetPeer(peer);
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
  bool open = co_await connection->Open();
  while (open) open = co_await connection->ServeOne();
  if (connection->unread_ || connection->buffer_.size() > 0)
    co_await connection->Linger();
  connection->Close();
}

void Connection::CheckDeadline(absl::Duration now) {
  if (now < deadline_) return;
  if (phase_ == Phase::kHeader || phase_ == Phase::kBody) {
    timed_out_ = true;
    stream_.Cancel();
  } else {
    Close();
  }
}

void Connection::CloseIfIdle() {
  if (phase_ == Phase::kOpening || phase_ == Phase::kIdle ||
      phase_ == Phase::kLinger)
    Close();
}

void Connection::Close() {
  stream_.Close();
  if (waits_for_turn_) state_->handshake_ended.cancel();
}

void Connection::Enter(Phase phase) {
  const auto limit = [&] {
    switch (phase) {
      case Phase::kIdle:
        return state_->options.idle_timeout;
      case Phase::kOpening:
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
  Exchange exchange(*state_);
  RequestParser& parser = exchange.parser;
  int verdict = co_await ReadHeader(parser);
  if (verdict == kGoOn) verdict = Examine(exchange);
  if (verdict == kGoOn) verdict = co_await ReadBody(exchange);
  if (verdict == kGone) co_return false;
  if (verdict != kGoOn) co_return co_await Refuse(exchange, verdict);

  const bool to_head = parser.request().method == "HEAD";
  Enter(Phase::kHandler);
  HttpResponse response =
      co_await Handle(*exchange.match.route, std::move(parser.request()));
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

int Connection::Examine(Exchange& exchange) const {
  RequestParser& parser = exchange.parser;
  HttpRequest& request = parser.request();
  if (const int status = parser.CheckHeader(); status != 0) return status;
  exchange.match = state_->routes.Find(request.method, request.path);
  const HttpRoute* const route = exchange.match.route;
  if (route == nullptr) return exchange.match.allow.empty() ? 404 : 405;
  request.path_params = std::move(exchange.match.path_params);
  request.peer = peer_is_proxy_ ? state_->options.trusted_proxies
                                      .ClientOf(peer_, request.headers)
                                      .to_string()
                                : peer_name_;
  request.certificate_names = certificate_names_;
  if (route->gate == nullptr) return kGoOn;

  absl::optional<uint64_t> length;
  if (const auto declared = parser.content_length()) length = *declared;
  Admission admission = route->gate(request, length);
  if (admission.refusal) {
    exchange.refusal = std::move(admission.refusal);
    return exchange.refusal->status;
  }
  if (admission.group != nullptr)
    exchange.memory.JoinGroup(admission.group->body_bytes);
  exchange.place.Take(std::move(admission.group));
  if (admission.max_body < exchange.max_body) {
    exchange.max_body = admission.max_body;
    if (length && *length > exchange.max_body) return 413;
    parser.body_limit(exchange.max_body);
  }
  return kGoOn;
}

awaitable<int> Connection::ReadBody(Exchange& exchange) {
  RequestParser& parser = exchange.parser;
  if (parser.is_done()) co_return kGoOn;
  const auto length = parser.content_length();
  if (length && !exchange.memory.Grow(*length)) co_return 503;
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
    const auto [error, n] = co_await stream_.ReadSome(
        asio::buffer(&body[filled], body.size() - filled));
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
  const auto [error, n] =
      co_await stream_.ReadSome(buffer_.prepare(std::max(room, kLeastRead)));
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

awaitable<bool> Connection::Refuse(Exchange& exchange, int status) {
  RequestParser& parser = exchange.parser;
  HttpResponse refusal;
  if (exchange.refusal) {
    refusal = *std::move(exchange.refusal);
  } else {
    refusal = RefusalFor(status, exchange);
    if (state_->on_refused) state_->on_refused(status);
    const RequestGroup* const group = exchange.place.group();
    if (group != nullptr && group->on_refused) group->on_refused(status);
  }
  const bool skipped = IsAfterHeader(status) && SkipBody(parser);
  unread_ = !skipped;
  const bool stays = skipped && parser.keep_alive() && !state_->stopping;
  auto field = ConnectionField::kClose;
  if (stays)
    field = parser.is_http10() ? ConnectionField::kKeepAlive
                               : ConnectionField::kNone;
  const bool to_head = parser.request().method == "HEAD";
  co_return co_await Answer(std::move(refusal), field, to_head);
}

bool Connection::SkipBody(RequestParser& parser) {
  if (parser.is_done()) return true;
  const auto rest = parser.content_length_remaining();
  if (!rest || *rest > buffer_.size()) return false;
  buffer_.consume(*rest);
  return true;
}

HttpResponse Connection::RefusalFor(int status,
                                    const Exchange& exchange) const {
  const std::string& allow = exchange.match.allow;
  HttpResponse response = Problem(status, [&]() -> std::string {
    switch (status) {
      case 404:
        return "nothing answers at this path; check the URL";
      case 405:
        return absl::StrCat("this path answers ", allow, " only");
      case 408:
        return "the request did not come in time; send it again";
      case 413:
        return absl::StrCat("send at most ", exchange.max_body, " bytes");
      case 431:
        return absl::StrCat("send at most ", state_->options.max_header,
                            " bytes of header");
      case 501:
        return "send a Content-Length, or Transfer-Encoding: chunked alone";
      case 503:
        return "too much is being received at once; send it again later";
      default:
        return "this is not a valid HTTP/1.1 request";
    }
  }());
  if (status == 405) response.headers.Add("Allow", allow);
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
  ServerStream::Parts rest = {asio::buffer(out_), asio::buffer(body)};
  // Nearly always the kernel takes all of it at once, which spares a turn of
  // the loop.
  error_code error;
  size_t n = stream_.WriteNow(rest, error);
  if (error && error != asio::error::would_block) co_return false;
  if (n == out_.size() + body.size()) co_return true;
  for (asio::const_buffer& part : rest) {
    const size_t done = std::min(n, part.size());
    part += done;
    n -= done;
  }
  const auto [write_error, ignored] = co_await stream_.Write(rest);
  co_return !write_error;
}

awaitable<void> Connection::Linger() {
  Enter(Phase::kLinger);
  stream_.CloseSending();
  for (size_t left = kLingerBytes; left > 0;) {
    buffer_.clear();
    const auto [error, n] =
        co_await stream_.Discard(buffer_.prepare(kFirstRead));
    if (error) co_return;
    left -= std::min(left, n);
  }
}

}  // namespace lamplighter
