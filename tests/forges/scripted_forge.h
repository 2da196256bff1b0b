#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "boost/asio/awaitable.hpp"
#include "common/http/http_server.h"
#include "common/time/clock.h"
#include "tests/forges/fault.h"

namespace lamplighter {

// A request that a scripted forge has answered.
struct ScriptedCall {
  int64_t number = 0;  // from 1
  absl::Time at;
  std::string method;
  std::string path;
  std::string query;
  std::string body;
  int status = 0;
  absl::Time done_at;  // when it was answered
  // Which one it was, from 1, of those that set a status; 0 if it set none.
  // Calls are numbered as they are answered, statuses as they are set.
  int64_t effect = 0;
  // Of what was asked to be set; empty for all else.
  std::string context;
  std::string state;
  std::string description;
};

// What all scripted forges have in common: each answers the requests of its API
// as the real one does, does what a test tells it to do wrong, and remembers
// what it was asked. Below /_sandbox it is told and tells:
//
//   POST   /_sandbox/faults             see Fault
//   DELETE /_sandbox/faults
//   GET    /_sandbox/calls?after=N      calls beyond number N, 10,000 at most
//   GET    /_sandbox/stats              counts only
//   POST   /_sandbox/repositories       see ScriptedGitHubRepositories
//   DELETE /_sandbox                    forgets all
//
// Where the environment variable LAMPLIGHTER_RECORD_CALLS names a directory,
// its calls are written to NAME.jsonl in there when it is destroyed. On the
// loop of its server only.
class ScriptedForge {
 public:
  // Remembers the newest `max_calls`. `name` is the provider type's.
  ScriptedForge(std::string name, const Clock& clock,
                size_t max_calls = 200'000)
      : name_(std::move(name)),
        clock_(clock),
        max_calls_(max_calls),
        faults_(clock) {}
  ScriptedForge(const ScriptedForge&) = delete;
  ScriptedForge& operator=(const ScriptedForge&) = delete;
  virtual ~ScriptedForge();

  // For an HttpServer; this must outlive it.
  std::vector<HttpRoute> Routes();

  void AddFault(Fault fault) { faults_.Add(std::move(fault)); }
  const std::deque<ScriptedCall>& calls() const { return calls_; }
  void Reset();

 protected:
  // Does what the route is for, and notes in the call what it set.
  using Action =
      std::function<HttpResponse(const HttpRequest& request, ScriptedCall&)>;

  // Those of its API, each made by Route().
  virtual std::vector<HttpRoute> ApiRoutes() = 0;
  // Its answer to a request that goes no further: a wrong token, a quota that
  // is used up.
  virtual absl::optional<HttpResponse> Refuse(const HttpRequest& request) = 0;
  // An error as its API says it.
  virtual HttpResponse Error(int status, absl::string_view message) const = 0;
  // Its answer to a credential that is limited until then.
  virtual HttpResponse RateLimited(absl::Time until) const;
  // What it has on every answer: its quota.
  virtual void Finish(HttpResponse& /*response*/) {}
  // Members of the answer to /_sandbox/stats, `"name":1,` each.
  virtual std::string Counts() const { return ""; }
  // Answers to /_sandbox/repositories.
  virtual HttpResponse ChangeRepositories(const HttpRequest& request);
  // Forgets what it was told to keep.
  virtual void Clear() = 0;

  HttpRoute Route(std::string method, std::string path, Action action);
  const Clock& clock() const { return clock_; }

 private:
  using AdminAction = HttpResponse (ScriptedForge::*)(const HttpRequest&);

  boost::asio::awaitable<HttpResponse> Answer(HttpRequest request,
                                              Action action);
  HttpResponse Do(const HttpRequest& request, ScriptedCall& call,
                  const Action& action);
  boost::asio::awaitable<HttpResponse> Fail(Fault fault, HttpResponse response);
  void Record(ScriptedCall call);

  HttpRoute AdminRoute(std::string method, std::string path,
                       AdminAction action);
  HttpResponse PostFault(const HttpRequest& request);
  HttpResponse DeleteFaults(const HttpRequest& request);
  HttpResponse GetCalls(const HttpRequest& request);
  HttpResponse GetStats(const HttpRequest& request);
  HttpResponse DeleteAll(const HttpRequest& request);

  const std::string name_;
  const Clock& clock_;
  const size_t max_calls_;
  Faults faults_;
  std::deque<ScriptedCall> calls_;
  int64_t call_count_ = 0;
  int64_t effect_count_ = 0;
  uint64_t bytes_ = 0;  // of the answers' bodies
  std::map<int, int64_t> counts_by_status_;
};

// For the scripted forges.

// A JSON answer.
HttpResponse JsonResponse(int status, std::string body);
HttpResponse NoContent();

// The value of `name` in a query, percent-decoded; none where it is not there.
absl::optional<std::string> QueryValue(absl::string_view query,
                                       absl::string_view name);

// The same as a whole number from `least`, or `fallback` where it is none.
size_t QueryNumber(absl::string_view query, absl::string_view name,
                   size_t fallback, size_t least = 1);

// Decodes what was percent-encoded; as it is where it cannot be decoded.
std::string PercentDecoded(absl::string_view text);

}  // namespace lamplighter
