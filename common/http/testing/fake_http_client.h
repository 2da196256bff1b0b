#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/post.hpp"
#include "boost/asio/this_coro.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "common/http/http_client.h"
#include "common/http/http_message.h"
#include "gmock/gmock.h"

namespace lamplighter {

// An answer for a script: Reply(200, "[]", {{"ETag", "\"1\""}}).
inline HttpResult Reply(
    int status, std::string body = "",
    std::vector<std::pair<std::string, std::string>> headers = {}) {
  return {status, HttpHeaders{std::move(headers)}, std::move(body)};
}

// Answers from a script and remembers what it was asked:
//
//   client.When("GET", HasSubstr("/repos/x")).Return(503).Then(Reply(200));
//
// The last answer of a script repeats. Of several scripts that match, the one
// added last answers. A call that none matches is Internal and names the call.
// Answers never come before the caller has suspended once, as in production.
class FakeHttpClient final : public HttpClient {
 public:
  class Script {
   public:
    Script& Return(int status) { return Return(Reply(status)); }
    Script& Return(absl::StatusOr<HttpResult> answer) {
      return Return([answer = std::move(answer)](const HttpCall& /*call*/) {
        return answer;
      });
    }
    // Computes the answer from the call.
    Script& Return(
        std::function<absl::StatusOr<HttpResult>(const HttpCall&)> answer) {
      answers_.push_back(std::move(answer));
      return *this;
    }
    template <typename Answer>
    Script& Then(Answer answer) {
      return Return(std::move(answer));
    }

   private:
    friend class FakeHttpClient;
    Script(std::string method, testing::Matcher<const std::string&> url)
        : method_(std::move(method)), url_(std::move(url)) {}

    bool Matches(const HttpCall& call) const {
      return call.method == method_ && url_.Matches(call.url);
    }
    absl::StatusOr<HttpResult> Next(const HttpCall& call) {
      if (answers_.empty())
        return absl::InternalError("scripted without an answer");
      const auto answer = answers_.front();
      if (answers_.size() > 1) answers_.pop_front();
      return answer(call);
    }

    std::string method_;
    testing::Matcher<const std::string&> url_;
    std::deque<std::function<absl::StatusOr<HttpResult>(const HttpCall&)>>
        answers_;
  };

  // `url` is a string or any gmock string matcher. The script lives as long as
  // the client.
  Script& When(std::string method, testing::Matcher<const std::string&> url) {
    scripts_.emplace_front(
        new Script(std::move(method), std::move(url)));  // NOLINT: private
    return *scripts_.front();
  }

  boost::asio::awaitable<absl::StatusOr<HttpResult>> Send(
      HttpCall call) override {
    calls_.push_back(call);
    co_await boost::asio::post(co_await boost::asio::this_coro::executor,
                               boost::asio::use_awaitable);
    for (const auto& script : scripts_) {
      if (script->Matches(call)) co_return Stream(call, script->Next(call));
    }
    co_return absl::InternalError(
        absl::StrCat("unscripted call: ", call.method, " ", call.url));
  }

  // Every call, answered or not, in order.
  const std::vector<HttpCall>& calls() const { return calls_; }

 private:
  // Gives the body of a 2xx answer to the call's on_body, if it has one.
  static absl::StatusOr<HttpResult> Stream(const HttpCall& call,
                                           absl::StatusOr<HttpResult> result) {
    if (!call.on_body || !result.ok() || result->status / 100 != 2)
      return result;
    if (absl::Status refused = call.on_body(result->body); !refused.ok())
      return refused;
    result->body.clear();
    return result;
  }

  std::deque<std::unique_ptr<Script>> scripts_;
  std::vector<HttpCall> calls_;
};

}  // namespace lamplighter
