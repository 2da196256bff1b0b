#include "services/provider/forges/bitbucketserver/bitbucketserver_api.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/status/macros.h"
#include "services/provider/forges/github_api.h"
#include "services/provider/forges/json_text.h"

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;
using ::simdjson::dom::element;

constexpr int kMaxPages = 20;
// Its limit lets through some requests a second and never says when.
constexpr absl::Duration kUsualWait = absl::Seconds(5);

// The repository's, of its page and below the API's.
std::string RepositoryPath(const std::string& repository) {
  const std::pair<absl::string_view, absl::string_view> names =
      absl::StrSplit(repository, absl::MaxSplits('/', 1));
  return absl::StrCat("/projects/", PercentEncode(names.first), "/repos/",
                      PercentEncode(names.second));
}

// As notification-controller: a token goes before a password.
absl::StatusOr<std::string> Authorization(const Access& access) {
  const Credential& credential = access.credential;
  if (!credential.token.empty()) {
    return absl::StrCat("Bearer ", credential.token);
  }
  if (credential.username.empty() || credential.password.empty()) {
    return absl::UnauthenticatedError(
        absl::StrCat("secret ", access.credential_name,
                     " holds no token, nor a username and a password"));
  }
  return absl::StrCat("Basic ",
                      absl::Base64Escape(absl::StrCat(credential.username, ":",
                                                      credential.password)));
}

}  // namespace

std::string UserOf(const HttpHeaders& headers) {
  const absl::string_view user = headers.Find("X-AUSERNAME").value_or("");
  return user == "anonymous" ? "" : std::string(user);
}

std::string BitbucketServerApi::Url(absl::string_view path) const {
  return absl::StrCat(call_.site(), "/rest/api/latest", path);
}

std::string BitbucketServerApi::RepositoryUrl(absl::string_view path) const {
  return Url(absl::StrCat(RepositoryPath(call_.repository()), path));
}

std::string BitbucketServerApi::PageUrl() const {
  return absl::StrCat(call_.site(), RepositoryPath(call_.repository()));
}

std::string BitbucketServerApi::BuildStatusUrl(absl::string_view path) const {
  return absl::StrCat(call_.site(), "/rest/build-status/latest", path);
}

asio::awaitable<absl::StatusOr<HttpResult>> BitbucketServerApi::Send(
    std::string method, std::string url, std::string body) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(std::string authorization,
                                  Authorization(call_.access()));
  HttpCall request;
  request.method = std::move(method);
  request.url = std::move(url);
  request.headers.Add("Accept", "application/json");
  request.headers.Add("Authorization", std::move(authorization));
  // What Bitbucket wants to see of scripts, against forged requests.
  request.headers.Add("X-Atlassian-Token", "no-check");
  request.headers.Add("X-Requested-With", "XMLHttpRequest");
  if (!body.empty()) request.headers.Add("Content-Type", "application/json");
  request.body = std::move(body);
  const char* operation = request.method == "GET" ? "read" : "write";
  co_return co_await call_.Send(operation, std::move(request));
}

asio::awaitable<absl::StatusOr<std::string>> BitbucketServerApi::Do(
    std::string method, std::string url, std::string body) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      HttpResult answer,
      co_await Send(std::move(method), std::move(url), std::move(body)));
  if (answer.status / 100 != 2) co_return Error(answer);
  co_return std::move(answer.body);
}

absl::Status BitbucketServerApi::Error(const HttpResult& answer) const {
  const std::string message = call_.Quote(ErrorMessage(answer.body));
  if (answer.status == 429 && !RetryAfterHeader(answer.headers, call_.Now())) {
    return RateLimited(message.empty() ? "HTTP 429" : message, kUsualWait);
  }
  const absl::Status status = StatusFromAnswer(answer, message, call_.Now());
  // A 401 is also the answer to somebody it knows, but who may not do this.
  if (answer.status == 401 && !UserOf(answer.headers).empty()) {
    return absl::PermissionDeniedError(status.message());
  }
  return status;
}

absl::StatusOr<int64_t> BitbucketServerApi::ReadPage(const std::string& body,
                                                     int64_t start,
                                                     const ReadValue& read) {
  simdjson::dom::parser parser;
  element root;
  simdjson::dom::array values;
  bool is_last = false;
  if (parser.parse(body).get(root) || root["values"].get(values) ||
      root["isLastPage"].get(is_last)) {
    return UnreadableAnswer();
  }
  for (const element value : values) {
    LAMPLIGHTER_RETURN_IF_ERROR(read(value));
  }
  if (is_last) return 0;
  // Not what was asked for more: it leaves out what may not be seen.
  int64_t next = 0;
  if (root["nextPageStart"].get(next) || next <= start) {
    return UnreadableAnswer();
  }
  return next;
}

asio::awaitable<absl::StatusOr<bool>> BitbucketServerApi::ReadAll(
    std::string url, ReadValue read) {
  const char* separator = absl::StrContains(url, '?') ? "&" : "?";
  int64_t start = 0;
  for (int i = 0; i < kMaxPages; ++i) {
    std::string page =
        start == 0 ? url : absl::StrCat(url, separator, "start=", start);
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const std::string body,
                                    co_await Do("GET", std::move(page)));
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(start, ReadPage(body, start, read));
    if (start == 0) co_return true;
  }
  co_return false;
}

}  // namespace lamplighter::provider
