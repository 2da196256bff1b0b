#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "boost/asio/buffer.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/ip/tcp.hpp"
#include "boost/asio/write.hpp"
#include "common/http/http_message.h"
#include <sys/socket.h>
#include <sys/time.h>

namespace lamplighter {

struct TestResponse {
  int status = 0;
  HttpHeaders headers;
  std::string body;
};

// A raw, blocking connection to a server on loopback, for saying things that no
// decent client would. The server's loop runs on another thread. Nothing waits
// longer than ten seconds.
class TestClient {
 public:
  explicit TestClient(uint16_t port) {
    boost::system::error_code error;
    socket_.connect({boost::asio::ip::address_v4::loopback(), port}, error);
    const timeval limit{.tv_sec = 10, .tv_usec = 0};
    setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit,
               sizeof(limit));
    setsockopt(socket_.native_handle(), SOL_SOCKET, SO_SNDTIMEO, &limit,
               sizeof(limit));
  }

  // Returns whether all of it could be sent.
  bool Send(absl::string_view bytes) {
    boost::system::error_code error;
    boost::asio::write(socket_, boost::asio::buffer(bytes.data(), bytes.size()),
                       error);
    return !error;
  }

  // "POST /x HTTP/1.1", further header lines (each with its CRLF) and a body
  // with its length.
  bool Post(absl::string_view path, absl::string_view body,
            absl::string_view more_headers = "") {
    return Send(absl::StrCat("POST ", path, " HTTP/1.1\r\nHost: test\r\n",
                             "Content-Length: ", body.size(), "\r\n",
                             more_headers, "\r\n", body));
  }

  // No more will be sent; reading goes on.
  void CloseSending() {
    boost::system::error_code error;
    socket_.shutdown(boost::asio::ip::tcp::socket::shutdown_send, error);
  }

  // The next answer; none if the server closed or broke the connection before
  // it was whole. `to_head` says that the request was HEAD.
  absl::optional<TestResponse> Read(bool to_head = false) {
    size_t end;
    while ((end = unread_.find("\r\n\r\n")) == std::string::npos) {
      if (!ReadMore()) return absl::nullopt;
    }
    TestResponse response =
        ParseHead(absl::string_view(unread_).substr(0, end));
    unread_.erase(0, end + 4);
    size_t length = 0;
    const auto declared = response.headers.Find("Content-Length");
    if (declared && !to_head && !absl::SimpleAtoi(*declared, &length))
      return absl::nullopt;
    while (unread_.size() < length) {
      if (!ReadMore()) return absl::nullopt;
    }
    response.body = unread_.substr(0, length);
    unread_.erase(0, length);
    return response;
  }

  // Whether the server has closed, in order, with nothing more said. Waits for
  // it.
  bool Closed() {
    while (ReadMore()) {
    }
    return closed_ && unread_.empty();
  }

 private:
  static TestResponse ParseHead(absl::string_view head) {
    TestResponse response;
    bool first = true;
    for (absl::string_view line : absl::StrSplit(head, "\r\n")) {
      if (std::exchange(first, false)) {
        if (!absl::SimpleAtoi(line.substr(9, 3), &response.status))
          response.status = -1;
        continue;
      }
      const std::pair<std::string, std::string> field =
          absl::StrSplit(line, absl::MaxSplits(": ", 1));
      response.headers.Add(field.first, field.second);
    }
    return response;
  }

  bool ReadMore() {
    char bytes[16384];
    const ssize_t n = recv(socket_.native_handle(), bytes, sizeof(bytes), 0);
    closed_ = n == 0;
    if (n <= 0) return false;
    unread_.append(bytes, n);
    return true;
  }

  boost::asio::io_context unused_;
  boost::asio::ip::tcp::socket socket_{unused_};
  std::string unread_;
  bool closed_ = false;
};

}  // namespace lamplighter
