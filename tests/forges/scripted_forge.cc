#include "tests/forges/scripted_forge.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "boost/asio/as_tuple.hpp"
#include "boost/asio/steady_timer.hpp"
#include "boost/asio/this_coro.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "boost/json/object.hpp"
#include "boost/json/serialize.hpp"

namespace lamplighter {
namespace {

namespace asio = ::boost::asio;

constexpr size_t kMaxCallsAnswered = 10'000;
constexpr size_t kMaxBodyKept = 16 << 10;
constexpr size_t kHuge = 100 << 20;
constexpr absl::Duration kLongestHang = absl::Minutes(1);

asio::awaitable<HttpResponse> Ready(HttpResponse response) {
  co_return response;
}

asio::awaitable<void> Wait(absl::Duration duration) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  timer.expires_after(absl::ToChronoNanoseconds(duration));
  co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
}

// What the request shows to say whose it is; a Basic one decoded.
std::string CredentialOf(const HttpRequest& request) {
  const auto token = request.headers.Find("PRIVATE-TOKEN");
  if (token) return std::string(*token);
  absl::string_view shown = request.headers.Find("Authorization").value_or("");
  std::string decoded;
  if (absl::ConsumePrefix(&shown, "Basic ") &&
      absl::Base64Unescape(shown, &decoded)) {
    return decoded;
  }
  return std::string(shown);
}

std::string CallJson(const ScriptedCall& call) {
  boost::json::object json;
  json["number"] = call.number;
  json["at_ms"] = absl::ToUnixMillis(call.at);
  json["method"] = call.method;
  json["path"] = call.path;
  json["query"] = call.query;
  json["body"] = call.body;
  json["status"] = call.status;
  json["context"] = call.context;
  json["state"] = call.state;
  json["description"] = call.description;
  json["done_ms"] = absl::ToUnixMillis(call.done_at);
  json["effect"] = call.effect;
  return boost::json::serialize(json);
}

}  // namespace

ScriptedForge::~ScriptedForge() {
  const char* directory = std::getenv("LAMPLIGHTER_RECORD_CALLS");
  if (directory == nullptr) return;
  std::ofstream out(absl::StrCat(directory, "/", name_, ".jsonl"),
                    std::ios::app);
  for (const ScriptedCall& call : calls_) out << CallJson(call) << "\n";
}

std::vector<HttpRoute> ScriptedForge::Routes() {
  using F = ScriptedForge;
  std::vector<HttpRoute> routes = ApiRoutes();
  routes.push_back(AdminRoute("POST", "/_sandbox/faults", &F::PostFault));
  routes.push_back(AdminRoute("DELETE", "/_sandbox/faults", &F::DeleteFaults));
  routes.push_back(AdminRoute("GET", "/_sandbox/calls", &F::GetCalls));
  routes.push_back(AdminRoute("GET", "/_sandbox/stats", &F::GetStats));
  routes.push_back(
      AdminRoute("POST", "/_sandbox/repositories", &F::ChangeRepositories));
  routes.push_back(AdminRoute("DELETE", "/_sandbox", &F::DeleteAll));
  return routes;
}

HttpRoute ScriptedForge::Route(std::string method, std::string path,
                               Action action) {
  return {std::move(method), std::move(path),
          [this, action = std::move(action)](HttpRequest request) {
            return Answer(std::move(request), action);
          }};
}

asio::awaitable<HttpResponse> ScriptedForge::Answer(HttpRequest request,
                                                    Action action) {
  ScriptedCall call;
  call.at = clock_.Now();
  call.method = request.method;
  call.path = request.path;
  call.query = request.query;
  call.body = request.body.substr(0, kMaxBodyKept);
  HttpResponse response;
  const absl::optional<Fault> fault = faults_.Hit(
      request.method, absl::StrCat(request.path, "?", request.query),
      CredentialOf(request));
  if (!fault) {
    response = Do(request, call, action);
  } else {
    if (fault->latency > absl::ZeroDuration()) co_await Wait(fault->latency);
    if (!fault->query.empty()) request.query = fault->query;
    if (!fault->Fails() || fault->after || fault->truncated) {
      response = Do(request, call, action);
    }
    if (fault->Fails()) response = co_await Fail(*fault, std::move(response));
  }
  call.status = response.status;
  bytes_ += response.body.size();
  Record(std::move(call));
  co_return response;
}

HttpResponse ScriptedForge::Do(const HttpRequest& request, ScriptedCall& call,
                               const Action& action) {
  absl::optional<HttpResponse> refused = Refuse(request);
  HttpResponse response = refused ? *std::move(refused) : action(request, call);
  if (!call.context.empty() && response.status / 100 == 2) {
    call.effect = ++effect_count_;
  }
  Finish(response);
  return response;
}

asio::awaitable<HttpResponse> ScriptedForge::Fail(Fault fault,
                                                  HttpResponse response) {
  if (fault.hang) {
    co_await Wait(std::min(fault.ends_at - clock_.Now(), kLongestHang));
    co_return Error(503, "hung");
  }
  if (fault.reset) {
    HttpResponse unreadable;
    unreadable.status = 0;
    co_return unreadable;
  }
  if (fault.rate_limit_until) co_return RateLimited(*fault.rate_limit_until);
  if (fault.truncated) {
    response.body.resize(response.body.size() / 2);
    co_return response;
  }
  if (fault.body && fault.after) {
    response.body = *std::move(fault.body);
    co_return response;
  }
  const int status = fault.status == 0 ? 200 : fault.status;
  if (fault.body) co_return JsonResponse(status, *std::move(fault.body));
  if (fault.huge) {
    co_return JsonResponse(status, std::string(kHuge, ' '));
  }
  response = Error(status, "a fault of the script");
  if (fault.html) {
    response.content_type = "text/html";
    response.body = "<html><body><h1>Bad Gateway</h1></body></html>";
  }
  if (fault.retry_after > absl::ZeroDuration()) {
    response.headers.Add("Retry-After",
                         absl::StrCat(absl::ToInt64Seconds(fault.retry_after)));
  }
  co_return response;
}

HttpResponse ScriptedForge::RateLimited(absl::Time until) const {
  HttpResponse response = Error(429, "rate limit exceeded");
  const int64_t seconds = absl::ToInt64Seconds(until - clock_.Now());
  response.headers.Add("Retry-After",
                       absl::StrCat(std::max<int64_t>(seconds, 1)));
  return response;
}

HttpResponse ScriptedForge::ChangeRepositories(const HttpRequest&) {
  return Problem(501, "this forge's repositories are what they are");
}

void ScriptedForge::Record(ScriptedCall call) {
  call.number = ++call_count_;
  call.done_at = clock_.Now();
  ++counts_by_status_[call.status];
  if (calls_.size() == max_calls_) calls_.pop_front();
  calls_.push_back(std::move(call));
}

void ScriptedForge::Reset() {
  faults_.Clear();
  calls_.clear();
  call_count_ = 0;
  effect_count_ = 0;
  bytes_ = 0;
  counts_by_status_.clear();
  Clear();
}

HttpRoute ScriptedForge::AdminRoute(std::string method, std::string path,
                                    AdminAction action) {
  return {std::move(method), std::move(path),
          [this, action](HttpRequest request) {
            return Ready((this->*action)(request));
          }};
}

HttpResponse ScriptedForge::PostFault(const HttpRequest& request) {
  absl::StatusOr<Fault> fault = Fault::Parse(request.body, clock_.Now());
  if (!fault.ok()) return Problem(400, fault.status().message());
  AddFault(*std::move(fault));
  return NoContent();
}

HttpResponse ScriptedForge::DeleteFaults(const HttpRequest& /*request*/) {
  faults_.Clear();
  return NoContent();
}

HttpResponse ScriptedForge::GetCalls(const HttpRequest& request) {
  const auto after =
      static_cast<int64_t>(QueryNumber(request.query, "after", 0));
  std::string body = "[";
  size_t count = 0;
  const int64_t first = calls_.empty() ? 0 : calls_.front().number;
  const size_t begin =
      after < first ? 0 : static_cast<size_t>(after - first) + 1;
  for (size_t i = begin; i < calls_.size() && count < kMaxCallsAnswered; ++i) {
    if (count++ > 0) body += ",";
    absl::StrAppend(&body, CallJson(calls_[i]));
  }
  return JsonResponse(200, body + "]");
}

HttpResponse ScriptedForge::GetStats(const HttpRequest& /*request*/) {
  std::string by_status;
  for (const auto& [status, count] : counts_by_status_) {
    absl::StrAppend(&by_status, by_status.empty() ? "" : ",", "\"", status,
                    "\":", count);
  }
  return JsonResponse(
      200, absl::StrCat("{\"calls\":", call_count_, ",\"bytes\":", bytes_, ",",
                        Counts(), "\"by_status\":{", by_status, "}}"));
}

HttpResponse ScriptedForge::DeleteAll(const HttpRequest& /*request*/) {
  Reset();
  return NoContent();
}

HttpResponse JsonResponse(int status, std::string body) {
  HttpResponse response;
  response.status = status;
  response.content_type = "application/json; charset=utf-8";
  response.body = std::move(body);
  return response;
}

HttpResponse NoContent() {
  HttpResponse response;
  response.status = 204;
  return response;
}

absl::optional<std::string> QueryValue(absl::string_view query,
                                       absl::string_view name) {
  for (absl::string_view field : absl::StrSplit(query, '&')) {
    if (absl::ConsumePrefix(&field, name) && absl::ConsumePrefix(&field, "=")) {
      return PercentDecoded(field);
    }
  }
  return absl::nullopt;
}

size_t QueryNumber(absl::string_view query, absl::string_view name,
                   size_t fallback, size_t least) {
  size_t number = 0;
  const auto value = QueryValue(query, name);
  if (value && absl::SimpleAtoi(*value, &number) && number >= least) {
    return number;
  }
  return fallback;
}

std::string PercentDecoded(absl::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool is_escape = text[i] == '%' && i + 2 < text.size() &&
                           absl::ascii_isxdigit(text[i + 1]) &&
                           absl::ascii_isxdigit(text[i + 2]);
    if (is_escape) {
      decoded += absl::HexStringToBytes(text.substr(i + 1, 2));
      i += 2;
    } else {
      decoded.push_back(text[i]);
    }
  }
  return decoded;
}

}  // namespace lamplighter
