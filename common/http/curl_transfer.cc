#include "common/http/curl_transfer.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace lamplighter {
namespace {

constexpr size_t kMaxHeader = 256 << 10;

// RFC 9110's token: what methods and header names are made of.
bool IsToken(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(c) ||
           absl::StrContains("!#$%&'*+-.^_`|~", absl::string_view(&c, 1));
  });
}

bool IsFieldValue(absl::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    return c == '\r' || c == '\n' || c == '\0';
  });
}

// One part of a URL, empty if it has none or is none.
std::string UrlPart(const std::string& url, CURLUPart part) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parsed(
      curl_url(), &curl_url_cleanup);
  char* text = nullptr;
  if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK ||
      curl_url_get(parsed.get(), part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK)
    return "";
  const std::unique_ptr<char, decltype(&curl_free)> owned(text, &curl_free);
  return text;
}

bool SameOrigin(const std::string& a, const std::string& b) {
  for (const auto part : {CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT}) {
    if (!absl::EqualsIgnoreCase(UrlPart(a, part), UrlPart(b, part)))
      return false;
  }
  return true;
}

curl_blob Blob(const std::string& text) {
  return {.data = const_cast<char*>(text.data()),  // NOLINT: only read
          .len = text.size(),
          .flags = CURL_BLOB_NOCOPY};
}

}  // namespace

absl::Status CurlTransfer::Prepare(const std::string& user_agent,
                                   absl::Duration timeout) {
  if (!IsToken(call_.method)) return absl::InvalidArgumentError("bad method");
  const auto milliseconds = std::clamp<int64_t>(
      absl::ToInt64Milliseconds(timeout), 1, int64_t{24} * 3600 * 1000);
  Set(CURLOPT_URL, call_.url.c_str());
  Set(CURLOPT_PROTOCOLS_STR, "http,https");
  Set(CURLOPT_NOSIGNAL, 1L);
  Set(CURLOPT_TIMEOUT_MS, static_cast<long>(milliseconds));
  Set(CURLOPT_USERAGENT, user_agent.c_str());
  Set(CURLOPT_ACCEPT_ENCODING, "gzip");
  Set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  // Who waits for hours for the next piece learns within two minutes that the
  // peer is gone.
  Set(CURLOPT_TCP_KEEPALIVE, 1L);
  Set(CURLOPT_TCP_KEEPIDLE, 30L);
  Set(CURLOPT_TCP_KEEPINTVL, 10L);
  Set(CURLOPT_ERRORBUFFER, cause_.data());
  Set(CURLOPT_HEADERFUNCTION, &OnHeader);
  Set(CURLOPT_HEADERDATA, this);
  Set(CURLOPT_WRITEFUNCTION, &OnBody);
  Set(CURLOPT_WRITEDATA, this);
  // Rather wait for a connection that others can share than open one each.
  if (absl::StartsWith(call_.url, "https:")) Set(CURLOPT_PIPEWAIT, 1L);
  SetMethodAndBody();
  const absl::Status headers = SetHeaders();
  if (!headers.ok()) return headers;
  SetTransport();
  return setup_ == CURLE_OK ? absl::OkStatus() : ErrorFor(setup_);
}

void CurlTransfer::SetMethodAndBody() {
  const std::string& method = call_.method;
  if (method == "HEAD") return Set(CURLOPT_NOBODY, 1L);
  const bool expects_body =
      method == "POST" || method == "PUT" || method == "PATCH";
  if (expects_body || !call_.body.empty()) {
    Set(CURLOPT_POST, 1L);
    Set(CURLOPT_POSTFIELDS, call_.body.data());
    Set(CURLOPT_POSTFIELDSIZE_LARGE,
        static_cast<curl_off_t>(call_.body.size()));
  }
  Set(CURLOPT_CUSTOMREQUEST, method.c_str());
}

absl::Status CurlTransfer::SetHeaders() {
  for (const auto& [name, value] : call_.headers.fields) {
    if (!IsToken(name) || !IsFieldValue(value))
      return absl::InvalidArgumentError("a header cannot be sent");
    // "Name:" alone would take the field away.
    AppendHeader(value.empty() ? absl::StrCat(name, ";")
                               : absl::StrCat(name, ": ", value));
  }
  // libcurl's own ideas: to wait for a 100, and that bodies are forms.
  AppendHeader("Expect:");
  if (!call_.headers.Find("Content-Type")) AppendHeader("Content-Type:");
  Set(CURLOPT_HTTPHEADER, header_lines_.get());
  return absl::OkStatus();
}

void CurlTransfer::AppendHeader(const std::string& line) {
  curl_slist* longer = curl_slist_append(header_lines_.get(), line.c_str());
  if (longer == nullptr) {
    setup_ = CURLE_OUT_OF_MEMORY;
    return;
  }
  header_lines_.release();  // NOLINT: `longer` begins with it
  header_lines_.reset(longer);
}

void CurlTransfer::SetTransport() {
  const HttpTransport* transport = call_.transport.get();
  // Never the proxy that some environment variable names.
  Set(CURLOPT_PROXY, transport == nullptr ? "" : transport->proxy.c_str());
  if (transport == nullptr) return;
  // libcurl compares authorities, certificates and proxies before it lets a
  // request use a kept connection.
  const auto set_blob = [this](CURLoption option, const std::string& pem) {
    curl_blob blob = Blob(pem);
    if (!pem.empty()) Set(option, &blob);
  };
  set_blob(CURLOPT_CAINFO_BLOB, transport->ca_pem);
  set_blob(CURLOPT_SSLCERT_BLOB, transport->client_cert_pem);
  set_blob(CURLOPT_SSLKEY_BLOB, transport->client_key_pem);
  if (transport->skip_verification) {
    Set(CURLOPT_SSL_VERIFYPEER, 0L);
    Set(CURLOPT_SSL_VERIFYHOST, 0L);
  }
}

size_t CurlTransfer::OnHeader(const char* data, size_t size, size_t count,
                              void* self) {
  auto* transfer = static_cast<CurlTransfer*>(self);
  HttpHeaders& headers = transfer->result_.headers;
  const absl::string_view line =
      absl::StripTrailingAsciiWhitespace({data, size * count});
  transfer->header_size_ += size * count;
  if (transfer->header_size_ > kMaxHeader) {
    transfer->too_large_ = true;
    return 0;
  }
  // Another answer begins, after a 100 for example.
  if (absl::StartsWith(line, "HTTP/")) headers.fields.clear();
  const size_t colon = line.find(':');
  if (colon != absl::string_view::npos) {
    headers.Add(
        std::string(line.substr(0, colon)),
        std::string(absl::StripLeadingAsciiWhitespace(line.substr(colon + 1))));
  }
  return size * count;
}

size_t CurlTransfer::OnBody(const char* data, size_t size, size_t count,
                            void* self) {
  auto* transfer = static_cast<CurlTransfer*>(self);
  if (transfer->IsStreamed()) {
    transfer->refused_ = transfer->call_.on_body({data, size * count});
    return transfer->refused_.ok() ? size * count : 0;
  }
  std::string& body = transfer->result_.body;
  if (size * count > transfer->call_.max_response - body.size()) {
    transfer->too_large_ = true;
    return 0;
  }
  body.append(data, size * count);
  return size * count;
}

bool CurlTransfer::IsStreamed() const {
  if (!call_.on_body) return false;
  long status = 0;  // NOLINT: libcurl's
  curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
  return status / 100 == 2;
}

absl::StatusOr<HttpResult> CurlTransfer::TakeResult(CURLcode code) {
  if (code != CURLE_OK) return ErrorFor(code);
  long status = 0;  // NOLINT: libcurl's
  curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
  result_.status = static_cast<int>(status);
  return std::move(result_);
}

absl::optional<std::string> CurlTransfer::RedirectUrl() const {
  long status = 0;  // NOLINT: libcurl's
  curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
  const bool safe = call_.method == "GET" || call_.method == "HEAD";
  const bool same_method =
      status == 307 || status == 308 ||
      (safe && (status == 301 || status == 302 || status == 303));
  const char* url = nullptr;
  curl_easy_getinfo(easy_, CURLINFO_REDIRECT_URL, &url);
  if (!same_method || url == nullptr || !SameOrigin(call_.url, url))
    return absl::nullopt;
  return std::string(url);
}

bool CurlTransfer::MayHaveBeenSent() const {
  long size = 0;  // NOLINT: libcurl's
  curl_easy_getinfo(easy_, CURLINFO_REQUEST_SIZE, &size);
  // Asking a proxy for a tunnel counts as well, but is not yet the request.
  if (call_.transport == nullptr || call_.transport->proxy.empty())
    return size > 0;
  curl_off_t begun = 0;
  curl_easy_getinfo(easy_, CURLINFO_PRETRANSFER_TIME_T, &begun);
  return size > 0 && begun > 0;
}

absl::Status CurlTransfer::ErrorFor(CURLcode code) const {
  if (!refused_.ok()) return refused_;
  std::string message = UrlPart(call_.url, CURLUPART_HOST);
  if (message.empty()) message = "bad URL";
  const bool has_cause = cause_[0] != '\0';
  absl::StrAppend(&message, ": ",
                  has_cause ? cause_.data() : curl_easy_strerror(code));
  if (too_large_)
    return absl::OutOfRangeError(
        absl::StrCat(UrlPart(call_.url, CURLUPART_HOST),
                     ": answer is larger than ", call_.max_response, " bytes"));
  if (code == CURLE_ABORTED_BY_CALLBACK) {
    return absl::CancelledError("request cancelled");
  }
  // Whatever went wrong after that, an answer that is no HTTP included.
  if (MayHaveBeenSent()) return absl::DeadlineExceededError(message);
  switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_BAD_FUNCTION_ARGUMENT:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
      return absl::InvalidArgumentError(message);
    default:
      return absl::UnavailableError(message);
  }
}

}  // namespace lamplighter
