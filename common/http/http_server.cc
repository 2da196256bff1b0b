#include "common/http/http_server.h"

#include <algorithm>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "boost/asio/as_tuple.hpp"
#include "boost/asio/co_spawn.hpp"
#include "boost/asio/ip/tcp.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "common/http/connection.h"
#include "common/http/route_table.h"
#include "common/http/server_state.h"
#include "common/http/trusted_proxies.h"
#include "common/log/log.h"
#include "common/status/macros.h"
#include "common/time/clock.h"

namespace lamplighter {

absl::string_view ServerState::Date() {
  const absl::Time now = Clock::System().Now();
  const int64_t second = absl::ToUnixSeconds(now);
  if (second != date_second_) {
    date_second_ = second;
    date_ = absl::FormatTime("%a, %d %b %E4Y %H:%M:%S GMT", now,
                             absl::UTCTimeZone());
  }
  return date_;
}

namespace {

namespace asio = boost::asio;
using ::boost::asio::awaitable;
using ::boost::asio::ip::tcp;
using ::boost::system::error_code;

constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);
// What keeps accept from working (no descriptors left) takes time to mend.
constexpr absl::Duration kAcceptBackoff = absl::Milliseconds(100);
constexpr absl::Duration kLongestSweep = absl::Milliseconds(250);

// Coroutines of ours end by themselves; what they throw is a bug.
void LogEscaped(std::exception_ptr error) {
  if (!error) return;
  try {
    std::rethrow_exception(std::move(error));
  } catch (const std::exception& exception) {
    LAMPLIGHTER_LOG_EVERY_SECOND(kError, "http server coroutine threw")
        .With("what", exception.what());
  } catch (...) {
    LAMPLIGHTER_LOG_EVERY_SECOND(kError, "http server coroutine threw");
  }
}

awaitable<void> Wait(asio::steady_timer& timer, absl::Duration duration) {
  timer.expires_after(absl::ToChronoNanoseconds(duration));
  co_await timer.async_wait(kAsTuple);
}

// Often enough for the shortest of the timeouts.
absl::Duration SweepInterval(const HttpServer::Options& options) {
  const absl::Duration shortest =
      std::min({options.header_timeout, options.body_timeout,
                options.idle_timeout, options.write_timeout});
  return std::clamp(shortest / 4, absl::Milliseconds(1), kLongestSweep);
}

// One timer looks after all connections: a timer for each operation of each
// would cost more than the operation.
awaitable<void> Sweep(std::shared_ptr<ServerState> state) {
  const absl::Duration interval = SweepInterval(state->options);
  while (!state->connections.empty()) {
    co_await Wait(state->sweep, interval);
    const absl::Duration now = Clock::System().MonotonicNow();
    for (Connection* connection : state->connections)
      connection->CheckDeadline(now);
  }
  state->sweeping = false;
}

void Serve(const std::shared_ptr<ServerState>& state, tcp::socket socket,
           const tcp::endpoint& peer) {
  const auto executor = socket.get_executor();
  asio::co_spawn(executor,
                 Connection::Serve(std::make_unique<Connection>(
                     state, std::move(socket), Unmapped(peer.address()))),
                 LogEscaped);
  if (std::exchange(state->sweeping, true)) return;
  asio::co_spawn(executor, Sweep(state), LogEscaped);
}

awaitable<void> Accept(std::shared_ptr<ServerState> state) {
  while (!state->stopping) {
    if (state->connections.size() >= state->options.max_connections) {
      co_await Wait(state->room, absl::Hours(1));
      continue;
    }
    tcp::endpoint peer;
    auto [error, socket] =
        co_await state->acceptor.async_accept(peer, kAsTuple);
    if (state->stopping) co_return;
    if (!error) {
      Serve(state, std::move(socket), peer);
    } else if (error != asio::error::connection_aborted) {
      LAMPLIGHTER_LOG_EVERY_SECOND(kWarning, "cannot accept")
          .With("cause", error.message());
      co_await Wait(state->room, kAcceptBackoff);
    }
  }
}

absl::StatusOr<tcp::endpoint> ParseListen(const std::string& listen) {
  const auto bad = [&listen] {
    return absl::InvalidArgumentError(
        absl::StrCat("listen: ", listen,
                     ": must be an IP address, or localhost, or "
                     "nothing for all of them, then a colon and a port"));
  };
  const size_t colon = listen.rfind(':');
  uint32_t port = 0;
  if (colon == std::string::npos ||
      !absl::SimpleAtoi(listen.substr(colon + 1), &port) || port > 65535)
    return bad();
  std::string host = listen.substr(0, colon);
  if (host.empty()) host = "0.0.0.0";
  if (host == "localhost") host = "127.0.0.1";
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  error_code error;
  const asio::ip::address address = asio::ip::make_address(host, error);
  if (error) return bad();
  return tcp::endpoint(address, static_cast<uint16_t>(port));
}

absl::Status Listen(const tcp::endpoint& endpoint, const std::string& name,
                    tcp::acceptor& acceptor) {
  error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(tcp::acceptor::max_listen_connections, error);
  if (!error) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("listen on ", name, ": ", error.message()));
}

class AsioHttpServer final : public HttpServer {
 public:
  AsioHttpServer(std::shared_ptr<ServerState> state, uint16_t port)
      : state_(std::move(state)), port_(port) {}
  ~AsioHttpServer() override {
    StopAccepting();
    CloseAll();
  }

  void Start() override {
    asio::co_spawn(state_->acceptor.get_executor(), Accept(state_), LogEscaped);
  }

  awaitable<void> Stop(absl::Duration drain) override {
    StopAccepting();
    for (Connection* connection : state_->connections)
      connection->CloseIfIdle();
    if (!state_->connections.empty()) co_await Wait(state_->drained, drain);
    CloseAll();
  }

  uint16_t port() const override { return port_; }

 private:
  void StopAccepting() {
    state_->stopping = true;
    error_code ignored;
    state_->acceptor.close(ignored);
    state_->room.cancel();
  }
  void CloseAll() {
    for (Connection* connection : state_->connections) connection->Close();
  }

  const std::shared_ptr<ServerState> state_;
  const uint16_t port_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Create(
    const Options& options, asio::io_context& loop,
    std::vector<HttpRoute> routes, OnRefused on_refused) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(RouteTable table,
                               RouteTable::Create(std::move(routes)));
  LAMPLIGHTER_ASSIGN_OR_RETURN(const tcp::endpoint endpoint,
                               ParseListen(options.listen));
  auto state = std::make_shared<ServerState>(options, loop, std::move(table),
                                             std::move(on_refused));
  LAMPLIGHTER_RETURN_IF_ERROR(
      Listen(endpoint, options.listen, state->acceptor));
  error_code error;
  const uint16_t port = state->acceptor.local_endpoint(error).port();
  if (error) return absl::UnavailableError(error.message());
  return std::make_unique<AsioHttpServer>(std::move(state), port);
}

}  // namespace lamplighter
