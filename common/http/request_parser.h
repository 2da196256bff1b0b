#pragma once

#include <cstddef>
#include <cstdint>

#include "boost/beast/http/basic_parser.hpp"
#include "common/http/body_memory.h"
#include "common/http/http_server.h"

namespace lamplighter {

// Parses one request straight into an HttpRequest, sparing Beast's own message
// type and its allocation per field. put() is fed the header and chunked
// bodies; a body of known length is the caller's to read.
class RequestParser final : public boost::beast::http::basic_parser<true> {
 public:
  // Chunks are reserved from `memory`, which must outlive the parser.
  RequestParser(size_t max_header, size_t max_body, BodyReservation& memory);

  HttpRequest& request() { return request_; }

  bool is_http10() const { return version_ < 11; }

  // Whether the client waits to be asked for the body.
  bool expects_continue() const { return expects_continue_; }

  // The status to refuse with once the header is complete, 0 if it is fine:
  // 400 or 501 for what would leave it open where the body ends.
  int CheckHeader() const;

  // The status to refuse with after put() failed.
  int StatusFor(const boost::system::error_code& error) const;

 private:
  using error_code = boost::beast::error_code;
  using string_view = boost::beast::string_view;

  void on_request_impl(boost::beast::http::verb method, string_view method_text,
                       string_view target, int version,
                       error_code& error) override;
  void on_response_impl(int /*code*/, string_view /*reason*/, int /*version*/,
                        error_code& /*error*/) override {}
  void on_field_impl(boost::beast::http::field name, string_view name_text,
                     string_view value, error_code& error) override;
  void on_header_impl(error_code& /*error*/) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>& /*length*/,
                         error_code& /*error*/) override {}
  std::size_t on_body_impl(string_view body, error_code& error) override;
  void on_chunk_header_impl(std::uint64_t size, string_view extensions,
                            error_code& error) override;
  std::size_t on_chunk_body_impl(std::uint64_t remain, string_view body,
                                 error_code& error) override;
  void on_finish_impl(error_code& /*error*/) override {}

  HttpRequest request_;
  BodyReservation& memory_;
  int version_ = 0;
  bool expects_continue_ = false;
  bool has_host_ = false;
  bool has_length_ = false;
  bool has_transfer_encoding_ = false;
  bool only_chunked_ = true;
  bool out_of_memory_ = false;
};

}  // namespace lamplighter
