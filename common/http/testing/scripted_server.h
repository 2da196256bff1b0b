#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "boost/asio/buffer.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/ip/tcp.hpp"
#include "boost/asio/ssl.hpp"
#include "boost/asio/write.hpp"
#include <sys/socket.h>

namespace lamplighter {

// A server on a thread of its own that answers with whatever bytes a function
// makes of a request, over TLS if a context is given. An empty answer breaks
// the connection, as does one that ends with kThenBreak.
class ScriptedServer {
 public:
  static constexpr absl::string_view kThenBreak = "\n<break>";
  using Script = std::function<std::string(const std::string& request)>;

  explicit ScriptedServer(Script script,
                          boost::asio::ssl::context* tls = nullptr)
      : script_(std::move(script)), tls_(tls), thread_([this] { Run(); }) {}
  ~ScriptedServer() {
    // Unlike close, this wakes what waits.
    stopped_ = true;
    shutdown(acceptor_.native_handle(), SHUT_RDWR);
    if (const int open = open_.load(); open >= 0) shutdown(open, SHUT_RDWR);
    thread_.join();
  }

  uint16_t port() const { return port_; }
  int accepted() const { return accepted_; }

 private:
  using tcp = boost::asio::ip::tcp;

  void Run() {
    while (!stopped_) {
      boost::system::error_code error;
      tcp::socket socket(loop_);
      acceptor_.accept(socket, error);
      if (error) return;
      ++accepted_;
      open_ = socket.native_handle();
      if (tls_ == nullptr) {
        Serve(socket);
      } else {
        boost::asio::ssl::stream<tcp::socket&> stream(socket, *tls_);
        stream.handshake(stream.server, error);
        if (!error) Serve(stream);
      }
      open_ = -1;
      socket.set_option(tcp::socket::linger(true, 0), error);
    }
  }

  template <typename Stream>
  void Serve(Stream& stream) {
    std::string unread;
    for (;;) {
      size_t end = 0;
      while ((end = RequestEnd(unread)) == 0) {
        char bytes[4096];
        boost::system::error_code error;
        const size_t n = stream.read_some(boost::asio::buffer(bytes), error);
        if (error) return;
        unread.append(bytes, n);
      }
      std::string answer = script_(unread.substr(0, end));
      unread.erase(0, end);
      const bool breaks = answer.empty() || absl::EndsWith(answer, kThenBreak);
      if (!answer.empty() && breaks)
        answer.resize(answer.size() - kThenBreak.size());
      boost::system::error_code error;
      boost::asio::write(stream, boost::asio::buffer(answer), error);
      if (error || breaks) return;
    }
  }

  // 0 while the request is not whole.
  static size_t RequestEnd(const std::string& text) {
    constexpr absl::string_view kLength = "\r\nContent-Length: ";
    const size_t head = text.find("\r\n\r\n");
    if (head == std::string::npos) return 0;
    size_t length = 0;
    const size_t field = text.find(kLength.data());
    if (field < head) {
      const size_t begin = field + kLength.size();
      if (!absl::SimpleAtoi(
              text.substr(begin, text.find("\r\n", begin) - begin), &length))
        return 0;
    }
    const size_t end = head + 4 + length;
    return text.size() < end ? 0 : end;
  }

  const Script script_;
  boost::asio::ssl::context* const tls_;
  std::atomic<bool> stopped_ = false;
  std::atomic<int> accepted_ = 0;
  std::atomic<int> open_ = -1;
  boost::asio::io_context loop_;
  tcp::acceptor acceptor_{loop_, {boost::asio::ip::address_v4::loopback(), 0}};
  const uint16_t port_ = acceptor_.local_endpoint().port();
  std::thread thread_;
};

}  // namespace lamplighter
