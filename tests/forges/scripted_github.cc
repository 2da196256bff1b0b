#include "tests/forges/scripted_github.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/hash/hash.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "boost/asio/as_tuple.hpp"
#include "boost/asio/steady_timer.hpp"
#include "boost/asio/this_coro.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "simdjson.h"
#include "tests/forges/github_json.h"

namespace lamplighter {
namespace {

namespace asio = ::boost::asio;

constexpr char kJson[] = "application/json; charset=utf-8";
constexpr size_t kMaxDescription = 140;
constexpr size_t kMaxCallsAnswered = 10'000;
constexpr absl::Duration kLongestHang = absl::Minutes(1);
constexpr absl::Duration kWindow = absl::Hours(1);

HttpResponse Json(int status, std::string body) {
  HttpResponse response;
  response.status = status;
  response.content_type = kJson;
  response.body = std::move(body);
  return response;
}

HttpResponse NoContent() {
  HttpResponse response;
  response.status = 204;
  return response;
}

HttpResponse Message(int status, absl::string_view message) {
  return Json(status, ErrorJson(status, message));
}

asio::awaitable<HttpResponse> Ready(HttpResponse response) {
  co_return response;
}

asio::awaitable<void> Wait(absl::Duration duration) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  timer.expires_after(absl::ToChronoNanoseconds(duration));
  co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
}

// A number in the query, from 1.
size_t QueryNumber(absl::string_view query, absl::string_view name,
                   size_t fallback) {
  for (absl::string_view field : absl::StrSplit(query, '&')) {
    size_t number = 0;
    if (absl::ConsumePrefix(&field, name) && absl::ConsumePrefix(&field, "=") &&
        absl::SimpleAtoi(field, &number) && number > 0) {
      return number;
    }
  }
  return fallback;
}

size_t CountCharacters(absl::string_view text) {
  return absl::c_count_if(
      text, [](char c) { return (static_cast<uint8_t>(c) & 0xC0) != 0x80; });
}

bool IsKnownCommit(absl::string_view sha) {
  return sha.size() == 40 && absl::c_all_of(sha, &absl::ascii_isxdigit) &&
         !absl::c_all_of(sha, [](char c) { return c == '0'; });
}

// owner/repository, without regard to case, and the commit.
std::string CommitKey(const HttpRequest& request) {
  return absl::StrCat(absl::AsciiStrToLower(request.path_params[0]), "/",
                      absl::AsciiStrToLower(request.path_params[1]), "@",
                      request.path_params[2]);
}

// What is wrong with a status, in GitHub's words; empty if nothing.
std::string WhatIsWrong(const ScriptedStatus& status) {
  static constexpr std::array<absl::string_view, 4> kStates = {
      "error", "failure", "pending", "success"};
  if (!absl::c_linear_search(kStates, status.state)) {
    return ValidationJson("state is not included in the list");
  }
  if (CountCharacters(status.description) > kMaxDescription) {
    return ValidationJson(
        "description is too long (maximum is 140 characters)");
  }
  if (status.context.size() > 255) {
    return ValidationJson("context is too long (maximum is 255 characters)");
  }
  return "";
}

bool ParseStatus(const std::string& body, ScriptedStatus& status) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(body).get(object)) return false;
  const auto text = [&](const char* key) {
    std::string_view value;
    return object[key].get(value) ? std::string() : std::string(value);
  };
  status.state = text("state");
  status.target_url = text("target_url");
  status.description = text("description");
  status.context = text("context");
  if (status.context.empty()) status.context = "default";
  return true;
}

// A page of what `list` holds, with Link and an ETag; 304 where the client has
// it. `format` makes the body of a page.
template <typename T, typename Format>
HttpResponse Page(const HttpRequest& request, absl::Span<const T> list,
                  Format format) {
  const size_t size =
      std::min<size_t>(QueryNumber(request.query, "per_page", 30), 100);
  const size_t page = QueryNumber(request.query, "page", 1);
  const size_t begin = std::min(list.size(), (page - 1) * size);
  HttpResponse response = Json(200, format(list.subspan(begin, size)));
  const std::string etag =
      absl::StrCat("W/\"", absl::Hex(absl::HashOf(response.body)), "\"");
  if (request.headers.Find("If-None-Match") == absl::string_view(etag)) {
    response = HttpResponse();
    response.status = 304;
  } else if (begin + size < list.size()) {
    response.headers.Add(
        "Link", absl::StrCat("<http://",
                             request.headers.Find("Host").value_or("localhost"),
                             request.path, "?per_page=", size,
                             "&page=", page + 1, ">; rel=\"next\""));
  }
  response.headers.Add("ETag", etag);
  return response;
}

}  // namespace

std::vector<HttpRoute> ScriptedGitHub::Routes() {
  std::vector<HttpRoute> routes;
  for (const char* base : {"", "/api/v3"}) {
    const std::string repository = absl::StrCat(base, "/repos/{owner}/{repo}");
    routes.push_back(
        Route("POST", repository + "/statuses/{sha}", &ScriptedGitHub::Create));
    routes.push_back(Route("GET", repository + "/commits/{sha}/statuses",
                           &ScriptedGitHub::History));
    routes.push_back(Route("GET", repository + "/commits/{sha}/status",
                           &ScriptedGitHub::Combined));
  }
  using G = ScriptedGitHub;
  routes.push_back(AdminRoute("POST", "/_sandbox/faults", &G::PostFault));
  routes.push_back(AdminRoute("DELETE", "/_sandbox/faults", &G::DeleteFaults));
  routes.push_back(AdminRoute("GET", "/_sandbox/calls", &G::GetCalls));
  routes.push_back(AdminRoute("GET", "/_sandbox/stats", &G::GetStats));
  routes.push_back(AdminRoute("DELETE", "/_sandbox", &G::DeleteAll));
  return routes;
}

HttpRoute ScriptedGitHub::Route(std::string method, std::string path,
                                Action action) {
  return {std::move(method), std::move(path),
          [this, action](HttpRequest request) {
            return Answer(std::move(request), action);
          }};
}

asio::awaitable<HttpResponse> ScriptedGitHub::Answer(HttpRequest request,
                                                     Action action) {
  ScriptedCall call;
  call.at = clock_.Now();
  call.method = request.method;
  call.path = request.path;
  HttpResponse response;
  const absl::optional<Fault> fault = faults_.Hit(request.method);
  if (!fault) {
    response = Do(request, call, action);
  } else {
    if (fault->latency > absl::ZeroDuration()) co_await Wait(fault->latency);
    const bool fails = fault->status != 0 || fault->hang || fault->reset ||
                       fault->rate_limit_until;
    if (!fails || fault->after) response = Do(request, call, action);
    if (fails) response = co_await Fail(*fault);
  }
  call.status = response.status;
  Record(std::move(call));
  co_return response;
}

asio::awaitable<HttpResponse> ScriptedGitHub::Fail(Fault fault) {
  if (fault.hang) {
    co_await Wait(std::min(fault.ends_at - clock_.Now(), kLongestHang));
    co_return Message(503, "hung");
  }
  if (fault.reset) {
    HttpResponse unreadable;
    unreadable.status = 0;
    co_return unreadable;
  }
  if (fault.rate_limit_until) {
    HttpResponse response = Message(403, "API rate limit exceeded.");
    response.headers.Add("X-RateLimit-Limit", "5000");
    response.headers.Add("X-RateLimit-Remaining", "0");
    response.headers.Add(
        "X-RateLimit-Reset",
        absl::StrCat(absl::ToUnixSeconds(*fault.rate_limit_until)));
    co_return response;
  }
  HttpResponse response = Message(fault.status, "a fault of the script");
  if (fault.retry_after > absl::ZeroDuration()) {
    response.headers.Add("Retry-After",
                         absl::StrCat(absl::ToInt64Seconds(fault.retry_after)));
  }
  co_return response;
}

HttpResponse ScriptedGitHub::Do(const HttpRequest& request, ScriptedCall& call,
                                Action action) {
  if (!options_.token.empty()) {
    absl::string_view token =
        request.headers.Find("Authorization").value_or("");
    if (!absl::ConsumePrefix(&token, "Bearer ")) {
      absl::ConsumePrefix(&token, "token ");
    }
    if (token != options_.token) return Message(401, "Bad credentials");
  }
  TurnWindow();
  HttpResponse response;
  if (options_.rate_limit > 0 && used_ >= options_.rate_limit) {
    response = Message(403, "API rate limit exceeded.");
  } else if (!IsKnownCommit(request.path_params[2])) {
    response = Message(
        422, absl::StrCat("No commit found for SHA: ", request.path_params[2]));
  } else {
    response = (this->*action)(request, call);
    if (response.status != 304) ++used_;
  }
  AddRateLimit(response);
  return response;
}

HttpResponse ScriptedGitHub::Create(const HttpRequest& request,
                                    ScriptedCall& call) {
  ScriptedStatus status;
  if (!ParseStatus(request.body, status)) {
    return Message(400, "Problems parsing JSON");
  }
  call.context = status.context;
  call.state = status.state;
  call.description = status.description;
  if (std::string wrong = WhatIsWrong(status); !wrong.empty()) {
    return Json(422, std::move(wrong));
  }
  status.created_at = call.at;
  const ScriptedStatus* added =
      statuses_.Add(CommitKey(request), std::move(status));
  if (added == nullptr) {
    return Json(422, ValidationJson("This SHA and context has reached the "
                                    "maximum number of statuses."));
  }
  return Json(201, StatusJson(*added, CommitOf(request.path_params)));
}

HttpResponse ScriptedGitHub::History(const HttpRequest& request,
                                     ScriptedCall& /*call*/) {
  const std::vector<ScriptedStatus>& history =
      statuses_.History(CommitKey(request));
  std::vector<const ScriptedStatus*> newest_first;
  for (auto it = history.rbegin(); it != history.rend(); ++it) {
    newest_first.push_back(&*it);
  }
  return Page<const ScriptedStatus*>(request, newest_first, [&](auto page) {
    return StatusListJson(page, CommitOf(request.path_params));
  });
}

HttpResponse ScriptedGitHub::Combined(const HttpRequest& request,
                                      ScriptedCall& /*call*/) {
  const std::vector<const ScriptedStatus*> newest =
      statuses_.Newest(CommitKey(request));
  return Page<const ScriptedStatus*>(request, newest, [&](auto page) {
    return CombinedJson(newest, page, CommitOf(request.path_params));
  });
}

void ScriptedGitHub::TurnWindow() {
  const absl::Time now = clock_.Now();
  if (now < window_ends_) return;
  window_ends_ = now + kWindow;
  used_ = 0;
}

void ScriptedGitHub::AddRateLimit(HttpResponse& response) const {
  if (options_.rate_limit == 0) return;
  response.headers.Add("X-RateLimit-Limit", absl::StrCat(options_.rate_limit));
  response.headers.Add("X-RateLimit-Remaining",
                       absl::StrCat(options_.rate_limit - used_));
  response.headers.Add("X-RateLimit-Reset",
                       absl::StrCat(absl::ToUnixSeconds(window_ends_)));
  response.headers.Add("X-RateLimit-Resource", "core");
}

void ScriptedGitHub::Record(ScriptedCall call) {
  call.number = ++call_count_;
  ++counts_by_status_[call.status];
  if (calls_.size() == options_.max_calls) calls_.pop_front();
  calls_.push_back(std::move(call));
}

void ScriptedGitHub::Reset() {
  faults_.Clear();
  statuses_.Clear();
  calls_.clear();
  call_count_ = 0;
  counts_by_status_.clear();
  used_ = 0;
}

HttpRoute ScriptedGitHub::AdminRoute(
    std::string method, std::string path,
    HttpResponse (ScriptedGitHub::*action)(const HttpRequest&)) {
  return {std::move(method), std::move(path),
          [this, action](HttpRequest request) {
            return Ready((this->*action)(request));
          }};
}

HttpResponse ScriptedGitHub::PostFault(const HttpRequest& request) {
  absl::StatusOr<Fault> fault = Fault::Parse(request.body, clock_.Now());
  if (!fault.ok()) return Problem(400, fault.status().message());
  AddFault(*std::move(fault));
  return NoContent();
}

HttpResponse ScriptedGitHub::DeleteFaults(const HttpRequest& /*request*/) {
  faults_.Clear();
  return NoContent();
}

HttpResponse ScriptedGitHub::GetCalls(const HttpRequest& request) {
  const int64_t after =
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
  return Json(200, body + "]");
}

HttpResponse ScriptedGitHub::GetStats(const HttpRequest& /*request*/) {
  std::string by_status;
  for (const auto& [status, count] : counts_by_status_) {
    absl::StrAppend(&by_status, by_status.empty() ? "" : ",", "\"", status,
                    "\":", count);
  }
  return Json(200, absl::StrCat("{\"calls\":", call_count_,
                                ",\"statuses\":", statuses_.statuses(),
                                ",\"commits\":", statuses_.commits(),
                                ",\"by_status\":{", by_status, "}}"));
}

HttpResponse ScriptedGitHub::DeleteAll(const HttpRequest& /*request*/) {
  Reset();
  return NoContent();
}

}  // namespace lamplighter
