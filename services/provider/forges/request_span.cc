#include "services/provider/forges/request_span.h"

#include <cstddef>
#include <cstdint>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/tracing/attributes.h"

namespace lamplighter::provider {
namespace {

// Where "host:port" or "[::1]:port" ends before the colon.
size_t HostLength(absl::string_view authority) {
  const size_t bracket = authority.rfind(']');
  const size_t from = bracket == absl::string_view::npos ? 0 : bracket;
  return authority.substr(0, authority.find(':', from)).size();
}

void SetUrl(Span& span, absl::string_view url) {
  url = url.substr(0, url.find_first_of("?#"));
  const size_t scheme = url.find("://");
  if (scheme == absl::string_view::npos) return;
  const absl::string_view rest = url.substr(scheme + 3);
  absl::string_view authority = rest.substr(0, rest.find('/'));
  const absl::string_view path = rest.substr(authority.size());
  authority = authority.substr(authority.rfind('@') + 1);  // 0 if there is none
  const absl::string_view host = authority.substr(0, HostLength(authority));
  span.Set(attribute::kUrlFull,
           absl::StrCat(url.substr(0, scheme + 3), authority, path));
  span.Set(attribute::kServerAddress, host);
  int64_t port = url.substr(0, scheme) == "https" ? 443 : 80;
  if (host.size() < authority.size() &&
      !absl::SimpleAtoi(authority.substr(host.size() + 1), &port)) {
    return;
  }
  span.Set(attribute::kServerPort, port);
}

}  // namespace

Span BeginRequestSpan(const Span& parent, absl::string_view method,
                      absl::string_view url) {
  Span span = parent.Child(method, SpanKind::kClient);
  if (!span.recorded()) return span;
  span.Set(attribute::kHttpMethod, method);
  SetUrl(span, url);
  return span;
}

void EndRequestSpan(Span& span, const absl::StatusOr<HttpResult>& result) {
  if (!span.recorded()) return;
  if (!result.ok()) {
    span.SetError(absl::StatusCodeToString(result.status().code()),
                  result.status().message());
  } else {
    span.Set(attribute::kHttpStatusCode, result->status);
    if (result->status >= 400) span.SetError(absl::StrCat(result->status));
  }
  span.End();
}

}  // namespace lamplighter::provider
