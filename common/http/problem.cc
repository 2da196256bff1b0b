#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "common/http/http_server.h"
#include "common/http/response_head.h"

namespace lamplighter {
namespace {

void AppendJsonEscaped(absl::string_view text, std::string& out) {
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      absl::StrAppend(&out, "\\", absl::string_view(&c, 1));
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppendFormat(&out, "\\u%04x", c);
    } else {
      out.push_back(c);
    }
  }
}

}  // namespace

HttpResponse Problem(int status, absl::string_view detail) {
  HttpResponse response;
  response.status = status;
  response.content_type = "application/problem+json";
  response.body =
      absl::StrCat(R"({"type":"about:blank","title":")", ReasonPhrase(status),
                   R"(","status":)", status, R"(,"detail":")");
  AppendJsonEscaped(detail, response.body);
  response.body += "\"}\n";
  return response;
}

}  // namespace lamplighter
