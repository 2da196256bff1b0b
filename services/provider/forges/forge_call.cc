#include "services/provider/forges/forge_call.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/grpc/retry_info.h"
#include "common/tracing/attributes.h"
#include "services/provider/forges/request_span.h"
#include "services/provider/outgoing_text.h"

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;

constexpr size_t kMaxQuote = 200;
constexpr absl::Duration kShortestWait = absl::Seconds(1);
constexpr absl::Duration kLongestWait = absl::Hours(2);
// For a 429 that does not say: as GitHub asks for.
constexpr absl::Duration kUsualWait = absl::Seconds(60);

}  // namespace

asio::awaitable<absl::StatusOr<HttpResult>> ForgeCall::Send(
    std::string operation, HttpCall call) {
  call.timeout = std::min(target_.timeout, TimeLeft());
  if (call.timeout <= absl::ZeroDuration()) {
    co_return absl::DeadlineExceededError("no time left to ask the forge");
  }
  call.transport = target_.access.transport;
  // It stays here: forges are not told of our journeys.
  Span span = BeginSpan(operation, call);
  const absl::Duration start = clock_.MonotonicNow();
  absl::StatusOr<HttpResult> result = co_await http_.Send(std::move(call));
  EndRequestSpan(span, result);
  const std::string code =
      result.ok() ? absl::StrCat(result->status)
                  : absl::StatusCodeToString(result.status().code());
  Measure(operation, code, clock_.MonotonicNow() - start);
  if (absl::IsOutOfRange(result.status())) {
    co_return absl::UnavailableError(result.status().message());
  }
  co_return result;
}

Span ForgeCall::BeginSpan(const std::string& operation,
                          const HttpCall& call) const {
  if (target_.span == nullptr || !target_.span->recorded()) return {};
  Span span = BeginRequestSpan(*target_.span, call.method, Clean(call.url));
  span.Set(attribute::kProviderType, target_.provider_type)
      .Set(attribute::kOperation, operation);
  return span;
}

void ForgeCall::Measure(const std::string& operation, const std::string& code,
                        absl::Duration duration) {
  metrics_.requests
      .Add({{"provider", target_.provider_type},
            {"operation", operation},
            {"code", code}})
      .Increment();
  metrics_.request_duration
      .Add({{"provider", target_.provider_type}, {"operation", operation}},
           Metrics::LatencyBuckets())
      .Observe(absl::ToDoubleSeconds(duration));
}

std::string ForgeCall::Clean(absl::string_view text) const {
  return MaskSecrets(CleanLine(text), target_.access.secrets);
}

std::string ForgeCall::Quote(absl::string_view text) const {
  return CutCharacters(Clean(text), kMaxQuote);
}

void ForgeCall::AddSecret(absl::string_view secret) {
  std::vector<std::string>& secrets = target_.access.secrets;
  // As Clean() would leave it: a key has more than one line.
  std::string cleaned = CleanLine(secret);
  if (absl::c_linear_search(secrets, cleaned)) return;
  secrets.push_back(std::move(cleaned));
}

void ForgeCall::set_rate_limit(const ForgeRateLimit& limit) {
  rate_limit_ = limit;
  metrics_.budget_remaining
      .Add({{"provider", target_.provider_type},
            {"credential", target_.access.credential_name}})
      .Set(static_cast<double>(limit.remaining));
}

std::string EscapePaths(absl::string_view path) {
  return absl::StrJoin(absl::StrSplit(path, '/'), "/",
                       [](std::string* out, absl::string_view element) {
                         out->append(PercentEncode(element));
                       });
}

absl::optional<absl::Duration> RetryAfterHeader(const HttpHeaders& headers,
                                                absl::Time now) {
  const auto value = headers.Find("retry-after");
  if (!value) return absl::nullopt;
  int64_t seconds = 0;
  absl::Time date;
  std::string error;
  if (absl::SimpleAtoi(*value, &seconds)) return absl::Seconds(seconds);
  if (absl::ParseTime("%a, %d %b %Y %H:%M:%S GMT", *value, &date, &error)) {
    return date - now;
  }
  return absl::nullopt;
}

absl::optional<int64_t> NumberHeader(const HttpHeaders& headers,
                                     absl::string_view name) {
  const auto value = headers.Find(name);
  int64_t number = 0;
  if (!value || !absl::SimpleAtoi(*value, &number)) return absl::nullopt;
  return number;
}

absl::optional<ForgeRateLimit> ReadRateLimit(const HttpHeaders& headers,
                                             absl::string_view prefix) {
  const auto limit = NumberHeader(headers, absl::StrCat(prefix, "-limit"));
  const auto remaining =
      NumberHeader(headers, absl::StrCat(prefix, "-remaining"));
  const auto reset = NumberHeader(headers, absl::StrCat(prefix, "-reset"));
  if (!limit || !remaining || !reset) return absl::nullopt;
  return ForgeRateLimit{*limit, *remaining, absl::FromUnixSeconds(*reset)};
}

absl::Status RateLimited(absl::string_view message, absl::Duration wait) {
  wait = std::clamp(wait, kShortestWait, kLongestWait);
  return WithRetryAfter(
      absl::ResourceExhaustedError(absl::StrCat("rate limited: ", message)),
      wait);
}

absl::Status StatusFromAnswer(const HttpResult& answer,
                              absl::string_view message, absl::Time now) {
  const std::string text =
      message.empty() ? absl::StrCat("HTTP ", answer.status)
                      : absl::StrCat("HTTP ", answer.status, ": ", message);
  const auto retry_after = RetryAfterHeader(answer.headers, now);
  switch (answer.status) {
    case 401:
      return absl::UnauthenticatedError(text);
    case 403:
    case 423:
      return absl::PermissionDeniedError(text);
    case 404:
    case 410:
      return absl::NotFoundError(text);
    case 409:
      return absl::AbortedError(text);
    case 429:
      return RateLimited(text, retry_after.value_or(kUsualWait));
    default:
      break;
  }
  // A redirect that the client would not follow: elsewhere, or a write.
  if (answer.status / 100 == 3) return absl::NotFoundError(text);
  if (answer.status / 100 == 4 && answer.status != 408) {
    return absl::InvalidArgumentError(text);
  }
  const absl::Status unavailable = absl::UnavailableError(text);
  if (!retry_after) return unavailable;
  return WithRetryAfter(unavailable,
                        std::clamp(*retry_after, kShortestWait, kLongestWait));
}

}  // namespace lamplighter::provider
