#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "boost/asio/buffer.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/ip/tcp.hpp"
#include "boost/asio/ssl.hpp"
#include "boost/asio/write.hpp"
#include "common/http/testing/test_certificate.h"
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>

namespace lamplighter {

// A blocking TLS connection to a server on loopback that believes any
// certificate and tells whose it was. Nothing waits longer than ten seconds.
class TlsTestClient {
 public:
  struct Options {
    int max_version = 0;            // TLS1_1_VERSION, ...; 0 for the newest
    TestCertificate certificate{};  // to show; none if empty
    std::string protocols{};        // as ALPN writes them
    std::string before{};           // sent in clear, before the handshake
  };

  explicit TlsTestClient(uint16_t port) : TlsTestClient(port, Options{}) {}
  TlsTestClient(uint16_t port, const Options& options) {
    SSL_CTX* const context = context_.native_handle();
    SSL_CTX_set_security_level(context, 0);  // what is old is to be tried, too
    SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context, options.max_version);
    const TestCertificate& own = options.certificate;
    if (!own.key_pem.empty()) {
      context_.use_certificate_chain(boost::asio::buffer(own.certificate_pem));
      context_.use_private_key(boost::asio::buffer(own.key_pem),
                               boost::asio::ssl::context::pem);
    }
    stream_.emplace(loop_, context_);
    SSL_set_alpn_protos(
        stream_->native_handle(),
        reinterpret_cast<const unsigned char*>(options.protocols.data()),
        static_cast<unsigned int>(options.protocols.size()));
    auto& socket = stream_->next_layer();
    socket.connect({boost::asio::ip::address_v4::loopback(), port}, error_);
    const timeval limit{.tv_sec = 10, .tv_usec = 0};
    setsockopt(socket.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit,
               sizeof(limit));
    boost::asio::write(socket, boost::asio::buffer(options.before), error_);
    stream_->handshake(boost::asio::ssl::stream_base::client, error_);
  }

  // Of TLS 1.3 clients, whose certificate the server looks at only then, also
  // if the server will not have them.
  bool connected() const { return !error_; }

  // Whether the server has ended the connection as TLS has it, so that nothing
  // can have been cut off.
  bool ended_well() const { return error_ == boost::asio::error::eof; }

  std::string ServerName() const {
    char name[256] = "";
    X509* const certificate = SSL_get0_peer_certificate(ssl());
    if (certificate != nullptr) {
      X509_NAME_get_text_by_NID(X509_get_subject_name(certificate),
                                NID_commonName, name, sizeof(name));
    }
    return name;
  }

  std::string Protocol() const {
    const unsigned char* name = nullptr;
    unsigned int size = 0;
    SSL_get0_alpn_selected(ssl(), &name, &size);
    return {reinterpret_cast<const char*>(name), size};
  }

  // Whether another connection could be resumed from this one.
  bool Resumable() const {
    return SSL_SESSION_is_resumable(SSL_get0_session(ssl())) == 1 &&
           SSL_SESSION_has_ticket(SSL_get0_session(ssl())) == 1;
  }

  bool Send(absl::string_view bytes) {
    boost::asio::write(*stream_,
                       boost::asio::buffer(bytes.data(), bytes.size()), error_);
    return !error_;
  }

  // The next answer, head and body; empty if there is none.
  std::string Read() {
    size_t end;
    while ((end = unread_.find("\r\n\r\n")) == std::string::npos) {
      if (!ReadMore()) return "";
    }
    constexpr absl::string_view kLength = "Content-Length: ";
    size_t length = 0;
    const size_t field = unread_.find(kLength.data());
    if (field < end) {
      const size_t begin = field + kLength.size();
      if (!absl::SimpleAtoi(
              unread_.substr(begin, unread_.find("\r\n", begin) - begin),
              &length)) {
        return "";
      }
    }
    while (unread_.size() < end + 4 + length) {
      if (!ReadMore()) return "";
    }
    const std::string answer = unread_.substr(0, end + 4 + length);
    unread_.erase(0, answer.size());
    return answer;
  }

  std::string Get(absl::string_view path, absl::string_view headers = "") {
    Send(absl::StrCat("GET ", path, " HTTP/1.1\r\nHost: test\r\n", headers,
                      "\r\n"));
    return Read();
  }

  std::string Post(absl::string_view path, absl::string_view body,
                   absl::string_view headers = "") {
    Send(absl::StrCat("POST ", path, " HTTP/1.1\r\nHost: test\r\n",
                      "Content-Length: ", body.size(), "\r\n", headers, "\r\n",
                      body));
    return Read();
  }

 private:
  SSL* ssl() const {
    return const_cast<Stream&>(*stream_).native_handle();  // NOLINT: Asio's
  }

  bool ReadMore() {
    char bytes[65536];
    const size_t n = stream_->read_some(boost::asio::buffer(bytes), error_);
    unread_.append(bytes, n);
    return !error_;
  }

  using Stream = boost::asio::ssl::stream<boost::asio::ip::tcp::socket>;

  boost::asio::io_context loop_;
  boost::asio::ssl::context context_{boost::asio::ssl::context::tls_client};
  absl::optional<Stream> stream_;
  boost::system::error_code error_;
  std::string unread_;
};

}  // namespace lamplighter
