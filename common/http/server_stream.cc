#include "common/http/server_stream.h"

#include <exception>
#include <utility>

#include "boost/asio/error.hpp"
#include "common/http/server_tls.h"

namespace lamplighter {

namespace asio = boost::asio;
using ::boost::asio::ip::tcp;

ServerStream::ServerStream(tcp::socket socket) : socket_(std::move(socket)) {
  ErrorCode ignored;  // they only make it faster
  socket_.set_option(tcp::no_delay(true), ignored);
  socket_.non_blocking(true, ignored);
}

asio::awaitable<void> ServerStream::Readable() {
  co_await socket_.async_wait(tcp::socket::wait_read, kAsTuple);
}

asio::awaitable<ServerStream::ErrorCode> ServerStream::Handshake(
    std::shared_ptr<asio::ssl::context> context, asio::const_buffer read) {
  try {
    tls_ = std::make_unique<asio::ssl::stream<tcp::socket&>>(socket_, *context);
  } catch (const std::exception&) {
    co_return asio::error::no_memory;  // OpenSSL has no other reason
  }
  const auto [error, used] = co_await tls_->async_handshake(
      asio::ssl::stream_base::server, read, kAsTuple);
  if (error) co_return error;
  // Nobody can have sent more than the handshake's first message by then.
  if (used != read.size()) co_return asio::error::message_size;
  secure_ = true;
  co_return ErrorCode();
}

std::vector<std::string> ServerStream::ClientNames() const {
  return secure_ ? ClientCertificateNames(tls_->native_handle())
                 : std::vector<std::string>();
}

void ServerStream::Cancel() {
  ErrorCode ignored;
  socket_.cancel(ignored);
}

void ServerStream::CloseSending() {
  SayGoodbye();
  ErrorCode ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
}

void ServerStream::Close() {
  SayGoodbye();
  ErrorCode ignored;
  socket_.shutdown(tcp::socket::shutdown_both, ignored);
  socket_.close(ignored);
}

void ServerStream::SayGoodbye() {
  if (!std::exchange(secure_, false)) return;
  // The socket does not block: this writes TLS's close_notify and, instead of
  // waiting for the client's, fails.
  ErrorCode ignored;
  tls_->shutdown(ignored);
}

}  // namespace lamplighter
