#include "common/http/response_head.h"

#include <algorithm>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "boost/beast/http/status.hpp"

namespace lamplighter {
namespace {

void AppendField(absl::string_view name, absl::string_view value,
                 std::string& out) {
  const auto ends_line = [](char c) {
    return c == '\r' || c == '\n' || c == '\0';
  };
  absl::StrAppend(&out, name, ": ");
  const size_t begin = out.size();
  absl::StrAppend(&out, value, "\r\n");
  std::replace_if(out.begin() + begin, out.end() - 2, ends_line, ' ');
}

// 204 and 1xx must not carry a length, whatever their body.
bool CarriesLength(int status) { return status != 204 && status >= 200; }

// These are the server's to say.
bool IsOwn(absl::string_view name) {
  return absl::EqualsIgnoreCase(name, "Content-Length") ||
         absl::EqualsIgnoreCase(name, "Connection") ||
         absl::EqualsIgnoreCase(name, "Date") ||
         absl::EqualsIgnoreCase(name, "Transfer-Encoding");
}

}  // namespace

absl::string_view ReasonPhrase(int status) {
  namespace http = boost::beast::http;
  const http::status known = http::int_to_status(status);
  if (known == http::status::unknown) return "Unknown Status";
  const auto phrase = http::obsolete_reason(known);
  return {phrase.data(), phrase.size()};
}

void AppendResponseHead(const HttpResponse& response,
                        ConnectionField connection, absl::string_view date,
                        std::string& out) {
  absl::StrAppend(&out, "HTTP/1.1 ", response.status, " ",
                  ReasonPhrase(response.status), "\r\nDate: ", date, "\r\n");
  if (connection == ConnectionField::kClose) out += "Connection: close\r\n";
  if (connection == ConnectionField::kKeepAlive)
    out += "Connection: keep-alive\r\n";
  if (!response.content_type.empty())
    AppendField("Content-Type", response.content_type, out);
  for (const auto& [name, value] : response.headers.fields) {
    if (!IsOwn(name)) AppendField(name, value, out);
  }
  if (CarriesLength(response.status))
    absl::StrAppend(&out, "Content-Length: ", response.body.size(), "\r\n");
  out += "\r\n";
}

}  // namespace lamplighter
