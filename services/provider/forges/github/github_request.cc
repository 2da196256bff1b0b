#include "services/provider/forges/github/github_request.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "services/provider/forges/github_api.h"

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;

// What the headers that tell of the quota begin with.
constexpr char kRateLimit[] = "x-ratelimit";
// At least so long after a secondary limit that does not say.
constexpr absl::Duration kSecondaryWait = absl::Seconds(60);

// `phrase` is lower-case.
bool Says(absl::string_view message, absl::string_view phrase) {
  return absl::StrContains(absl::AsciiStrToLower(message), phrase);
}

// 403 and 429 are a limit or a refusal; only the rest of the answer tells.
absl::Status ErrorFromForbidden(const HttpResult& answer,
                                const std::string& message, absl::Time now) {
  if (const auto wait = RetryAfterHeader(answer.headers, now)) {
    return RateLimited(message, *wait);
  }
  const auto limit = ReadRateLimit(answer.headers, kRateLimit);
  if (limit && limit->remaining == 0) {
    return RateLimited(message, limit->resets_at - now);
  }
  if (answer.status == 429 || Says(message, "rate limit") ||
      Says(message, "abuse detection")) {
    return RateLimited(message, kSecondaryWait);
  }
  // The repository's state, not the credential's fault.
  if (Says(message, "archived")) return absl::FailedPreconditionError(message);
  if (Says(message, "installation") && Says(message, "suspended")) {
    return absl::PermissionDeniedError(absl::StrCat(
        message,
        ": unsuspend the App in the account's settings, under GitHub "
        "Apps"));
  }
  return StatusFromAnswer(answer, message, now);
}

absl::Status ErrorFromUnprocessable(const HttpResult& answer,
                                    const std::string& message,
                                    absl::Time now) {
  if (Says(message, "maximum number of statuses") ||
      Says(message, "cannot have more than")) {  // webhooks
    return absl::FailedPreconditionError(message);
  }
  if (Says(message, "no commit found")) return absl::NotFoundError(message);
  if (Says(message, "hook already exists")) {
    return absl::AlreadyExistsError(message);
  }
  return StatusFromAnswer(answer, message, now);
}

}  // namespace

std::string GitHubApi(const ForgeCall& call) {
  const std::string& site = call.site();
  if (absl::EndsWith(site, "://github.com")) return "https://api.github.com";
  if (absl::EndsWith(site, ".ghe.com")) {
    return absl::StrReplaceAll(site, {{"://", "://api."}});
  }
  return absl::StrCat(site, "/api/v3");
}

std::string RepositoryPath(const ForgeCall& call) {
  return absl::StrCat("/repos/", EscapePaths(call.repository()));
}

asio::awaitable<absl::StatusOr<HttpResult>> SendTo(ForgeCall& call,
                                                   std::string api,
                                                   std::string token,
                                                   GitHubRequest request) {
  HttpCall http;
  const char* operation = request.method == "GET" ? "read" : "write";
  http.method = std::move(request.method);
  http.url = absl::StrCat(api, request.path);
  http.headers.Add("Accept", "application/vnd.github+json");
  http.headers.Add("X-GitHub-Api-Version", "2022-11-28");
  http.headers.Add("Authorization", absl::StrCat("Bearer ", token));
  if (!request.etag.empty()) http.headers.Add("If-None-Match", request.etag);
  if (!request.body.empty()) {
    http.headers.Add("Content-Type", "application/json");
  }
  http.body = std::move(request.body);
  co_return co_await call.Send(operation, std::move(http));
}

void NoteQuota(ForgeCall& call, const HttpResult& answer) {
  const HttpHeaders& headers = answer.headers;
  if (headers.Find("x-ratelimit-resource").value_or("core") != "core") return;
  const auto limit = ReadRateLimit(headers, kRateLimit);
  if (limit) call.set_rate_limit(*limit);
}

absl::Status GitHubError(const ForgeCall& call, const HttpResult& answer) {
  const std::string message = call.Quote(ErrorMessage(answer.body));
  switch (answer.status) {
    case 301:
    case 302:
    case 307:
    case 308:  // a write by 301, or to elsewhere: the client does not follow
      return absl::NotFoundError(
          absl::StrCat("HTTP ", answer.status, ": ", message,
                       ": the repository has moved; give its new address"));
    case 403:
    case 429:
      return ErrorFromForbidden(answer, message, call.Now());
    case 409:  // "Git Repository is empty."
      if (!Says(message, "is empty")) break;
      return absl::NotFoundError(message);
    case 422:
      return ErrorFromUnprocessable(answer, message, call.Now());
    default:
      break;
  }
  return StatusFromAnswer(answer, message, call.Now());
}

}  // namespace lamplighter::provider
