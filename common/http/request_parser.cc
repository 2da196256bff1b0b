#include "common/http/request_parser.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "boost/beast/http/error.hpp"
#include "boost/beast/http/field.hpp"

namespace lamplighter {
namespace {

namespace http = boost::beast::http;

// Each costs a look at every search; no honest client comes near.
constexpr size_t kMaxFields = 1000;

absl::string_view View(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

// Proxies send "http://host/path" where "/path" would do.
absl::string_view WithoutAuthority(absl::string_view target) {
  for (const absl::string_view scheme : {"http://", "https://"}) {
    if (!absl::StartsWithIgnoreCase(target, scheme)) continue;
    const size_t path = target.find_first_of("/?", scheme.size());
    return path == absl::string_view::npos ? "/" : target.substr(path);
  }
  return target;
}

}  // namespace

RequestParser::RequestParser(size_t max_header, size_t max_body,
                             BodyReservation& memory)
    : memory_(memory) {
  header_limit(static_cast<std::uint32_t>(max_header));
  body_limit(max_body);
}

int RequestParser::CheckHeader() const {
  if (version_ >= 11 && !has_host_) return 400;
  if (!has_transfer_encoding_) return 0;
  // Beast lets "gzip, chunked" pass and takes an unknown coding for no body at
  // all: the body would become the next request.
  if (has_length_ || version_ < 11) return 400;
  return chunked() && only_chunked_ ? 0 : 501;
}

int RequestParser::StatusFor(const boost::system::error_code& error) const {
  if (out_of_memory_) return 503;
  if (error == http::error::body_limit) return 413;
  if (error == http::error::header_limit) return 431;
  return 400;
}

void RequestParser::on_request_impl(http::verb /*method*/,
                                    string_view method_text, string_view target,
                                    int version, error_code& /*error*/) {
  version_ = version;
  request_.method.assign(method_text.data(), method_text.size());
  const absl::string_view local = WithoutAuthority(View(target));
  const size_t question = local.find('?');
  request_.path = std::string(local.substr(0, question));
  if (question != absl::string_view::npos)
    request_.query = std::string(local.substr(question + 1));
  request_.headers.fields.reserve(16);
}

void RequestParser::on_field_impl(http::field name, string_view name_text,
                                  string_view value, error_code& error) {
  // Trailers come after what the header promised was checked: nobody reads
  // them.
  if (is_header_done()) return;
  auto& fields = request_.headers.fields;
  if (fields.size() >= kMaxFields) {
    error = http::error::header_limit;
    return;
  }
  fields.emplace_back(std::string(name_text.data(), name_text.size()),
                      std::string(value.data(), value.size()));
  if (name == http::field::host) {
    has_host_ = true;
  } else if (name == http::field::content_length) {
    has_length_ = true;
  } else if (name == http::field::transfer_encoding) {
    only_chunked_ = only_chunked_ &&
                    absl::EqualsIgnoreCase(View(value), "chunked") &&
                    !has_transfer_encoding_;
    has_transfer_encoding_ = true;
  } else if (name == http::field::expect) {
    expects_continue_ = absl::EqualsIgnoreCase(View(value), "100-continue");
  }
}

std::size_t RequestParser::on_body_impl(string_view body,
                                        error_code& /*error*/) {
  request_.body.append(body.data(), body.size());
  return body.size();
}

void RequestParser::on_chunk_header_impl(std::uint64_t size,
                                         string_view /*extensions*/,
                                         error_code& error) {
  if (memory_.Grow(size)) return;
  out_of_memory_ = true;
  error = http::error::buffer_overflow;
}

std::size_t RequestParser::on_chunk_body_impl(std::uint64_t /*remain*/,
                                              string_view body,
                                              error_code& error) {
  return on_body_impl(body, error);
}

}  // namespace lamplighter
