#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "boost/asio/as_tuple.hpp"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/buffer.hpp"
#include "boost/asio/ip/tcp.hpp"
#include "boost/asio/ssl/context.hpp"
#include "boost/asio/ssl/stream.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "boost/asio/write.hpp"

namespace lamplighter {

// A client's socket, with TLS over it once the handshake is done. Without, it
// costs no more than the socket: what is awaited is the socket's own operation.
class ServerStream {
 public:
  using ErrorCode = boost::system::error_code;
  using Moved = boost::asio::awaitable<std::tuple<ErrorCode, size_t>>;
  using Parts = std::array<boost::asio::const_buffer, 2>;

  explicit ServerStream(boost::asio::ip::tcp::socket socket);

  bool is_open() const { return socket_.is_open(); }

  // Waits until something has come, or the client has gone.
  boost::asio::awaitable<void> Readable();

  // The server's side of the handshake, with what has been read already.
  boost::asio::awaitable<ErrorCode> Handshake(
      std::shared_ptr<boost::asio::ssl::context> context,
      boost::asio::const_buffer read);

  // Of the verified client certificate, after the handshake.
  std::vector<std::string> ClientNames() const;

  Moved ReadSome(boost::asio::mutable_buffer room) {
    return tls_ == nullptr ? socket_.async_read_some(room, kAsTuple)
                           : tls_->async_read_some(room, kAsTuple);
  }

  // Reads what is of no interest, encrypted or not, into `room`.
  Moved Discard(boost::asio::mutable_buffer room) {
    return socket_.async_read_some(room, kAsTuple);
  }

  // What the kernel takes at once; nothing of it over TLS.
  size_t WriteNow(const Parts& parts, ErrorCode& error) {
    return tls_ == nullptr ? socket_.write_some(parts, error) : 0;
  }

  Moved Write(const Parts& parts) {
    return tls_ == nullptr ? boost::asio::async_write(socket_, parts, kAsTuple)
                           : boost::asio::async_write(*tls_, parts, kAsTuple);
  }

  // Ends what is being awaited, with an error.
  void Cancel();
  // No more will be written.
  void CloseSending();
  void Close();

 private:
  static constexpr auto kAsTuple =
      boost::asio::as_tuple(boost::asio::use_awaitable);

  // Tells the client that no more will come, if that can be done at once.
  void SayGoodbye();

  boost::asio::ip::tcp::socket socket_;
  std::unique_ptr<boost::asio::ssl::stream<boost::asio::ip::tcp::socket&>> tls_;
  bool secure_ = false;  // the handshake is done
};

}  // namespace lamplighter
